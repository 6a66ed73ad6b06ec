"""The calls of a vendor's library, in the process that may hang or crash with it (``child``)."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cffi

from yibao_face.drivers.reader.api import (
    Again,
    ReaderBusyError,
    ReaderLostError,
    ReaderMissingError,
    ReaderUnsupportedError,
)
from yibao_face.drivers.reader.chip import HEIGHT, TEXT_BYTES, WIDTH, bmp_of
from yibao_face.drivers.reader.vendor import USB_PORTS, Unpacking, Vendor

_DONE, _FOUND, _NO_CARD = 0x90, 0x9F, 0x80
_PORT_TAKEN = 0x04
# Radio and authentication of the card: it lay askew or was taken away.
_MOVED = frozenset({0x31, 0x32, 0x33, 0x3F, 0x41, 0x47, 0x81})
_OTHER_CARD = 0x40
# Self test and licence of the security module.
_NO_MODULE = frozenset({0x60, 0x66})
_PACKED_BYTES = 1024
# Libraries write more than the interface says; what is behind is never looked at.
_SLACK = 4096
_PIXELS = WIDTH * HEIGHT * 3
_MAX_BMP_BYTES = 200_000
_SERIAL, _USB = 1, 2

# Either word of convention is read everywhere; only 32-bit Windows tells them apart.
_CALLS = """
int __stdcall {open}(int port);
int __stdcall {close}(int port);
int __stdcall {find}(int port, unsigned char *iin, int if_open);
int __stdcall {select}(int port, unsigned char *sn, int if_open);
int __stdcall {read}(int port, unsigned char *text, unsigned int *text_length,
    unsigned char *photo, unsigned int *photo_length, int if_open);
"""
_UNPACK = {
    Unpacking.FILE: "int __stdcall {unpack}(char *path, int interface);",
    Unpacking.MEMORY: """
