"""The drivers there are: ``scheme:rest`` of a camera uri to the code that opens it."""

from __future__ import annotations

from collections.abc import Callable

from yibao_face.drivers.api import Camera, DeviceConfigError
from yibao_face.drivers.replay import open_replay

Opener = Callable[[str], Camera]

# An explicit table, not discovery: a missing driver is an error here, not a silent absence.
TABLE: dict[str, Opener] = {
    "replay": open_replay,
}


def open_camera(uri: str) -> Camera:
    """Open the camera named by ``uri`` (``replay:/path/to/clip.rgbd``).

    Raises ``DeviceConfigError`` for an unknown scheme, else what the driver raises.
    """
    scheme, _, rest = uri.partition(":")
    opener = TABLE.get(scheme)
    if opener is None:
        raise DeviceConfigError(f"no driver {scheme!r} in {uri!r}; known: {', '.join(TABLE)}")
    return opener(rest)
