"""What a family of cameras gives the table: how to find, open and treat its devices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from yibao_face.drivers.api import Camera, CameraInfo

# Raised when a plug-in of an older release could no longer be opened.
API = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """How cameras are to be opened; a driver takes from it what concerns its devices.

    ``width``, ``height`` px, ``fps``: asked for; what is not to be had is stepped down from, never
    scaled. ``mains_hz``: lamps flicker at twice that. ``exposure_ms``: 0 = automatic. ``emitter``:
    whether depth and IR lamps are lit; alternating where ``strobe``. ``fov_deg``: horizontal, of a
    camera that cannot say. ``infrared``: the IR camera of a pair, as the driver names devices.
    ``calibration``: file with a pair's or a camera's intrinsics. ``runtime``: folder of a vendor's
    own libraries. ``sha256``: of the one library a uri names; empty: not checked. ``credentials``:
    file with the one line ``user:password`` for a camera on the network.
    """

    width: int = 640
    height: int = 480
    fps: int = 30
    mains_hz: int = 50
    exposure_ms: float = 0.0
    emitter: bool = True
    strobe: bool = False
    fov_deg: float = 60.0
    infrared: str = ""
    calibration: str = ""
    runtime: str = ""
    sha256: str = ""
    credentials: str = ""


Open = Callable[[str, Settings], Camera]
Discover = Callable[[Settings], list[CameraInfo]]


def nothing_to_find(settings: Settings) -> list[CameraInfo]:
    """``Discover`` of drivers whose devices must be named."""
    del settings
    return []


@dataclass(frozen=True, slots=True)
class Driver:
    """``open`` takes the rest of a uri after ``name:`` and raises ``DeviceError``.

    ``discover``: devices there are now, best first; holds none of them, and returns an empty list
    where its SDK is absent. ``isolated``: its code may block for ever or crash: it runs in a child
    process. ``recorded``: delivers what was seen at another time and waits for its reader.
    ``package``: that of its SDK, without which there is nothing to look for. ``api``: version of
    this contract.
    """

    name: str
    open: Open
    discover: Discover = field(default=nothing_to_find)
    isolated: bool = False
    recorded: bool = False
    package: str = ""
    api: int = API
