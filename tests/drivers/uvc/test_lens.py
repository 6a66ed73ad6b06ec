"""Calibration files and fields of view."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from yibao_face.drivers.api import DeviceConfigError, Intrinsics
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.uvc.lens import LensBook
from yibao_face.drivers.uvc.mode import Mode

VGA, HD = Mode("MJPG", 640, 480, 30), Mode("MJPG", 1280, 720, 30)
LENS = {"width": 1280, "height": 960, "fx": 1000, "fy": 1010, "cx": 640.5, "cy": 470.5}
TURN = [0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
BODY = {"colour": LENS, "infrared": LENS, "rotation": TURN, "translation_mm": [-25.0, 0.5, 1]}


def book(tmp_path: Path, body: Any) -> LensBook:
    file = tmp_path / "pair.json"
    file.write_text(json.dumps(body), "utf-8")
    return LensBook(Settings(calibration=str(file)))


def test_a_field_of_view_is_the_angle_between_the_edges() -> None:
    lens = LensBook(Settings(fov_deg=90.0)).colour(VGA)

    assert math.isclose(320.0, lens.fx)
    assert (320.0, 319.5, 239.5) == (round(lens.fy, 6), lens.cx, lens.cy)


def test_a_calibration_holds_in_modes_of_the_same_shape(tmp_path: Path) -> None:
    assert Intrinsics(640, 480, 500, 505, 320.0, 235.0) == book(tmp_path, BODY).colour(VGA)


def test_of_another_shape_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceConfigError, match=r"1280x960.*1280x720"):
        book(tmp_path, BODY).colour(HD)


def test_a_pair_is_read_as_it_was_written(tmp_path: Path) -> None:
    pair = book(tmp_path, BODY).infrared(VGA)

    assert pair is not None
    assert Intrinsics(640, 480, 500, 505, 320.0, 235.0) == pair.infrared
    assert (tuple(TURN), (-25.0, 0.5, 1.0)) == (pair.rotation, pair.translation_mm)


def test_a_file_of_one_camera_makes_no_pair(tmp_path: Path) -> None:
    assert book(tmp_path, {"colour": LENS}).pair is None


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"colour": {}},
        {"colour": {**LENS, "fx": 0}},
        {"colour": {**LENS, "width": -1}},
        {"colour": {**LENS, "cx": "NaN"}},
        {"colour": {**LENS, "width": 1e400}},
        {**BODY, "rotation": [1, 0, 0]},
        {**BODY, "rotation": [1] * 9},
        {**BODY, "rotation": [-1, 0, 0, 0, 1, 0, 0, 0, 1]},
        {**BODY, "translation_mm": "abc"},
        {"colour": LENS, "infrared": LENS},
    ],
)
def test_what_is_no_calibration_is_refused(tmp_path: Path, body: Any) -> None:
    with pytest.raises(DeviceConfigError, match=r"calibration pair\.json"):
        book(tmp_path, body)


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeviceConfigError, match=r"none\.json"):
        LensBook(Settings(calibration="/nowhere/none.json"))


@pytest.mark.parametrize("fov_deg", [0.0, -5.0, 180.0, math.nan])
def test_an_impossible_field_of_view_is_refused(fov_deg: float) -> None:
    with pytest.raises(DeviceConfigError, match="fov_deg"):
        LensBook(Settings(fov_deg=fov_deg))
