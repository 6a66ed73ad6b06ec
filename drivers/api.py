"""What every camera driver is, and the ways it may fail."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

ColourImage = npt.NDArray[np.uint8]
DepthImage = npt.NDArray[np.uint16]
InfraredImage = npt.NDArray[np.uint8]


class DeviceError(Exception):
    """A camera did not do its work; the message holds the device's uri."""


class DeviceMissingError(DeviceError):
    """Nothing answered at this uri: unplugged, or the vendor runtime is absent."""


class DeviceBusyError(DeviceError):
    """Another process holds the camera."""


class DeviceLostError(DeviceError):
    """The camera went away after a good open."""


class DeviceConfigError(DeviceError):
    """The uri or its settings name no driver, or one that cannot be."""


class ClipError(DeviceError):
    """A recorded clip is truncated, altered or not of our format."""


class Capability(Flag):
    """What the frames of a camera hold, and whether they are seen now or were recorded."""

    NONE = 0
    RGB = auto()
    DEPTH = auto()
    IR = auto()
    RECORDED = auto()


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """Pinhole model of the colour image, in pixels; depth and IR are registered to it."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """Who this camera is: kept in every result."""

    driver: str
    uri: str
    model: str
    serial: str
    capability: Capability


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Planes of one exposure, registered to the colour image.

    ``bgr``: (height, width, 3) uint8. ``depth_mm``: (height, width) uint16 millimetres, 0 = no
    reading; ``ir``: (height, width) uint8; each ``None`` on cameras without it. ``at_ns``:
    ``time.monotonic_ns()`` when the host got the exposure; ``device_us``: the camera's own clock.
    """

    seq: int
    at_ns: int
    device_us: int
    bgr: ColourImage
    depth_mm: DepthImage | None
    ir: InfraredImage | None
    intrinsics: Intrinsics


class Camera(Protocol):
    """An open camera. Opening is the driver table's job; ``close`` may be called twice."""

    @property
    def info(self) -> CameraInfo:
        """Identity and capability flags, fixed while open."""
        ...

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or ``None`` when none came within ``timeout_s`` seconds.

        Never blocks longer than ``timeout_s`` + 0.5 s. Raises ``DeviceLostError`` once the camera
        has gone, and keeps raising it.
        """
        ...

    def close(self) -> None:
        """Release the device; never raises."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: Any) -> None: ...
