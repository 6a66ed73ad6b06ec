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
    """Nothing answered at this uri: unplugged, switched off or never there."""


class DeviceBusyError(DeviceError):
    """Another process holds the camera. ``holder``: its name, empty where nobody can tell."""

    def __init__(self, message: str, holder: str = "") -> None:
        super().__init__(message)
        self.holder = holder

    def __reduce__(self) -> tuple[type[DeviceBusyError], tuple[str, str]]:
        # Errors come out of child processes: what is not in ``args`` would be lost on the way.
        return type(self), (str(self), self.holder)


class DevicePermissionError(DeviceError):
    """The system does not let this account use the camera."""


class DeviceLostError(DeviceError):
    """The camera went away after a good open."""


class DeviceStalledError(DeviceError):
    """The camera is there and says nothing, or the same picture again and again."""


class DeviceUnsupportedError(DeviceError):
    """Not with this installation or camera: no SDK, another ABI, no mode of use."""


class DeviceConfigError(DeviceError):
    """The uri or its settings name no driver, or one that cannot be."""


class ClipError(DeviceError):
    """A recorded clip is truncated, altered or not of our format."""


class Capability(Flag):
    """What the frames of a camera hold, and whether they are seen now or were recorded.

    ``VIRTUAL``: its driver knows the device to be software, not a camera. ``PAIRED``: colour and
    IR come from two cameras, not registered; frames carry ``pair`` where its place is known.
    """

    NONE = 0
    RGB = auto()
    DEPTH = auto()
    IR = auto()
    RECORDED = auto()
    VIRTUAL = auto()
    PAIRED = auto()


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """Pinhole model of an image, lens distortion removed, in pixels."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float


@dataclass(frozen=True, slots=True)
class Pair:
    """The IR camera beside the colour camera, where the two images are not registered.

    A point in mm before the colour camera (x right, y down, z away) lies at ``rotation`` (3x3,
    row by row) times it plus ``translation_mm`` before the IR camera.
    """

    infrared: Intrinsics
    rotation: tuple[float, float, float, float, float, float, float, float, float]
    translation_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """Who this camera is: kept in every result. What a driver cannot know is empty.

    ``usb_id``: ``vid:pid``, four lower-case hexadecimal digits each; of a device of several
    functions, that of the depth or infrared one. ``path``: the socket it is plugged into, as the
    system names it (``/dev/v4l/by-path`` name, Windows location path): stays when the camera is
    replaced. ``device_name``: what the system calls it.
    """

    driver: str
    uri: str
    model: str
    serial: str
    capability: Capability
    firmware: str = ""
    usb_id: str = ""
    path: str = ""
    device_name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Planes of one exposure, registered to the colour image.

    ``bgr``: (height, width, 3) uint8. ``depth_mm``: (height, width) uint16 millimetres, 0 = no
    reading; ``ir``: (height, width) uint8; each ``None`` on cameras without it. ``at_ns``:
    ``time.monotonic_ns()`` when the host got the exposure; ``device_us``: the camera's own clock,
    ``at_ns // 1000`` where it has none. No plane is delivered twice: where one sensor is slower,
    the driver waits for it. ``skew_us``: the largest difference between the exposure times of two
    planes, >= 0. ``ir_lit``: whether the IR lamp was on, ``None`` where the driver cannot know.
    With ``pair``, ``ir`` is the unregistered image of that second camera, of its size.
    """

    seq: int
    at_ns: int
    device_us: int
    bgr: ColourImage
    depth_mm: DepthImage | None
    ir: InfraredImage | None
    intrinsics: Intrinsics
    skew_us: int = 0
    ir_lit: bool | None = None
    pair: Pair | None = None


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
