"""The camera of the conformance host: shows a clip, or fails in the way a stage asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from yibao_face.daemon.conform.case import Clip, Fault
from yibao_face.drivers.api import (
    Camera,
    Capability,
    DeviceBusyError,
    DeviceConfigError,
    DeviceError,
    DeviceMissingError,
)
from yibao_face.drivers.replay import ReplayCamera
from yibao_face.drivers.virtual import Step, VirtualCamera

_URI = "conform:0"
_COLOUR = Capability.RGB | Capability.RECORDED
_DEPTH = _COLOUR | Capability.DEPTH | Capability.IR
_CANCELLED = "cancelled-by-"
_REFUSALS: dict[str, Exception] = {
    "missing": DeviceMissingError(f"{_URI} is not there"),
    "busy": DeviceBusyError(f"{_URI} is held by another program"),
    "config": DeviceConfigError(f"{_URI} is no camera of ours"),
    "fault": DeviceError(f"{_URI} broke"),
    "driver-bug": RuntimeError("a bug of the driver"),
}
_SLOW_S = 0.8
_FRAMES = 8


@dataclass(slots=True)
class StageCamera:
    """``seen``: a clip or a fault. ``opened``: how often since ``seen`` was set.

    ``cancel``: ends the encounter under way for ``person`` or ``clerk``. ``stuck_s``: how long
    a camera hangs that answers after the deadline.
    """

    clips: Path
    scratch: Path
    cancel: Callable[[str], None]
    stuck_s: float
    seen: Clip | Fault = "missing"
    opened: int = field(default=0)

    def show(self, seen: Clip | Fault) -> None:
        """What the next opening finds."""
        self.seen, self.opened = seen, 0

    def open(self) -> Camera:
        """Open as the stage asks; raises what a real driver raises."""
        self.opened += 1
        if self.seen in get_args(Clip):
            return self._clip(self.seen)
        if self.seen in _REFUSALS:
            raise _REFUSALS[self.seen]
        return self._special(self.seen)

    def _special(self, fault: str) -> Camera:
        if fault.startswith(_CANCELLED):
            self.cancel(fault.removeprefix(_CANCELLED))
            return self._clip("nobody")
        if fault == "stuck":
            time.sleep(self.stuck_s)
            return self._clip("live-first")
        if fault == "lost":
            return ReplayCamera(self._path("nobody"), loop=False, paced=False)
        if fault == "broken-clip":
            return ReplayCamera(self._broken(), paced=False)
        colour = fault == "colour"
        return VirtualCamera(self._script(fault), _COLOUR if colour else _DEPTH, live=True)

    def _script(self, fault: str) -> list[Step]:
        living = self._frames("live-first", _FRAMES)
        flat = self._frames("flat-first", 4) if fault == "photo-among-living" else []
        scripts: dict[str, list[Step]] = {
            "silent": [60.0],
            "slow": [_SLOW_S, *living],
            "colour": living,
            "photo-among-living": [*living[:2], *flat],
        }
        return scripts[fault]

    def _clip(self, name: str) -> Camera:
        # As fast as it decodes: a kit of hundreds of calls must not wait for frames.
        return ReplayCamera(self._path(name), paced=False)

    def _path(self, name: str) -> Path:
        return self.clips / f"{name}.rgbd"

    def _frames(self, name: str, count: int) -> list[Step]:
        with self._clip(name) as camera:
            found = [camera.read(5.0) for _ in range(count)]
        return [frame for frame in found if frame is not None]

    def _broken(self) -> Path:
        """A copy of a clip with one byte changed in its middle."""
        path = self.scratch / "broken.rgbd"
        data = bytearray(self._path("live-first").read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        return path
