"""The contract's points on the cameras that need no bed: each is kept, and each can fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from camera_points import check, claims, each_point

from yibao_face.drivers.api import (
    Camera,
    CameraInfo,
    Capability,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DeviceStalledError,
    Frame,
)
from yibao_face.drivers.clip import Planes
from yibao_face.drivers.conformance.bed import Bed, PointFailedError
from yibao_face.drivers.conformance.point import BY_ID, POINTS, first_frame
from yibao_face.drivers.replay import open_replay
from yibao_face.drivers.virtual import VirtualCamera

Record = Callable[[Path, Sequence[int]], list[Planes]]
Script = Callable[[int], list[Frame]]
YAML = [file.stem for file in (Path(__file__).parents[2] / "drivers/conformance").glob("*.yaml")]


@pytest.fixture
def replay(tmp_path: Path, record: Record) -> Bed:
    path = tmp_path / "points.rgbd"
    record(path, [n * 20_000 for n in range(12)])
    return Bed(
        "replay",
        lambda: open_replay(str(path)),
        recorded=True,
        absent=lambda: open_replay(str(tmp_path / "gone.rgbd")),
    )


@each_point()
def test_the_replay_driver_keeps(replay: Bed, point_id: str) -> None:
    check(replay, point_id)


@pytest.mark.parametrize("driver", YAML)
def test_every_file_speaks_of_every_point_and_of_no_other(driver: str) -> None:
    assert [point.id for point in POINTS] == list(claims(driver))


class Flawed(VirtualCamera):
    """A camera that breaks one rule after another's script: what the points must notice."""

    def __init__(self, script: Sequence[Frame], flaw: str) -> None:
        info = CameraInfo("virtual", "virtual:0", "script", "0", _FLAGS)
        super().__init__([*script, *([30.0] * 3)], identity=info, live=True)
        self._flaw = flaw
        self._kept: Frame | None = None
        self._closed = False

    @property
    def info(self) -> CameraInfo:
        """As the flaw has it."""
        info = super().info
        if self._flaw == "password":
            return replace(info, uri="rtsp://a:b@host")
        if self._flaw == "recorded":
            return replace(info, capability=_FLAGS | Capability.RECORDED)
        return info

    def read(self, timeout_s: float) -> Frame | None:
        """A frame with the flaw in it."""
        if self._closed and self._flaw != "immortal":
            raise DeviceLostError("virtual:0 is closed")
        if self._flaw == "slow":
            time.sleep(0.6)
        frame = super().read(timeout_s)
        if frame is None:
            return None
        changes: dict[str, dict[str, Any]] = {
            "size": {"depth_mm": np.zeros((4, 4), np.uint16)},
            "kind": {"ir": np.zeros(frame.bgr.shape[:2], np.uint16)},
            "plane missing": {"ir": None},
            "seq": {"seq": 7},
            "clock": {"device_us": 7},
            "old": {"at_ns": frame.at_ns - 2_000_000_000},
            "twice": {"bgr": np.zeros_like(frame.bgr)},
            "view": {"bgr": _SHARED[: frame.bgr.shape[0], : frame.bgr.shape[1]]},
        }
        return replace(frame, **changes.get(self._flaw, {}))

    def close(self) -> None:
        """Closes, as far as the flaw lets it."""
        self._closed = True

    def __enter__(self) -> Self:
        return self


_FLAGS = Capability.RGB | Capability.DEPTH | Capability.IR
_SHARED = np.zeros((2000, 2000, 3), np.uint8)


def one_at_a_time(script: Script, flaw: str) -> Bed:
    """A bed of such cameras; a second owner, and one of another device, are refused."""
    opened: list[Flawed] = []

    def open_() -> Camera:
        if flaw != "two owners" and opened and not opened[-1]._closed:
            raise DeviceBusyError("virtual:0 is held", "test")
        opened.append(Flawed(script(FRAMES), flaw))
        return opened[-1]

    def absent() -> Camera:
        kind: type[DeviceError] = DeviceBusyError if flaw == "absent" else DeviceMissingError
        raise kind("virtual:1 is not there")

    return Bed("virtual", open_, absent=absent)


FRAMES = 14


@pytest.mark.parametrize(
    ("flaw", "point_id"),
    [
        ("size", "planes-fit"),
        ("kind", "planes-fit"),
        ("plane missing", "planes-fit"),
        ("view", "planes-are-own"),
        ("seq", "order-holds"),
        ("clock", "order-holds"),
        ("old", "time-is-ours"),
        ("twice", "nothing-twice"),
        ("password", "identity-told"),
        ("recorded", "marked"),
        ("slow", "read-in-time"),
        ("two owners", "one-owner"),
        ("absent", "absence-told"),
        ("immortal", "close-final"),
    ],
)
def test_a_point_notices(script: Script, flaw: str, point_id: str) -> None:
    BY_ID[point_id].check(one_at_a_time(script, "none"))

    with pytest.raises(PointFailedError):
        BY_ID[point_id].check(one_at_a_time(script, flaw))


def test_a_camera_that_shows_nothing_is_a_device_error_commands_can_tell() -> None:
    with VirtualCamera([60.0]) as camera, pytest.raises(DeviceStalledError, match="virtual:0"):
        first_frame(camera, 0.3)
