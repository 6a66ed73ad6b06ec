"""One colour camera of the USB video class: driver ``uvc``, uri ``uvc:/dev/v4l/by-path/...``,
``uvc:/dev/video0`` or ``uvc:vid:pid[:serial]``; on Windows ``uvc:0``.
"""

from __future__ import annotations

from typing import Any, Self

from yibao_face.drivers.api import CameraInfo, Capability, DeviceConfigError, Frame
from yibao_face.drivers.driver import Driver, Settings
from yibao_face.drivers.uvc import system
from yibao_face.drivers.uvc.lens import LensBook
from yibao_face.drivers.uvc.source import COLOUR, Identity, Source

_NAME = "uvc"


def open_uvc(rest: str, settings: Settings | None = None) -> UvcCamera:
    """Open and start the camera; raises ``DeviceError``."""
    chosen = settings or Settings()
    uri = f"{_NAME}:{rest}"
    if not rest:
        raise DeviceConfigError(f"{uri} names no camera")
    book = LensBook(chosen)
    source = system.open_source(rest, uri, COLOUR, chosen)
    try:
        source.start()
        book.colour(source.mode)
    except BaseException:
        source.close()
        raise
    return UvcCamera(source, uri, book)


def discover_uvc(settings: Settings) -> list[CameraInfo]:
    """Colour cameras that are there; see ``Driver.discover``."""
    del settings
    return [_info(found, f"{_NAME}:{found.rest}") for found in system.colours()]


class UvcCamera:
    """See ``Camera``. Reads in the caller's thread; owns ``source``."""

    def __init__(self, source: Source, uri: str, book: LensBook) -> None:
        self._source = source
        self._info = _info(source.identity, uri)
        self._book = book
        self._seq = 0

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        return self._info

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        seen = self._source.next(timeout_s)
        if seen is None:
            return None
        self._seq += 1
        lens = self._book.colour(seen.mode)
        return Frame(self._seq, seen.at_ns, seen.at_ns // 1000, seen.picture, None, None, lens)

    def close(self) -> None:
        """See ``Camera.close``."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


def _info(of: Identity, uri: str) -> CameraInfo:
    return of.info(_NAME, uri, Capability.RGB)


DRIVER = Driver(_NAME, open_uvc, discover_uvc)
