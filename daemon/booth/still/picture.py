"""What a picture file says about itself, read before a pixel of it is decoded.

A few kilobytes can unfold to gigabytes, and half a picture can look like a whole one: both are
found by walking the parts of the file. What is damaged inside a part is left to the decoder.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

ANIMATED = "is animated, a still picture is needed"
CMYK = "is a CMYK picture made for printing, save it as RGB"
CUT = "is cut short"
DAMAGED = "is damaged"
TRANSPARENT = "is transparent in part, save it without transparency"
UNKNOWN = "is not a JPEG or PNG"

# Parts of one file. Real pictures hold some thousands at most; the walk must not last for seconds.
_MAX_PARTS = 20_000
# Each scan goes over the whole picture again. Encoders write ten or so.
_MAX_SCANS = 100

# Fill bytes, stuffed zeros, restarts and TEM are no segments: the decoder skips them as well.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]", re.DOTALL)
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EOI, _SOS = 0xD9, 0xDA
_PNG = b"\x89PNG\r\n\x1a\n"

# Known by name, so that the clerk learns what to change; cv2 would open several of them.
_OTHERS = {
    "GIF": re.compile(rb"GIF8"),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "HEIC or AVIF": re.compile(rb".{4}ftyp", re.DOTALL),
    "JPEG 2000": re.compile(rb"\0\0\0\x0cjP|\xff\x4f\xff\x51"),
    "PDF": re.compile(rb"%PDF"),
}


@dataclass(frozen=True, slots=True)
class Head:
    """Pixels the decoder makes room for; ``alpha``: some may be transparent.

    ``deep``: 16 bits a colour.
    """

    width: int
    height: int
    alpha: bool = False
    deep: bool = False


def read_head(data: bytes, max_px: int) -> Head | str:
    """The head of a picture that is whole and may be decoded.

    Otherwise what is wrong with it, to follow the picture's name in a sentence.
    """
    try:
        head = _reader(data)(data)
    except (struct.error, IndexError):  # a field lies behind the end of the file
        return CUT
    return head if isinstance(head, str) else _roomy(head, max_px)


def _roomy(head: Head, max_px: int) -> Head | str:
    if head.width <= 0 or head.height <= 0:
        return DAMAGED
    if head.width * head.height * (1 + head.deep) > max_px:
        twice = " (16 bits count twice)" if head.deep else ""
        return f"has over {max_px // 1_000_000} megapixels{twice}"
    return head


def _reader(data: bytes) -> Callable[[bytes], Head | str]:
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg
    if data.startswith(_PNG):
        return _png
    if data.startswith(b"BM"):
        return _bmp
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp
    return _other


def _other(data: bytes) -> str:
    named = next((kind for kind, magic in _OTHERS.items() if magic.match(data)), None)
    return UNKNOWN if named is None else f"is a {named}, not a JPEG or PNG"


def _jpeg(data: bytes) -> Head | str:
    """Walk to the end-of-image marker: a file cut in the middle of a scan has none."""
    head, at, scans = Head(0, 0), 2, 0
    for _ in range(_MAX_PARTS):
        found = _MARKER.search(data, at)
        if found is None:
            return CUT if head.width else UNKNOWN
        kind, at = data[found.end() - 1], found.end()
        if kind == _EOI:
            return head
        length = int(struct.unpack_from(">H", data, at)[0])
        if kind in _SIZES:
            height, width, colours = struct.unpack_from(">HHB", data, at + 3)
            head = _larger(head, Head(width, height))
            # Programs differ in whether 0 is no ink or full ink: a guess may enrol a negative.
            if colours == 4:
                return CMYK
        scans += kind == _SOS
        if length < 2 or scans > _MAX_SCANS:
            break
        at += length
    return DAMAGED


def _png(data: bytes) -> Head | str:
    if data[12:16] != b"IHDR":
        return DAMAGED
    width, height, bits, colours = struct.unpack_from(">IIBB", data, 16)
    at, alpha = len(_PNG), colours in {4, 6}
    for _ in range(_MAX_PARTS):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IEND":
            return Head(width, height, alpha, bits == 16)
        if kind == b"acTL":
            return ANIMATED
        if kind == b"tRNS" and colours != 3:
            # One colour stands for "nothing here"; cv2 shows it, every viewer hides it.
            return TRANSPARENT
        alpha = alpha or kind == b"tRNS"
        at += 12 + length
    return DAMAGED


def _bmp(data: bytes) -> Head | str:
    start, size = struct.unpack_from("<II", data, 10)
    if size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        packing = 0
    else:
        width, height, _, bits, packing = struct.unpack_from("<iiHHI", data, 18)
    if packing not in {0, 3}:
        return "is a compressed BMP, not a JPEG or PNG"
    head = Head(width, abs(height))
    if start + (width * bits + 31) // 32 * 4 * head.height > len(data):
        return CUT
    return head


def _webp(data: bytes) -> Head | str:
    end = 8 + int(struct.unpack_from("<I", data, 4)[0])
    if end > len(data):
        return CUT
    head, at = Head(0, 0), 12
    for _ in range(_MAX_PARTS):
        if at + 8 > end:
            return head
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind in {b"ANIM", b"ANMF"} or (kind == b"VP8X" and data[at + 8] & 0x02):
            return ANIMATED
        if kind in _WEBP_SIZES:
            # The canvas and the picture on it each state a size; room is made for the larger.
            head = _larger(head, _WEBP_SIZES[kind](data, at + 8))
        at += 8 + length + length % 2
    return DAMAGED


def _webp_canvas(data: bytes, at: int) -> Head:
    across, down = (int.from_bytes(data[at + n : at + n + 3], "little") + 1 for n in (4, 7))
    return Head(across, down, bool(data[at] & 0x10))


def _webp_lossy(data: bytes, at: int) -> Head:
    width, height = struct.unpack_from("<HH", data, at + 6)
    return Head(width & 0x3FFF, height & 0x3FFF)


def _webp_lossless(data: bytes, at: int) -> Head:
    bits = int(struct.unpack_from("<I", data, at + 1)[0])
    return Head((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1))


def _larger(one: Head, other: Head) -> Head:
    sides = max(one.width, other.width), max(one.height, other.height)
    return Head(*sides, alpha=one.alpha or other.alpha)


_WEBP_SIZES = {b"VP8X": _webp_canvas, b"VP8 ": _webp_lossy, b"VP8L": _webp_lossless}
