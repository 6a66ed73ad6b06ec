"""What a binocular camera tells a USB host about itself (USB Video Class 1.1, bulk transfer)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

VENDOR, PRODUCT, RELEASE = 0x1209, 0x0A11, 0x0203
SERIAL = "BED0001"
STRINGS = ("", "Bed", "Binocular", SERIAL, "RGB Camera", "IR Camera")
FPS = 15
PAYLOAD = 16384
GREY_GUID = bytes.fromhex("5938303000001000800000aa00389b71")

CAMERA_TERMINAL, PROCESSING_UNIT = 1, 2
AUTO_EXPOSURE, EXPOSURE_TIME, MAINS = 0x02, 0x04, 0x05


@dataclass(frozen=True, slots=True)
class Function:
    """One of its cameras: control interface number, streaming endpoint, sizes it promises."""

    first: int
    endpoint: int
    name: int
    grey: bool
    sizes: tuple[tuple[int, int], ...]

    def frame_bytes(self, index: int) -> int:
        """The most a frame has, of the size with that number from 1."""
        width, height = self.sizes[index - 1]
        return width * height * (1 if self.grey else 2)


COLOUR = Function(0, 0x81, 4, grey=False, sizes=((640, 480), (320, 240), (800, 600)))
INFRARED = Function(2, 0x82, 5, grey=True, sizes=((320, 240),))
FUNCTIONS = (COLOUR, INFRARED)

DEVICE = struct.pack(
    "<BBHBBBBHHHBBBB",
    *(18, 1, 0x0200, 0xEF, 2, 1, 64),
    *(VENDOR, PRODUCT, RELEASE, 1, 2, 3, 1),
)


def configuration() -> bytes:
    """The whole configuration descriptor."""
    body = b"".join(_function(function) for function in FUNCTIONS)
    head = struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 2 * len(FUNCTIONS), 1, 0, 0x80, 250)
    return head + body


def string(index: int) -> bytes | None:
    """A string descriptor, ``None`` where there is none of that number."""
    if index == 0:
        return bytes((4, 3, 9, 4))
    if index >= len(STRINGS):
        return None
    text = STRINGS[index].encode("utf-16-le")
    return bytes((2 + len(text), 3)) + text


def _function(f: Function) -> bytes:
    association = struct.pack("8B", 8, 11, f.first, 2, 14, 3, 0, f.name)
    return association + _control(f) + _streaming(f)


def _control(f: Function) -> bytes:
    interface = struct.pack("9B", 9, 4, f.first, 0, 0, 14, 1, 0, f.name)
    # Auto exposure mode, absolute exposure time; mains frequency.
    camera = struct.pack("<BBBBHBBHHHB3s", 18, 36, 2, 1, 0x201, 0, 0, 0, 0, 0, 3, b"\x0a\0\0")
    unit = struct.pack("<BBBBBHBHBB", 12, 36, 5, 2, 1, 0, 2, 0x0400, 0, 0)
    output = struct.pack("<BBBBHBBB", 9, 36, 3, 3, 0x101, 0, 2, 0)
    total = 13 + len(camera) + len(unit) + len(output)
    head = struct.pack("<BBBHHIBB", 13, 36, 1, 0x110, total, 48_000_000, 1, f.first + 1)
    return interface + head + camera + unit + output


def _streaming(f: Function) -> bytes:
    interface = struct.pack("9B", 9, 4, f.first + 1, 0, 1, 14, 2, 0, 0)
    formats = _format(f) + b"".join(_frame(f, n) for n in range(1, len(f.sizes) + 1))
    head = struct.pack(
        "<BBBBHBBBBBBBB", 14, 36, 1, 1, 14 + len(formats), f.endpoint, 0, 3, 0, 0, 0, 1, 0
    )
    return interface + head + formats + struct.pack("<BBBBHB", 7, 5, f.endpoint, 2, 512, 0)


def _format(f: Function) -> bytes:
    count = len(f.sizes)
    if f.grey:
        return struct.pack("BBBBB16sBBBBBB", 27, 36, 4, 1, count, GREY_GUID, 8, 1, 0, 0, 0, 0)
    return struct.pack("11B", 11, 36, 6, 1, count, 1, 1, 0, 0, 0, 0)


def _frame(f: Function, index: int) -> bytes:
    width, height = f.sizes[index - 1]
    size, interval = f.frame_bytes(index), 10_000_000 // FPS
    rates = (size * 8 * FPS, size * 8 * FPS)
    kind = 5 if f.grey else 7
    head = struct.pack("<BBBBBHH", 30, 36, kind, index, 0, width, height)
    return head + struct.pack("<IIIIBI", *rates, size, interval, 1, interval)
