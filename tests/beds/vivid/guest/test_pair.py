"""Colour and infrared of one device."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from beds.vivid.guest.rig import COLOUR, INFRARED, Rig, settings

from yibao_face.drivers.api import (
    Capability,
    DeviceBusyError,
    DeviceConfigError,
    DeviceLostError,
    DeviceMissingError,
)
from yibao_face.drivers.conformance.point import first_frame
from yibao_face.drivers.uvc.pair import PairCamera, open_pair
from yibao_face.drivers.uvc.source import INFRARED as INFRARED_KIND
from yibao_face.drivers.uvc.system import open_source

LENS = {"width": 640, "height": 480, "fx": 600, "fy": 600, "cx": 320, "cy": 240}
CALIBRATION = {
    "colour": LENS,
    "infrared": {**LENS, "fx": 500},
    "rotation": [1, 0, 0, 0, 1, 0, 0, 0, 1],
    "translation_mm": [-25, 0, 0],
}
MOST_SKEW_US = 10_000


@pytest.fixture
def pair() -> Generator[PairCamera]:
    with open_pair(str(COLOUR), settings()) as opened:
        first_frame(opened)
        yield opened


def test_the_two_are_taken_together() -> None:
    """vivid's two run free, in step with their starts: so several starts are looked at."""
    skew_us: list[int] = []
    for _ in range(6):
        with open_pair(str(COLOUR), settings()) as camera:
            skew_us += [first_frame(camera).skew_us for _ in range(20)]

    median_ms, most_ms = statistics.median(skew_us) / 1000, max(skew_us) / 1000
    print(f"skew of {len(skew_us)}: median {median_ms:.1f} ms, most {most_ms:.1f} ms")  # noqa: T201  # figure
    assert statistics.median(skew_us) <= MOST_SKEW_US


def test_infrared_is_taken_in_grey() -> None:
    source = open_source(str(INFRARED), "uvc-pair:test", INFRARED_KIND, settings())
    source.start()
    try:
        until = time.monotonic() + 3.0
        while (seen := source.next(0.2)) is None and time.monotonic() < until:
            pass
    finally:
        source.close()

    assert seen is not None
    assert ("GREY", (480, 640), np.uint8) == (
        source.mode.fourcc,
        seen.picture.shape,
        seen.picture.dtype,
    )


def test_a_calibration_makes_it_a_known_pair(tmp_path: Path) -> None:
    file = tmp_path / "pair.json"
    file.write_text(json.dumps(CALIBRATION), "ascii")

    with open_pair(str(COLOUR), settings(calibration=str(file))) as camera:
        frame = first_frame(camera)
        flags = camera.info.capability

    assert Capability.RGB | Capability.IR | Capability.PAIRED == flags
    assert frame.pair is not None
    assert (600.0, 500.0, (-25.0, 0.0, 0.0)) == (
        frame.intrinsics.fx,
        frame.pair.infrared.fx,
        frame.pair.translation_mm,
    )


def test_a_calibration_of_another_shape_is_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "pair.json"
    file.write_text(json.dumps({**CALIBRATION, "infrared": {**LENS, "height": 360}}), "ascii")

    with pytest.raises(DeviceConfigError, match="640x360"):
        open_pair(str(COLOUR), settings(calibration=str(file)))

    with open_pair(str(COLOUR), settings()) as camera:
        first_frame(camera)


def test_without_one_it_is_not_said_to_be_known(pair: PairCamera) -> None:
    assert Capability.RGB | Capability.IR | Capability.PAIRED == pair.info.capability
    assert first_frame(pair).pair is None


def test_the_slower_camera_is_waited_for(rig: Rig, pair: PairCamera) -> None:
    rig.stall(INFRARED)
    while pair.read(0.3) is not None:
        pass

    rig.resume()

    frame = first_frame(pair, 3.0)
    assert frame.skew_us <= 40_000


@pytest.mark.parametrize("node", [COLOUR, INFRARED])
def test_one_lost_is_both_lost_and_both_free(rig: Rig, pair: PairCamera, node: Path) -> None:
    rig.disconnect(node)

    started = time.monotonic()
    with pytest.raises(DeviceLostError):
        while time.monotonic() < started + 5.0:
            pair.read(0.2)
    took_s = time.monotonic() - started

    assert took_s <= 1.5
    with open_pair(str(COLOUR), settings()) as again:
        first_frame(again, 3.0)


@pytest.mark.parametrize("node", [COLOUR, INFRARED])
def test_one_held_is_told_and_the_other_is_free(rig: Rig, node: Path) -> None:
    rig.occupy(node)

    with pytest.raises(DeviceBusyError) as told:
        open_pair(str(COLOUR), settings())

    assert "v4l2-ctl" == told.value.holder
    rig.occupy(INFRARED if node == COLOUR else COLOUR)


def test_the_second_camera_missing_is_told_by_its_name() -> None:
    with pytest.raises(DeviceMissingError, match="/dev/video8"):
        open_pair(str(COLOUR), settings(infrared="/dev/video8"))


def test_a_device_without_an_infrared_node_is_no_pair() -> None:
    with pytest.raises(DeviceMissingError, match="no infrared camera is beside it"):
        open_pair(str(COLOUR), settings(infrared=""))