int __stdcall {unpack}(unsigned char *packed, unsigned char *bgr, int save);
""",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """What was read: 256 bytes of text, and the picture as BMP; empty where none was unpacked."""

    text: bytes
    photo: bytes


class Library:
    """A vendor's library, loaded; ``decoder``: empty where it is the same one.

    ``folder``: where pictures may lie for a moment. Raises ``ReaderUnsupportedError``.
    """

    def __init__(self, vendor: Vendor, library: str, decoder: str, folder: Path) -> None:
        self._vendor, self._folder = vendor, folder
        self._ffi = cffi.FFI()
        self._ffi.cdef(_CALLS.format(**_names(vendor)))
        self._calls = _load(self._ffi, library, tuple(_names(vendor).values()))
        self._unpacking = cffi.FFI()
        self._unpacking.cdef(_UNPACK[vendor.unpacking].format(unpack=vendor.unpack))
        # Decoders look for their licence file in the folder they are started in.
        os.chdir(Path(decoder or library).parent)
        wanted = (vendor.unpack,) if decoder else ()
        self._decoder = _load(self._unpacking, decoder or library, wanted)
        self._can_unpack = hasattr(self._decoder, vendor.unpack)
        self._port = 0

    def open(self, port: int) -> int:
        """Open ``port``, 0: the first USB one that answers; returns it."""
        status = 0
        for candidate in (port,) if port else USB_PORTS:
            status = self._call(self._vendor.open, candidate)
            if status == _DONE:
                self._port = candidate
                return candidate
        if status == _PORT_TAKEN:
            raise ReaderBusyError("the port is used by another program")
        raise ReaderMissingError(f"no reader answers (0x{status & 0xFF:02x})")

    def close(self) -> None:
        """Close the port."""
        self._call(self._vendor.close, self._port)

    def poll(self) -> Chip | Again | None:
        """The card that lies there, ``None`` where there is none. Raises ``ReaderError``."""
        vendor = self._vendor
        status = self._call(vendor.find, self._port, self._room(8), 0)
        if status == _NO_CARD:
            return None
        if status != _FOUND:
            return _meaning(vendor.find, status)
        status = self._call(vendor.select, self._port, self._room(8), 0)
        if status != _DONE:
            return _meaning(vendor.select, status)
        text, packed = self._room(TEXT_BYTES), self._room(_PACKED_BYTES)
        lengths = [self._ffi.new("unsigned int *", n) for n in (TEXT_BYTES, _PACKED_BYTES)]
        status = self._call(vendor.read, self._port, text, lengths[0], packed, lengths[1], 0)
        if status != _DONE:
            return _meaning(vendor.read, status)
        content = bytes(self._ffi.buffer(text, TEXT_BYTES))
        return Chip(content, self._picture(bytes(self._ffi.buffer(packed, _PACKED_BYTES))))

    def _picture(self, packed: bytes) -> bytes:
        if not self._can_unpack:
            return b""
        if self._vendor.unpacking is Unpacking.MEMORY:
            return self._in_memory(packed)
        return self._through_file(packed)

    def _in_memory(self, packed: bytes) -> bytes:
        given = self._unpacking.new("unsigned char[]", packed + bytes(_SLACK))
        pixels = self._unpacking.new(f"unsigned char[{_PIXELS + _SLACK}]")
        self._unpacked(getattr(self._decoder, self._vendor.unpack)(given, pixels, 0))
        rows = bytes(self._unpacking.buffer(pixels, _PIXELS))
        return bmp_of(rows if self._vendor.top_down else _flipped(rows))

    def _through_file(self, packed: bytes) -> bytes:
        """The library wants files: they lie in a folder of our own, and not for long."""
        given, made = self._folder / "card.wlt", self._folder / "card.bmp"
        try:
            given.write_bytes(packed)
            interface = _USB if self._port in USB_PORTS else _SERIAL
            path = self._unpacking.new("char[]", _ansi(given))
            self._unpacked(getattr(self._decoder, self._vendor.unpack)(path, interface))
            with made.open("rb") as file:
                return file.read(_MAX_BMP_BYTES)
        except OSError as exc:
            raise ReaderUnsupportedError(f"the picture was not written: {exc.strerror}") from exc
        finally:
            given.unlink(missing_ok=True)
            made.unlink(missing_ok=True)

    def _unpacked(self, status: int) -> None:
        if status != 1:
            raise ReaderUnsupportedError(
                f"{self._vendor.unpack} failed ({status}): is its licence file beside it?"
            )

    def _call(self, name: str, *arguments: Any) -> int:
        return int(getattr(self._calls, name)(*arguments))

    def _room(self, size: int) -> Any:
        return self._ffi.new(f"unsigned char[{size + _SLACK}]")


def _names(vendor: Vendor) -> dict[str, str]:
    return {call: getattr(vendor, call) for call in ("open", "close", "find", "select", "read")}


def _load(ffi: Any, path: str, functions: tuple[str, ...]) -> Any:
    if sys.platform == "win32":
        # The parts a library comes with lie beside it.
        os.add_dll_directory(str(Path(path).parent))
    try:
        library = ffi.dlopen(path)
    except OSError as exc:
        # The loader's own words: "wrong ELF class", "file too short", "not found".
        raise ReaderUnsupportedError(f"library {Path(path).name} cannot be loaded: {exc}") from exc
    for name in functions:
        if not hasattr(library, name):
            raise ReaderUnsupportedError(f"library {Path(path).name} has no function {name}")
    return library


def _meaning(call: str, status: int) -> Again:
    if status in _MOVED:
        return Again.MOVED
    if status == _OTHER_CARD:
        return Again.OTHER_CARD
    if status in _NO_MODULE:
        raise ReaderUnsupportedError(f"the security module refuses (0x{status & 0xFF:02x})")
    raise ReaderLostError(f"{call} failed (0x{status & 0xFF:02x})")


def _flipped(rows: bytes) -> bytes:
    row = WIDTH * 3
    return b"".join(rows[at : at + row] for at in range(len(rows) - row, -1, -row))


def _ansi(path: Path) -> bytes:
    return str(path).encode("mbcs") if sys.platform == "win32" else os.fsencode(path)
