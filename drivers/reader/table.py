"""The readers there are: ``vendor:port`` of a uri to what opens it."""

from __future__ import annotations

from yibao_face.drivers.reader.api import CardReader, ReaderConfigError
from yibao_face.drivers.reader.hosted import HostedReader, ReaderSettings
from yibao_face.drivers.reader.vendor import VENDORS
from yibao_face.drivers.reader.virtual import open_virtual


def open_reader(uri: str, settings: ReaderSettings | None = None) -> CardReader:
    """Open ``sdt:1001``, ``sdt:`` (first on USB), ``virtual:/a/card.json``; ``ReaderError``."""
    chosen = settings or ReaderSettings()
    name, colon, rest = uri.partition(":")
    if colon and name == "virtual":
        return open_virtual(rest)
    if not colon or name not in VENDORS:
        known = ", ".join([*VENDORS, "virtual"])
        raise ReaderConfigError(f"{uri!r} is no reader uri: vendor:port; known: {known}")
    if not chosen.library:
        raise ReaderConfigError(f"{uri}: the vendor's library is not configured")
    return HostedReader(name, rest, chosen)
