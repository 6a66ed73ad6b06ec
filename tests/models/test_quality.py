"""Quality numbers: they fall with blur and dark, and ask nothing of where the box lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from yibao_face.daemon.booth.still.photo import Image
from yibao_face.daemon.core.quality import Limits
from yibao_face.daemon.demo.picture.portraits import PORTRAITS
from yibao_face.models.api import Box, DenseFace, Detection, Points
from yibao_face.models.quality import (
    Quality,
    eye_distance,
    eye_opening,
    measure_cover,
    measure_quality,
)
from yibao_face.models.suite import FaceModels

Picture = Callable[[str], Image]
Face = Callable[[str], Detection]
Dense = Callable[[str], DenseFace]

# Ear to ear under the chin, then back over the nose: where a mask covers the 478 points.
JAW = [93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361]
MASK = np.array([*JAW, 323, 346, 347, 197, 118, 117])
IRISES = (468, 473)
EYES = ((33, 133), (362, 263))
LIMITS = Limits()

FRAME = np.random.default_rng(4).integers(0, 256, (48, 64, 3), np.uint8)


def blurred(image: Image, sigma_px: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.uint8)


@pytest.mark.parametrize("name", PORTRAITS)
def test_the_more_blurred_the_less_sharp(picture: Picture, face: Face, name: str) -> None:
    image, box = picture(name), face(name).box
    # Blur in proportion to the face, so that it is the same at its measuring size.
    pictures = [image, *(blurred(image, share * box.width) for share in (0.01, 0.02, 0.04))]

    sharpness = [measure_quality(each, box).sharpness for each in pictures]

    assert all(before > after for before, after in pairwise(sharpness))
    assert sharpness[0] > 100
    assert sharpness[-1] < 20


@pytest.mark.parametrize("name", PORTRAITS)
def test_the_darker_the_less_bright(picture: Picture, face: Face, name: str) -> None:
    box = face(name).box
    pictures = [(picture(name) * light).astype(np.uint8) for light in (1.0, 0.7, 0.4, 0.1)]

    found = [measure_quality(each, box) for each in pictures]

    assert all(before.brightness > after.brightness for before, after in pairwise(found))
    assert all(before.contrast > after.contrast for before, after in pairwise(found))
    assert found[-1].brightness < 20


def test_fog_lowers_contrast_and_leaves_brightness(picture: Picture, face: Face) -> None:
    image, box = picture("third"), face("third").box
    clear = measure_quality(image, box)
    fog = clear.brightness + 0.3 * (image - clear.brightness)

    found = measure_quality(fog.astype(np.uint8), box)

    assert pytest.approx(0.3 * clear.contrast, rel=0.05) == found.contrast
    assert pytest.approx(clear.brightness, abs=1.0) == found.brightness


@pytest.mark.parametrize("name", ["first-1", "first-2", "first-3", "second"])
def test_a_farther_face_is_about_as_sharp(picture: Picture, face: Face, name: str) -> None:
    image, box = picture(name), face(name).box
    scale = 120 / box.width
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    there = Box(*(scale * v for v in (box.x, box.y, box.width, box.height)))

    near = measure_quality(image, box).sharpness
    far = measure_quality(np.asarray(small, np.uint8), there).sharpness

    assert 0.5 < far / near < 1.5


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_blank_picture_has_only_brightness(level: int) -> None:
    blank = np.full((48, 64, 3), level, np.uint8)

    assert Quality(float(level), 0.0, 0.0) == measure_quality(blank, Box(3, 4, 30, 20))


@pytest.mark.parametrize(
    "box",
    [
        Box(-100, 10, 50, 20),
        Box(10, -100, 20, 50),
        Box(64, 10, 20, 20),
        Box(10, 48, 20, 20),
        Box(1e9, 1e9, 10, 10),
        Box(-1e9, -1e9, 10, 10),
        Box(10, 10, 0, 0),
        Box(10, 10, -5, 20),
        Box(30, 30, -5, -5),
        Box(62.9, 10, 1.0, 30),
        Box(10, 10, 1.0, 30),
    ],
)
def test_a_box_with_nothing_in_it_gives_zeros(box: Box) -> None:
    assert Quality(0.0, 0.0, 0.0) == measure_quality(FRAME, box)


@pytest.mark.parametrize(
    ("box", "part"),
    [
        (Box(-20, -20, 40, 40), Box(0, 0, 20, 20)),
        (Box(50, 30, 500, 500), Box(50, 30, 14, 18)),
        (Box(-1000, -1000, 5000, 5000), Box(0, 0, 64, 48)),
    ],
)
def test_a_box_over_the_border_counts_with_its_part_inside(box: Box, part: Box) -> None:
    assert measure_quality(FRAME, part) == measure_quality(FRAME, box)


def test_only_the_box_counts() -> None:
    box = Box(16, 12, 20, 20)
    painted = np.full_like(FRAME, 255)
    painted[12:32, 16:36] = FRAME[12:32, 16:36]

    assert measure_quality(FRAME, box) == measure_quality(painted, box)
    assert measure_quality(FRAME, box) != measure_quality(painted, replace(box, x=10))


def test_numbers_are_finite_for_every_small_picture() -> None:
    rng = np.random.default_rng(10)
    for _ in range(200):
        height, width = (int(side) for side in rng.integers(1, 40, 2))
        frame = rng.integers(0, 256, (height, width, 3), np.uint8)
        box = Box(*(float(v) for v in rng.uniform(-30, 60, 4)))

        found = astuple(measure_quality(frame, box))

        assert all(type(value) is float and np.isfinite(value) for value in found)


@pytest.fixture(scope="session")
def dense(picture: Picture, face: Face, models: FaceModels) -> Dense:
    """The 478 points of a portrait."""

    def dense(name: str) -> DenseFace:
        found = models.landmarker.find(picture(name), face(name))
        assert found is not None
        return found

    return dense


def masked(image: Image, points: Points, colour: tuple[int, int, int]) -> Image:
    """A simulated mask: flat cloth over the lower face."""
    drawn = image.copy()
    cv2.fillPoly(drawn, [np.asarray(points[MASK], np.int32)], colour)
    return drawn


def shining(image: Image, points: Points, size: float) -> Image:
    """Simulated reflections ``size`` times as wide as the eyes."""
    drawn = image.copy()
    for iris, (outer, inner) in zip(IRISES, EYES, strict=True):
        width = float(np.linalg.norm(points[outer] - points[inner]))
        centre = (float(points[iris, 0]), float(points[iris, 1]))
        spot = (centre, (width * size, width * size * 0.6), 10.0)
        cv2.ellipse(drawn, spot, (255, 255, 255), -1)
    return drawn


@pytest.mark.parametrize("name", PORTRAITS)
def test_a_bare_face_is_not_covered(picture: Picture, face: Face, name: str) -> None:
    cover = measure_cover(picture(name), face(name).points)

    assert cover.flush > LIMITS.min_flush + 5
    assert cover.glare < LIMITS.max_glare / 5


@pytest.mark.parametrize(
    "colour",
    [(205, 185, 140), (235, 235, 235), (45, 42, 40)],
    ids=["blue", "white", "black"],
)
@pytest.mark.parametrize("name", PORTRAITS)
def test_a_drawn_mask_is_seen(
    picture: Picture, dense: Dense, models: FaceModels, name: str, colour: tuple[int, int, int]
) -> None:
    image = masked(picture(name), dense(name).points, colour)
    [found] = models.detector.find(image)

    assert measure_cover(image, found.points).flush < LIMITS.min_flush


@pytest.mark.parametrize("name", PORTRAITS)
def test_drawn_reflections_are_seen_once_they_hide_the_eyes(
    picture: Picture, face: Face, dense: Dense, name: str
) -> None:
    pictures = [shining(picture(name), dense(name).points, size) for size in (0.2, 0.5, 1.0, 1.5)]

    glare = [measure_cover(image, face(name).points).glare for image in pictures]

    assert glare == sorted(glare)
    assert glare[0] < LIMITS.max_glare < glare[2]


def test_a_grey_picture_hides_no_mask_and_shows_none(picture: Picture, face: Face) -> None:
    grey = cv2.cvtColor(picture("second"), cv2.COLOR_BGR2GRAY)
    image = np.repeat(np.asarray(grey, np.uint8)[:, :, None], 3, axis=2)

    assert 0.0 == measure_cover(image, face("second").points).flush


def test_a_face_outside_the_picture_is_dark_and_not_covered() -> None:
    points = np.array([[900, 90], [940, 90], [920, 110], [905, 130], [935, 130]], np.float32)

    cover = measure_cover(FRAME, points)

    assert (0.0, 0.0) == (cover.flush, cover.glare)


def test_the_distance_of_the_eyes_is_in_pixels_of_the_picture() -> None:
    points = np.array([[10, 20], [40, 60], [0, 0], [0, 0], [0, 0]], np.float32)

    assert 50.0 == eye_distance(points)


@pytest.mark.parametrize("name", PORTRAITS)
def test_the_eyes_of_a_portrait_are_open(dense: Dense, name: str) -> None:
    assert eye_opening(dense(name).points) > 2 * LIMITS.min_eye_opening


def eyes(*openings: float) -> Points:
    """478 points of which only the rims matter: two eyes 10 wide, so far open."""
    points = np.zeros((478, 2), np.float32)
    rims = ([33, 160, 158, 133, 153, 144], [362, 385, 387, 263, 373, 380])
    for rim, opening in zip(rims, openings, strict=True):
        y = 5 * opening
        corners = [(0.0, 0.0), (3.0, -y), (7.0, -y), (10.0, 0.0), (7.0, y), (3.0, y)]
        points[rim] = np.array(corners, np.float32)
    return points


@pytest.mark.parametrize(
    ("openings", "seen"), [((0.3, 0.3), 0.3), ((0.3, 0.0), 0.3), ((0.0, 0.2), 0.2), ((0, 0), 0)]
)
def test_the_eye_that_is_wider_open_counts(openings: tuple[float, float], seen: float) -> None:
    assert pytest.approx(seen, abs=1e-6) == eye_opening(eyes(*openings))


def test_opening_is_the_same_in_every_size_and_turn() -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]], np.float32)

    assert pytest.approx(0.25, abs=1e-6) == eye_opening(7 * eyes(0.25, 0.1) @ turn + 100)


def test_eyes_that_are_one_point_are_shut() -> None:
    assert 0.0 == eye_opening(np.zeros((478, 2), np.float32))
