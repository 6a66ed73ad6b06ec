"""Two dozen small faces in one picture: all found, none twice, each with a number it keeps."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest

from yibao_face.daemon.booth.still.photo import Image
from yibao_face.daemon.demo.picture.portraits import PORTRAITS
from yibao_face.models.api import Detection
from yibao_face.models.mask import Mask
from yibao_face.models.suite import FaceModels
from yibao_face.models.track import FaceTracker

Picture = Callable[[str], Image]
Scene = Callable[[int], tuple[Image, list[tuple[float, float, float]]]]

COLUMNS, ROWS = 6, 4
WIDTH, HEIGHT = 1280, 720


@pytest.fixture
def faces_of(picture: Picture, models: FaceModels) -> Callable[[str], Image]:
    """The head of a portrait: twice as wide as the face."""

    @cache
    def head(name: str) -> Image:
        image = picture(name)
        [face] = models.detector.find(image)
        box = face.box
        x, y = box.x + box.width / 2, box.y + box.height / 2
        corner = (int(x - box.width), int(y - box.width))
        side = int(2 * box.width)
        padded = cv2.copyMakeBorder(image, side, side, side, side, cv2.BORDER_REPLICATE)
        x0, y0 = corner[0] + side, corner[1] + side
        return np.asarray(padded[y0 : y0 + side, x0 : x0 + side], np.uint8)

    return head


@pytest.fixture
def scene(faces_of: Callable[[str], Image]) -> Scene:
    """A seed → 24 faces 40 to 80 px wide in 1280x720, and where: (x, y, width)."""

    def build(seed: int) -> tuple[Image, list[tuple[float, float, float]]]:
        rng = np.random.default_rng(seed)
        canvas = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        places: list[tuple[float, float, float]] = []
        for cell in range(COLUMNS * ROWS):
            head = faces_of(list(PORTRAITS)[cell % len(PORTRAITS)])
            width = float(rng.uniform(40, 80))
            side = int(2 * width)
            tile = np.asarray(cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA))
            tile = tile[:, ::-1] if rng.random() < 0.5 else tile
            lit = np.clip(tile * rng.uniform(0.6, 1.3), 0, 255).astype(np.uint8)
            x = cell % COLUMNS * (WIDTH // COLUMNS) + int(rng.integers(WIDTH // COLUMNS - side))
            y = cell // COLUMNS * (HEIGHT // ROWS) + int(rng.integers(HEIGHT // ROWS - side))
            canvas[y : y + side, x : x + side] = lit
            places.append((x + side / 2, y + side / 2, width))
        return canvas, places

    return build


def is_at(face: Detection, place: tuple[float, float, float]) -> bool:
    x, y, width = place
    box = face.box
    off = max(abs(box.x + box.width / 2 - x), abs(box.y + box.height / 2 - y))
    return off < width / 3 and 0.6 < box.width / width < 1.6


@pytest.mark.parametrize("seed", range(8))
def test_every_face_of_a_crowd_is_found_once(models: FaceModels, scene: Scene, seed: int) -> None:
    image, places = scene(seed)

    faces = models.detector.find_all(image)

    assert [1] * 24 == [sum(is_at(face, place) for face in faces) for place in places]
    assert 24 == len(faces)


def test_a_crowd_that_shifts_keeps_its_numbers(models: FaceModels, scene: Scene) -> None:
    image, places = scene(3)
    tracker = FaceTracker()
    told: set[tuple[int, ...]] = set()
    for step in range(6):
        shift = 7 * step
        moved = np.roll(image, shift, axis=1)
        tracks = tracker.update(models.detector.find_all(moved))
        here = [(x + shift, y, width) for x, y, width in places if x < WIDTH - 150]
        told.add(tuple(next(t.id for t in tracks if is_at(t.detection, p)) for p in here))

    assert 1 == len(told)
    assert len(set(told.pop())) == sum(x < WIDTH - 150 for x, _, _ in places) >= 20


def test_a_masked_half_of_a_crowd_yields_no_face(models: FaceModels, scene: Scene) -> None:
    image, places = scene(5)
    mask = Mask((((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),))

    faces = mask.search(image, models.detector.find_all)

    right = [place for place in places if place[0] > WIDTH / 2]
    assert 12 == len(right) == len(faces)
    assert [1] * 12 == [sum(is_at(face, place) for face in faces) for place in right]


def test_the_usual_search_stays_small(picture: Picture, models: FaceModels) -> None:
    """One face is searched no finer than before: what a counter shows costs what it did."""
    image = picture("second")

    [small], [fine] = models.detector.find(image), models.detector.find_all(image)

    assert small.box.overlap(fine.box) > 0.8
