"""The one place where the system is chosen: the kernel's interface on Linux, DirectShow else."""

from __future__ import annotations

import os

from yibao_face.drivers.driver import Settings
from yibao_face.drivers.uvc.source import Identity, Kind, Source

_WINDOWS = os.name == "nt"


def open_source(rest: str, uri: str, kind: Kind, settings: Settings) -> Source:
    """The stream ``rest`` names, not yet started; raises ``DeviceError`` with ``uri``."""
    if _WINDOWS:
        from yibao_face.drivers.uvc import windows  # noqa: PLC0415  # of that system only

        return windows.open_source(rest, uri, kind, settings)
    from yibao_face.drivers.uvc.linux import kernel  # noqa: PLC0415  # it needs fcntl

    return kernel.open_source(rest, uri, kind, settings)


def colours() -> list[Identity]:
    """Colour cameras there are now; holds none of them."""
    if _WINDOWS:
        return []  # DirectShow's cameras are named by their number in the settings
    from yibao_face.drivers.uvc.linux import kernel  # noqa: PLC0415  # it needs fcntl

    return kernel.colours()


def infrared_beside(rest: str, uri: str, wanted: str = "") -> str:
    """The infrared camera of the same device, as ``open_source`` takes it; ``wanted``: only that
    one. Raises ``DeviceError`` where none is to be seen.
    """
    if _WINDOWS:
        from yibao_face.drivers.uvc import windows  # noqa: PLC0415  # of that system only

        return windows.infrared_beside(rest, uri)
    from yibao_face.drivers.uvc.linux import kernel  # noqa: PLC0415  # it needs fcntl

    return kernel.infrared_beside(rest, uri, wanted)
