"""The drivers there are: ``name:rest`` of a camera uri to the code that opens it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from yibao_face.drivers.api import (
    Camera,
    CameraInfo,
    DeviceConfigError,
    DeviceError,
    DeviceMissingError,
)
from yibao_face.drivers.driver import Driver, Settings

# An explicit table, not a scan of the folder: a missing driver is an error here, not a silent
# absence. A module is imported when its driver is asked for: most counters have one camera.
BUILT_IN = {
    "realsense": "yibao_face.drivers.realsense.realsense",
    "orbbec": "yibao_face.drivers.orbbec.orbbec",
    "openni2": "yibao_face.drivers.openni2.openni2",
    "uvc-pair": "yibao_face.drivers.uvc.pair",
    "uvc": "yibao_face.drivers.uvc.uvc",
    "rtsp": "yibao_face.drivers.network.rtsp",
    "onvif": "yibao_face.drivers.network.onvif",
    "cabi": "yibao_face.drivers.cabi.cabi",
    "replay": "yibao_face.drivers.replay",
}
# In which order ``auto`` takes what it finds: those that see depth first, recordings never.
ORDER = ("realsense", "orbbec", "openni2", "uvc-pair", "uvc")
AUTO = "auto"
_NONE: Mapping[str, Driver] = {}


def driver(name: str, plugins: Mapping[str, Driver] = _NONE) -> Driver:
    """The driver of that name; ``DeviceConfigError`` where there is none.

    ``plugins``: those of the site, by name; they replace none of ours.
    """
    if name in plugins and name not in BUILT_IN:
        return plugins[name]
    module = BUILT_IN.get(name)
    if module is None:
        known = ", ".join([*BUILT_IN, *plugins])
        raise DeviceConfigError(f"no driver {name!r}; known: {known}")
    found = import_module(module).DRIVER
    assert isinstance(found, Driver)  # noqa: S101  # each module of the table ends with one
    return found


@dataclass(frozen=True, slots=True)
class Found:
    """``cameras`` in the order ``auto`` takes them; ``faults``: drivers that could not look."""

    cameras: tuple[CameraInfo, ...]
    faults: Mapping[str, DeviceError]


def discover(settings: Settings | None = None, plugins: Mapping[str, Driver] = _NONE) -> Found:
    """Cameras that are there now; those of plug-ins last. One broken SDK hides no other camera."""
    chosen, faults = settings or Settings(), dict[str, DeviceError]()
    names = [*ORDER, *(name for name in plugins if name not in BUILT_IN)]
    cameras: list[CameraInfo] = []
    for name in names:
        try:
            cameras += _look(driver(name, plugins), chosen)
        except DeviceError as exc:
            faults[name] = exc
    return Found(tuple(cameras), faults)


def _look(at: Driver, settings: Settings) -> list[CameraInfo]:
    if at.package and find_spec(at.package) is None:
        return []
    if not at.isolated:
        return at.discover(settings)
    from yibao_face.drivers.host.camera import discover_hosted  # noqa: PLC0415  # it imports this

    return discover_hosted(at.name, settings)


def open_camera(
    uri: str, settings: Settings | None = None, plugins: Mapping[str, Driver] = _NONE
) -> Camera:
    """Open the camera named by ``uri`` (``replay:/path/to/clip.rgbd``), ``auto`` for the best.

    One whose driver may hang or crash is opened in a child process. Raises ``DeviceConfigError``
    for an unknown name, ``DeviceMissingError`` where ``auto`` finds none, else what the driver
    raises.
    """
    chosen = settings or Settings()
    name, _, rest = (_best(chosen, plugins) if uri == AUTO else uri).partition(":")
    # Only its name is ever told: what follows may hold a password.
    found = driver(name, plugins)
    if not found.isolated:
        return found.open(rest, chosen)
    from yibao_face.drivers.host.camera import open_hosted  # noqa: PLC0415  # it imports this

    return open_hosted(name, rest, chosen)


def _best(settings: Settings, plugins: Mapping[str, Driver]) -> str:
    found = discover(settings, plugins)
    if found.cameras:
        return found.cameras[0].uri
    if found.faults:
        # Rather than say that there is none, say why it could not be seen.
        raise next(iter(found.faults.values()))
    raise DeviceMissingError(f"{AUTO}: no camera was found")
