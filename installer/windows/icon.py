"""The program's icon, drawn here: an oval face in the frame it is looked at through."""

from __future__ import annotations

import struct
import zlib
from itertools import product

SIDES_PX = (16, 24, 32, 48, 64, 256)
_FINE = 4
_GROUND, _FACE, _NONE = (0x12, 0x71, 0x2F, 255), (255, 255, 255, 255), (0, 0, 0, 0)


def icon() -> bytes:
    """An .ico with each side of ``SIDES_PX``, the same bytes on every machine."""
    pictures = [_png(side) for side in SIDES_PX]
    head = struct.pack("<HHH", 0, 1, len(pictures))
    at = len(head) + 16 * len(pictures)
    entries: list[bytes] = []
    for side, picture in zip(SIDES_PX, pictures, strict=True):
        entries.append(
            struct.pack("<BBBBHHII", side % 256, side % 256, 0, 0, 1, 32, len(picture), at)
        )
        at += len(picture)
    return b"".join([head, *entries, *pictures])


def _png(side: int) -> bytes:
    rows = b"".join(
        b"\0" + b"".join(bytes(_pixel(x, y, side)) for x in range(side)) for y in range(side)
    )
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _pixel(x: int, y: int, side: int) -> tuple[int, ...]:
    """The mean of what lies below a pixel."""
    fine = range(_FINE)
    step = 1 / (side * _FINE)
    seen = [
        _colour((x * _FINE + dx + 0.5) * step, (y * _FINE + dy + 0.5) * step)
        for dx, dy in product(fine, fine)
    ]
    alpha = sum(one[3] for one in seen)
    if alpha == 0:
        return _NONE
    colour = (sum(one[i] * one[3] for one in seen) // alpha for i in range(3))
    return (*colour, alpha // len(seen))


def _colour(x: float, y: float) -> tuple[int, int, int, int]:
    """Of a point of the unit square."""
    if max(abs(x - 0.5), abs(y - 0.5)) > 0.47:
        return _NONE
    head = ((x - 0.5) / 0.15) ** 2 + ((y - 0.36) / 0.19) ** 2 <= 1
    shoulders = ((x - 0.5) / 0.30) ** 2 + ((y - 0.92) / 0.30) ** 2 <= 1 and y < 0.84
    edge = min(x, 1 - x, y, 1 - y)
    corner = 0.11 <= edge <= 0.15 and max(abs(x - 0.5), abs(y - 0.5)) > 0.35
    arm = abs(abs(x - 0.5) - abs(y - 0.5)) < 0.14
    return _FACE if head or shoulders or (corner and arm) else _GROUND
