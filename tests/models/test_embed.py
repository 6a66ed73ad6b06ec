"""Embeddings: one person's pictures lie together, others apart, however the picture is turned."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import cv2
import numpy as np
import pytest

from yibao_face.daemon.booth.still.photo import Image
from yibao_face.daemon.demo.picture.portraits import PORTRAITS
from yibao_face.models.api import Detection, Embedding, ModelRunError, Points
from yibao_face.models.embed import SIZE_PX, TEMPLATE, align, cosine, fuse
from yibao_face.models.suite import FaceModels
from yibao_face.models.weights.store import WeightStore

Picture = Callable[[str], Image]
Face = Callable[[str], Detection]

PAIRS = list(combinations(PORTRAITS, 2))


@pytest.fixture(scope="module")
def embedding(picture: Picture, face: Face, models: FaceModels) -> Callable[[str], Embedding]:
    """The embedding of a portrait."""
    return lambda name: models.embedder.embed(align(picture(name), face(name).points))


def person(name: str) -> str:
    return name.partition("-")[0]


def turned(image: Image, points: Points, degrees: float, size: float) -> tuple[Image, Points]:
    """Picture and points turned about the face and scaled, on a canvas that holds the face."""
    centre = points.mean(0)
    turn = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), degrees, size)
    side = int(size * 12 * float(np.ptp(points[:, 0])))
    turn[:, 2] += side / 2 - centre
    moved = points @ turn[:, :2].T + turn[:, 2]
    # Average before shrinking, as a camera does.
    soft = cv2.GaussianBlur(image, (0, 0), 0.4 / size) if size < 0.7 else image
    return np.asarray(cv2.warpAffine(soft, turn, (side, side)), np.uint8), moved.astype(np.float32)


@pytest.mark.parametrize("name", PORTRAITS)
def test_an_embedding_has_128_numbers_and_length_one(
    embedding: Callable[[str], Embedding], name: str
) -> None:
    found = embedding(name)

    assert ((128,), np.dtype(np.float32)) == (found.shape, found.dtype)
    assert pytest.approx(1.0, abs=1e-5) == float(np.linalg.norm(found))
    assert pytest.approx(1.0, abs=1e-5) == cosine(found, found)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_threshold_parts_one_person_from_another(
    embedding: Callable[[str], Embedding], models: FaceModels, one: str, other: str
) -> None:
    likeness = cosine(embedding(one), embedding(other))

    assert (likeness > models.match_threshold) is (person(one) == person(other))


def test_both_kinds_of_pairs_are_among_them() -> None:
    assert {True, False} == {person(one) == person(other) for one, other in PAIRS}


def test_the_fused_samples_of_a_person_match_each_of_them(
    embedding: Callable[[str], Embedding], models: FaceModels
) -> None:
    samples = [embedding(name) for name in ("first-1", "first-2", "first-3")]

    mean = fuse(samples)

    assert pytest.approx(1.0, abs=1e-5) == float(np.linalg.norm(mean))
    assert min(cosine(mean, sample) for sample in samples) > models.match_threshold
    assert cosine(mean, embedding("second")) < models.match_threshold


def test_the_same_picture_gives_the_same_numbers(embedding: Callable[[str], Embedding]) -> None:
    np.testing.assert_array_equal(embedding("second"), embedding("second"))


@pytest.mark.parametrize("name", PORTRAITS)
@pytest.mark.parametrize(
    ("degrees", "size"), [(10, 0.7), (-25, 0.6), (45, 1.0), (90, 0.8), (180, 0.6), (-135, 1.2)]
)
def test_turning_and_scaling_the_picture_changes_little(
    picture: Picture,
    face: Face,
    embedding: Callable[[str], Embedding],
    models: FaceModels,
    name: str,
    degrees: float,
    size: float,
) -> None:
    image, points = turned(picture(name), face(name).points, degrees, size)

    found = models.embedder.embed(align(image, points))

    assert cosine(embedding(name), found) > 0.9


@pytest.mark.parametrize("name", PORTRAITS)
def test_aligning_and_embedding_say_what_the_networks_own_code_says(
    picture: Picture, face: Face, models: FaceModels, installed: WeightStore, name: str
) -> None:
    path = installed.path(installed.manifest.by_role("embedder"))
    reference = cv2.FaceRecognizerSF.create(str(path), "")
    found = face(name)
    box = [found.box.x, found.box.y, found.box.width, found.box.height]
    row = np.array([*box, *found.points.ravel(), found.score], np.float32)

    aligned = align(picture(name), found.points)

    expected = np.asarray(reference.alignCrop(picture(name), row), np.int16)
    feature: Embedding = np.asarray(reference.feature(aligned), np.float32).ravel()
    assert int(np.abs(expected - aligned).max()) <= 3
    assert cosine(fuse([feature]), models.embedder.embed(aligned)) > 0.999


@pytest.mark.parametrize("name", PORTRAITS)
def test_an_aligned_face_has_its_points_on_the_template(
    picture: Picture, face: Face, models: FaceModels, name: str
) -> None:
    aligned = align(picture(name), face(name).points)

    assert ((SIZE_PX, SIZE_PX, 3), np.dtype(np.uint8)) == (aligned.shape, aligned.dtype)
    # The detector wants surroundings: it is shown the aligned face inside a larger frame.
    framed = cv2.copyMakeBorder(aligned, 40, 40, 40, 40, cv2.BORDER_REPLICATE)
    [again] = models.detector.find(np.asarray(framed, np.uint8))
    assert np.abs(again.points - 40 - TEMPLATE).mean() < 5.0


def test_points_on_the_template_are_left_where_they_are(picture: Picture) -> None:
    image = picture("third")

    aligned = align(image, TEMPLATE.astype(np.float32))

    np.testing.assert_array_equal(image[:SIZE_PX, :SIZE_PX], aligned)


@pytest.mark.parametrize("at", [0.0, 50.0, -3000.0])
def test_points_that_coincide_cannot_be_aligned(at: float) -> None:
    points = np.full((5, 2), at, np.float32)

    with pytest.raises(ModelRunError, match="coincide"):
        align(np.zeros((100, 100, 3), np.uint8), points)


def test_points_outside_the_picture_align_to_black() -> None:
    points = TEMPLATE.astype(np.float32) + 5000

    aligned = align(np.full((100, 100, 3), 200, np.uint8), points)

    assert 0 == aligned.max()


def test_samples_that_cancel_out_have_no_mean() -> None:
    sample = np.eye(1, 128, dtype=np.float32)[0]

    with pytest.raises(ModelRunError, match="no length"):
        fuse([sample, -sample])


@pytest.mark.parametrize("shape", [(111, 112, 3), (224, 224, 3), (0, 112, 3)])
def test_a_picture_that_is_not_aligned_is_refused(
    models: FaceModels, shape: tuple[int, int, int]
) -> None:
    with pytest.raises(ModelRunError):
        models.embedder.embed(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_is_nobody_we_know(
    embedding: Callable[[str], Embedding], models: FaceModels, level: int
) -> None:
    blank = models.embedder.embed(np.full((SIZE_PX, SIZE_PX, 3), level, np.uint8))

    assert max(cosine(blank, embedding(name)) for name in PORTRAITS) < models.match_threshold
