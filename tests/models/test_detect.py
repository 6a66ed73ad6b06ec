"""The detector finds the faces there are, the nearest first, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest

from yibao_face.daemon.booth.still.photo import Image
from yibao_face.daemon.demo.picture.portraits import PORTRAITS
from yibao_face.drivers.clip import Planes
from yibao_face.models.api import Box, Detection
from yibao_face.models.suite import FaceModels

Picture = Callable[[str], Image]
Shots = Callable[[str], list[Planes]]

SIZES = [
    (1, 1),
    (1, 2),
    (3, 2),
    (7, 7),
    (31, 33),
    (32, 32),
    (33, 1),
    (319, 321),
    (320, 320),
    (479, 641),
    (1, 640),
    (3000, 1),
    (2, 1500),
]


def inside(box: Box, height: int, width: int) -> bool:
    return (
        box.x >= 0 and box.y >= 0 and box.x + box.width <= width and box.y + box.height <= height
    )


def on_canvas(image: Image, height: int, width: int) -> Image:
    """The picture as large as fits, in the middle of a grey one."""
    scale = min(height / image.shape[0], width / image.shape[1])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((height, width, 3), 128, np.uint8)
    y, x = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
    return canvas


def tight(image: Image, models: FaceModels, width: int, height: int) -> Image:
    """Little more than the face of a portrait."""
    [face] = models.detector.find(image)
    box = face.box
    left, right = int(box.x - 0.12 * box.width), int(box.x + 1.12 * box.width)
    top, bottom = int(box.y - 0.15 * box.height), int(box.y + 1.1 * box.height)
    cut = image[max(0, top) : bottom, max(0, left) : right]
    return np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize("name", PORTRAITS)
def test_a_portrait_shows_one_face(picture: Picture, models: FaceModels, name: str) -> None:
    image = picture(name)

    [face] = models.detector.find(image)

    assert 0.7 <= face.score <= 1.0
    assert inside(face.box, *image.shape[:2])


@pytest.mark.parametrize("name", PORTRAITS)
def test_the_five_points_lie_where_eyes_nose_and_mouth_are(
    picture: Picture, models: FaceModels, name: str
) -> None:
    [face] = models.detector.find(picture(name))

    left_eye, right_eye, nose, left_mouth, right_mouth = face.points.tolist()
    box = face.box
    assert all(box.x < x < box.x + box.width for x, _ in face.points)
    assert all(box.y < y < box.y + box.height for _, y in face.points)
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize("level", [0, 110, 255])
def test_a_blank_picture_shows_no_face(models: FaceModels, level: int) -> None:
    assert [] == models.detector.find(np.full((480, 640, 3), level, np.uint8))


def test_noise_shows_no_face(models: FaceModels) -> None:
    rng = np.random.default_rng(5)
    pictures = [rng.integers(0, 256, (480, 640, 3), np.uint8) for _ in range(15)]

    assert [0] * 15 == [len(models.detector.find(noise)) for noise in pictures]


def test_two_persons_before_the_camera_are_two_faces(models: FaceModels, shots: Shots) -> None:
    for shot in shots("two-faces"):
        one, other = models.detector.find(shot.bgr)

        assert 0.0 == one.box.overlap(other.box)


def test_nobody_before_the_camera_is_no_face(models: FaceModels, shots: Shots) -> None:
    assert [[], [], []] == [models.detector.find(shot.bgr) for shot in shots("nobody")]


def test_the_largest_face_comes_first_wherever_it_stands(
    picture: Picture, models: FaceModels
) -> None:
    large, small = on_canvas(picture("first-1"), 480, 320), on_canvas(picture("second"), 240, 160)
    beside = np.full((480, 480, 3), 128, np.uint8)
    beside[:240, :160] = small
    beside[:, 160:] = large

    for scene in (beside, np.ascontiguousarray(beside[:, ::-1])):
        faces = models.detector.find(scene)

        assert 2 == len(faces)
        assert all(a.box.area > b.box.area for a, b in pairwise(faces))


@pytest.mark.parametrize("name", PORTRAITS)
def test_a_face_is_found_in_the_same_place_at_another_size(
    picture: Picture, models: FaceModels, name: str
) -> None:
    image = picture(name)
    [face] = models.detector.find(image)
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

    [again] = models.detector.find(np.asarray(half, np.uint8))

    box = again.box
    assert face.box.overlap(Box(*(2 * v for v in (box.x, box.y, box.width, box.height)))) > 0.85


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_no_size_of_picture_is_an_error(models: FaceModels, height: int, width: int) -> None:
    rng = np.random.default_rng(6)
    noise = rng.integers(0, 256, (height, width, 3), np.uint8)

    assert [] == models.detector.find(noise)
    assert [] == models.detector.find(np.zeros_like(noise))


@pytest.mark.parametrize("cut", [1, 7, 31])
def test_a_face_is_found_in_a_picture_of_odd_sides(
    picture: Picture, models: FaceModels, cut: int
) -> None:
    canvas = on_canvas(picture("second"), 480, 640)[cut:, cut:]

    [face] = models.detector.find(canvas)

    assert inside(face.box, *canvas.shape[:2])


def test_a_slice_of_a_larger_picture_is_searched_like_a_copy(
    picture: Picture, models: FaceModels
) -> None:
    image = picture("third")[10:-3, 5:-8]

    [of_view], [of_copy] = models.detector.find(image), models.detector.find(image.copy())

    assert of_view.box == of_copy.box
    np.testing.assert_array_equal(of_view.points, of_copy.points)


@pytest.mark.parametrize("name", PORTRAITS)
def test_refining_stays_on_the_face(picture: Picture, models: FaceModels, name: str) -> None:
    image = picture(name)
    [face] = models.detector.find(image)

    fine = models.detector.refine(image, face)

    moved = np.abs(fine.points - face.points).max() / face.box.width
    assert face.box.overlap(fine.box) > 0.75
    assert 0.0 < moved < 0.12


def test_refining_one_of_two_faces_stays_with_it(models: FaceModels, shots: Shots) -> None:
    image = shots("two-faces")[0].bgr

    for face in models.detector.find(image):
        assert face.box.overlap(models.detector.refine(image, face).box) > 0.75


def test_refining_a_face_beside_another_does_not_jump_over(
    picture: Picture, models: FaceModels
) -> None:
    close = [tight(picture(name), models, 160, 200) for name in ("first-1", "second")]
    scene = np.full((400, 640, 3), 128, np.uint8)
    scene[100:300, 160:480] = np.concatenate(close, 1)

    faces = models.detector.find(scene)

    assert 2 == len(faces)
    assert min(face.box.overlap(models.detector.refine(scene, face).box) for face in faces) > 0.75


@pytest.mark.parametrize(
    "box",
    [
        Box(100, 100, 80, 90),
        Box(-500, -500, 50, 50),
        Box(5000, 5000, 50, 50),
        Box(-50, -50, 2000, 2000),
        Box(639, 479, 1, 1),
        Box(0, 0, 0, 0),
        Box(10, 10, -20, -20),
    ],
)
def test_refining_what_is_no_face_gives_it_back(models: FaceModels, box: Box) -> None:
    blank = np.full((480, 640, 3), 128, np.uint8)
    told = Detection(box, np.zeros((5, 2), np.float32), 0.9)

    assert models.detector.refine(blank, told) is told


def test_searching_changes_nothing_in_the_picture(picture: Picture, models: FaceModels) -> None:
    image = picture("third")
    before = image.copy()

    [face] = models.detector.find(image)
    models.detector.refine(image, face)

    np.testing.assert_array_equal(before, image)
