"""Infrared inside the face: lit or black, the same face or another; NaN for what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from math import isnan, nan

import cv2
import numpy as np
import pytest

from yibao_face.drivers.clip import Planes
from yibao_face.models.api import Box, Detection, Points
from yibao_face.models.liveness.infrared import (
    ColourImage,
    Infrared,
    InfraredImage,
    Strobe,
    measure_infrared,
    presence,
    strobe_gain,
)
from yibao_face.models.suite import FaceModels

SIZE = (480, 640)
MIDDLE, RADII = np.array([320.0, 240.0]), np.array([75.0, 100.0])
Shots = Callable[[str], list[Planes]]


def oval(shift_px: float = 0.0) -> Points:
    """Landmarks all over an oval face."""
    angles, radii = np.linspace(0, 40, 468), np.sqrt(np.linspace(0, 1, 468))
    around = np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None] * RADII
    middle = MIDDLE + np.array([shift_px, 0.0])
    return (middle + around).astype(np.float32)


def texture(seed: int) -> InfraredImage:
    """Grey blobs, nowhere black or flooded, alike at no two places."""
    noise = np.random.default_rng(seed).normal(0, 1, SIZE)
    blobs = np.asarray(cv2.GaussianBlur(noise, (0, 0), 9.0), np.float64)
    return np.clip(120 + 30 * blobs / blobs.std(), 20, 220).astype(np.uint8)


def coloured(grey: InfraredImage) -> ColourImage:
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def unmeasured(found: Infrared | Strobe) -> bool:
    return all(isnan(value) for value in asdict(found).values())


def test_the_same_face_in_both_images_is_alike() -> None:
    grey = texture(1)

    found = measure_infrared(grey // 2 + 10, coloured(grey), oval())

    assert found.ir_likeness > 0.98
    assert (
        pytest.approx((grey[140:340, 245:395].mean() / 2 + 10) / 255, abs=0.03) == found.ir_level
    )
    assert 0.03 < found.ir_contrast < 0.1
    assert 0.0 == found.ir_flood


@pytest.mark.parametrize(
    "other",
    [
        np.ascontiguousarray(texture(1)[:, ::-1]),
        np.ascontiguousarray(texture(1)[::-1]),
        np.roll(texture(1), 75, 1),
        texture(2),
    ],
    ids=["mirrored", "upside-down", "displaced", "another"],
)
def test_another_picture_at_the_place_of_the_face_is_not(other: InfraredImage) -> None:
    assert abs(measure_infrared(other, coloured(texture(1)), oval()).ir_likeness) < 0.35


def test_a_negative_is_the_opposite() -> None:
    grey = texture(1)

    assert measure_infrared(240 - grey, coloured(grey), oval()).ir_likeness < -0.98


def test_light_from_one_side_does_not_make_faces_unlike() -> None:
    grey = texture(1)
    slope = np.linspace(-60, 60, SIZE[1])
    shaded = np.clip(grey + slope, 0, 255).astype(np.uint8)

    assert measure_infrared(shaded, coloured(grey), oval()).ir_likeness > 0.95


def test_a_screen_is_black_and_shows_no_likeness() -> None:
    noise = np.random.default_rng(3).integers(0, 2, SIZE, np.uint8)

    for dark in (np.zeros(SIZE, np.uint8), noise):
        found = measure_infrared(dark, coloured(texture(1)), oval())
        assert found.ir_level < 0.01
        assert found.ir_contrast < 0.01
        assert isnan(found.ir_likeness)
        assert 0.0 == found.ir_flood


def test_a_flooded_face_is_told() -> None:
    half = texture(1)
    half[:, 320:] = 255

    assert 1.0 == measure_infrared(np.full(SIZE, 255, np.uint8), coloured(half), oval()).ir_flood
    assert pytest.approx(0.5, abs=0.02) == measure_infrared(half, coloured(half), oval()).ir_flood


def test_a_black_colour_image_has_no_likeness_but_a_level() -> None:
    found = measure_infrared(texture(1), np.zeros((*SIZE, 3), np.uint8), oval())

    assert isnan(found.ir_likeness)
    assert 0.4 < found.ir_level < 0.55


@pytest.mark.parametrize(
    "ir",
    [
        None,
        np.zeros((240, 320), np.uint8),
        np.zeros((640, 480), np.uint8),
        np.zeros((*SIZE, 3), np.uint8),
        np.zeros(SIZE, np.uint16),
        np.zeros(SIZE, np.float32),
        np.zeros((0, 0), np.uint8),
    ],
    ids=["none", "half", "turned", "colour", "16-bit", "float", "empty"],
)
def test_a_plane_that_is_missing_or_no_infrared_measures_nothing(
    ir: InfraredImage | None,
) -> None:
    assert unmeasured(measure_infrared(ir, coloured(texture(1)), oval()))


@pytest.mark.parametrize(
    "points",
    [
        oval() + np.float32(5000),
        oval() - np.float32(5000),
        np.full((468, 2), nan, np.float32),
        oval() * np.float32(np.inf),
        np.full((468, 2), 300, np.float32),
        oval() * np.float32(100),
        np.zeros((0, 2), np.float32),
        oval()[:2],
    ],
    ids=["right", "left", "nan", "inf", "dot", "huge", "none", "two"],
)
def test_a_face_that_is_not_in_the_picture_measures_nothing(points: Points) -> None:
    grey = texture(1)

    assert unmeasured(measure_infrared(grey, coloured(grey), points))
    assert unmeasured(strobe_gain(grey, grey // 2, points))


def test_a_colour_image_of_no_colour_measures_nothing() -> None:
    grey = texture(1)

    assert unmeasured(measure_infrared(grey, grey, oval()))


def test_a_face_over_the_border_is_measured_within() -> None:
    grey = texture(1)

    assert measure_infrared(grey, coloured(grey), oval(-300.0)).ir_likeness > 0.98


def test_an_infrared_camera_of_its_own_is_compared_by_its_own_landmarks() -> None:
    grey = texture(1)
    aside = np.roll(grey, 90, 1)[:400]

    found = measure_infrared(aside, coloured(grey), oval(), oval(90.0))

    assert found.ir_likeness > 0.95
    assert unmeasured(measure_infrared(aside, coloured(grey), oval()))


@pytest.mark.parametrize("clip", ["live-first", "live-second", "live-third"])
def test_a_simulated_living_face_is_lit_and_alike(
    models: FaceModels, shots: Shots, clip: str
) -> None:
    for shot in shots(clip):
        found = measure_infrared(shot.ir, shot.bgr, landmarks(models, shot))
        assert found.ir_level > 0.3
        assert found.ir_likeness > 0.4


def test_a_simulated_tablet_is_dark(models: FaceModels, shots: Shots) -> None:
    for shot in shots("tablet-first"):
        found = measure_infrared(shot.ir, shot.bgr, landmarks(models, shot))
        assert found.ir_level < 0.08
        assert found.ir_contrast < 0.02


def landmarks(models: FaceModels, shot: Planes) -> Points:
    [face] = models.detector.find(shot.bgr)
    dense = models.landmarker.find(shot.bgr, face)
    assert dense is not None, "no landmarks"
    return dense.points


def lit_by(fall_off: float) -> InfraredImage:
    """40 grey values of lamp on 50 of daylight, by so much less at the rim of the oval."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    out = np.hypot((columns - 320) / RADII[0], (rows - 240) / RADII[1])
    return np.clip(50 + 40 * (1 - fall_off * out**2), 0, 255).astype(np.uint8)


