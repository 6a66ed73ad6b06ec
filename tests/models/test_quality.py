"""Quality numbers: they fall with blur and dark, and ask nothing of where the box lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from yibao_face.daemon.booth.photo import Image
from yibao_face.daemon.demo.portraits import PORTRAITS
from yibao_face.models.api import Box, Detection
from yibao_face.models.quality import Quality, measure_quality

Picture = Callable[[str], Image]
Face = Callable[[str], Detection]

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
