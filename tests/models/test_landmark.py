"""The landmarker: 478 points on the face it was given, nothing where there is none."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from yibao_face.daemon.booth.still.photo import Image
from yibao_face.daemon.demo.picture.portraits import PORTRAITS
from yibao_face.drivers.clip import Planes
from yibao_face.models.api import Box, Detection, ModelAlteredError
from yibao_face.models.landmark import FaceLandmarker
from yibao_face.models.suite import FaceModels
from yibao_face.models.weights.store import WeightStore

Picture = Callable[[str], Image]
Face = Callable[[str], Detection]
Shots = Callable[[str], list[Planes]]

NOSE_TIP, EYES, MOUTH = 1, ((33, 133), (362, 263)), (61, 291)


@pytest.fixture(scope="module")
def bundle(installed: WeightStore) -> bytes:
    """The landmarker's file."""
    return installed.read(installed.manifest.by_role("landmarker"))


def told(box: Box) -> Detection:
    """A detection nobody made."""
    return Detection(box, np.zeros((5, 2), np.float32), 0.9)


def grown(box: Box, share: float) -> Box:
    dx, dy = box.width * share, box.height * share
    return Box(box.x - dx, box.y - dy, box.width + 2 * dx, box.height + 2 * dy)


@pytest.mark.parametrize("name", PORTRAITS)
def test_the_478_points_lie_on_the_face(
    picture: Picture, face: Face, models: FaceModels, name: str
) -> None:
    dense = models.landmarker.find(picture(name), face(name))

    assert dense is not None
    assert ((478, 2), (478,)) == (dense.points.shape, dense.relief.shape)
    around = grown(face(name).box, 0.15)
    low, high = [around.x, around.y], [around.x + around.width, around.y + around.height]
    assert ((dense.points > low) & (dense.points < high)).all()


@pytest.mark.parametrize("name", PORTRAITS)
def test_both_networks_mean_the_same_eyes_nose_and_mouth(
    picture: Picture, face: Face, models: FaceModels, name: str
) -> None:
    dense = models.landmarker.find(picture(name), face(name))

    assert dense is not None
    eyes = [dense.points[list(corners)].mean(0) for corners in EYES]
    five = np.array([*eyes, dense.points[NOSE_TIP], *dense.points[list(MOUTH)]])
    apart = np.linalg.norm(five - face(name).points, axis=1) / face(name).box.width
    assert apart.max() < 0.15


@pytest.mark.parametrize("name", PORTRAITS)
def test_a_portrait_looks_about_into_the_camera(
    picture: Picture, face: Face, models: FaceModels, name: str
) -> None:
    dense = models.landmarker.find(picture(name), face(name))

    assert dense is not None
    assert max(abs(dense.pose.yaw_deg), abs(dense.pose.pitch_deg), abs(dense.pose.roll_deg)) < 25
    assert int(dense.relief.argmin()) in range(468)
    assert dense.relief[NOSE_TIP] < np.median(dense.relief)


def test_a_mirrored_face_looks_the_other_way(
    picture: Picture, face: Face, models: FaceModels
) -> None:
    image, found = picture("first-2"), face("first-2")
    mirrored = np.ascontiguousarray(image[:, ::-1])
    box = replace(found.box, x=image.shape[1] - found.box.x - found.box.width)

    one = models.landmarker.find(image, found)
    other = models.landmarker.find(mirrored, told(box))

    assert one is not None
    assert other is not None
    assert abs(one.pose.yaw_deg) > 8
    assert abs(one.pose.yaw_deg + other.pose.yaw_deg) < 5
    assert abs(one.pose.pitch_deg - other.pose.pitch_deg) < 5


def test_there_are_52_expressions_between_0_and_1(
    picture: Picture, face: Face, models: FaceModels
) -> None:
    dense = models.landmarker.find(picture("second"), face("second"))

    assert dense is not None
    assert 52 == len(dense.blendshapes)
    assert {"jawOpen", "eyeBlinkLeft", "eyeBlinkRight"} <= dense.blendshapes.keys()
    assert all(0.0 <= value <= 1.0 for value in dense.blendshapes.values())
    assert dense.blendshapes["eyeBlinkLeft"] < 0.6