def test_the_lamp_adds_light_and_more_of_it_in_the_middle_of_a_head() -> None:
    daylight = np.full(SIZE, 50, np.uint8)

    sheet = strobe_gain(lit_by(0.0), daylight, oval())
    head = strobe_gain(lit_by(0.6), daylight, oval())

    assert pytest.approx(40 / 255, abs=0.001) == sheet.strobe_gain
    assert pytest.approx(1.0, abs=0.01) == sheet.strobe_centre
    assert 1.5 < head.strobe_centre < 2.5


@pytest.mark.parametrize(("lit", "unlit", "gain"), [(50, 50, 0.0), (50, 90, -40 / 255)])
def test_a_lamp_that_adds_nothing_has_no_middle(lit: int, unlit: int, gain: float) -> None:
    found = strobe_gain(np.full(SIZE, lit, np.uint8), np.full(SIZE, unlit, np.uint8), oval())

    assert pytest.approx(gain, abs=1e-6) == found.strobe_gain
    assert isnan(found.strobe_centre)


@pytest.mark.parametrize(
    ("lit", "unlit"),
    [
        (None, texture(1)),
        (texture(1), None),
        (texture(1), texture(1)[:-1]),
        (texture(1), np.zeros(SIZE, np.uint16)),
        (coloured(texture(1)), coloured(texture(1))),
    ],
    ids=["no-lit", "no-unlit", "size", "16-bit", "colour"],
)
def test_a_strobe_of_planes_that_do_not_fit_measures_nothing(
    lit: InfraredImage | None, unlit: InfraredImage | None
) -> None:
    assert unmeasured(strobe_gain(lit, unlit, oval()))


def finder(*boxes: Box) -> Callable[[ColourImage], list[Detection]]:
    """Finds faces at ``boxes`` in any colour image."""

    def find(image: ColourImage) -> list[Detection]:
        assert (*SIZE, 3) == image.shape
        return [Detection(box, np.zeros((5, 2), np.float32), 0.9) for box in boxes]

    return find


def test_a_face_is_present_where_it_lies_in_the_colour_image() -> None:
    here, there = Box(100, 100, 80, 100), Box(400, 100, 80, 100)

    assert 1.0 == presence(texture(1), here, finder(there, here))
    assert 0.0 == presence(texture(1), here, finder(there))
    assert 0.0 == presence(texture(1), here, finder())
    assert isnan(presence(None, here, finder(here)))
    assert isnan(presence(np.zeros(SIZE, np.uint16), here, finder(here)))  # pyright: ignore[reportArgumentType]  # a driver may err


def test_a_real_finder_sees_the_simulated_infrared_face_and_none_on_the_tablet(
    models: FaceModels, shots: Shots
) -> None:
    seen: dict[str, float] = {}
    for clip in ("live-first", "tablet-first"):
        shot = shots(clip)[0]
        [face] = models.detector.find(shot.bgr)
        seen[clip] = presence(shot.ir, face.box, models.detector.find)

    assert seen["live-first"] > 0.6
    assert seen["tablet-first"] < 0.2