def test_the_face_that_is_meant_is_the_one_that_is_measured(
    models: FaceModels, shots: Shots
) -> None:
    image = shots("two-faces")[0].bgr

    centres = [
        (face.box.x + face.box.width / 2, dense.points[:, 0].mean())
        for face in models.detector.find(image)
        if (dense := models.landmarker.find(image, face)) is not None
    ]

    assert 2 == len(centres)
    assert all(abs(wanted - got) < 30 for wanted, got in centres)


@pytest.mark.parametrize("name", PORTRAITS)
def test_a_face_beside_the_box_is_not_taken_for_it(
    picture: Picture, face: Face, models: FaceModels, name: str
) -> None:
    box = face(name).box
    near, beside = (replace(box, x=box.x - share * box.width) for share in (0.1, 0.6))

    assert models.landmarker.find(picture(name), told(near)) is not None
    assert models.landmarker.find(picture(name), told(beside)) is None


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_has_no_points(models: FaceModels, level: int) -> None:
    blank = np.full((480, 640, 3), level, np.uint8)

    assert models.landmarker.find(blank, told(Box(200, 150, 150, 200))) is None


@pytest.mark.parametrize(
    "box",
    [
        Box(-500, -500, 100, 100),
        Box(1e6, 1e6, 5, 5),
        Box(0, 0, 0, 0),
        Box(100, 100, 1, 1),
        Box(100, 100, -50, -50),
        Box(-100, -100, 2000, 2000),
        Box(630, 470, 50, 50),
    ],
)
def test_a_box_anywhere_is_no_error(models: FaceModels, box: Box) -> None:
    rng = np.random.default_rng(8)
    noise = rng.integers(0, 256, (480, 640, 3), np.uint8)

    assert models.landmarker.find(noise, told(box)) is None


@pytest.mark.parametrize(("height", "width"), [(1, 1), (31, 400), (32, 32), (33, 47), (101, 77)])
def test_a_picture_of_any_size_is_no_error(models: FaceModels, height: int, width: int) -> None:
    rng = np.random.default_rng(9)
    noise = rng.integers(0, 256, (height, width, 3), np.uint8)

    assert models.landmarker.find(noise, told(Box(0, 0, width, height))) is None


def test_a_picture_has_no_memory_of_the_one_before(
    picture: Picture, face: Face, models: FaceModels
) -> None:
    first = models.landmarker.find(picture("second"), face("second"))
    models.landmarker.find(picture("third"), face("third"))

    again = models.landmarker.find(picture("second"), face("second"))

    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first.points, again.points)


def test_a_landmarker_opens_works_and_closes(bundle: bytes, picture: Picture, face: Face) -> None:
    with FaceLandmarker("test", bundle) as landmarker:
        found = landmarker.find(picture("third"), face("third"))

    assert found is not None


def test_the_plotting_library_is_not_left_behind(bundle: bytes) -> None:
    with FaceLandmarker("test", bundle):
        names = [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]

    assert [] == names


def test_a_plotting_library_that_is_there_stays(
    bundle: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = types.ModuleType("matplotlib")
    monkeypatch.setitem(sys.modules, "matplotlib", present)

    with FaceLandmarker("test", bundle):
        found = sys.modules.get("matplotlib")

    assert found is present
    assert "matplotlib.pyplot" not in sys.modules


def test_nothing_is_printed_while_it_loads(
    bundle: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with FaceLandmarker("test", bundle):
        pass

    assert ("", "") == capfd.readouterr()


@pytest.mark.parametrize("data", [b"", b"no bundle", bytes(10_000)])
def test_a_bundle_that_is_none_cannot_be_loaded(data: bytes) -> None:
    with pytest.raises(ModelAlteredError, match=r"broken\.task"):
        FaceLandmarker("broken.task", data)


def test_half_a_bundle_cannot_be_loaded(bundle: bytes) -> None:
    with pytest.raises(ModelAlteredError, match=r"half\.task"):
        FaceLandmarker("half.task", bundle[: len(bundle) // 2])
