"""Pinhole models from what OpenNI2 tells: fields of view, and which pixels see the same point."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from statistics import fmean

from yibao_face.drivers.api import Intrinsics, Pair

# The library answers in whole pixels: many points, near ones, where the shift is large.
_AT = (0.3, 0.4, 0.5, 0.6, 0.7)
_Z_MM = (400, 500, 600, 700, 800)
_NO_ROTATION = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

OnColour = Callable[[int, int, int], tuple[int, int] | None]


def intrinsics(
    width: int, height: int, fov_x_rad: float | None, fov_y_rad: float | None, fov_deg: float
) -> Intrinsics:
    """The lens of an image; ``fov_deg``: horizontal, where the device does not tell."""
    fx = width / 2 / math.tan((fov_x_rad or math.radians(fov_deg)) / 2)
    fy = height / 2 / math.tan(fov_y_rad / 2) if fov_x_rad and fov_y_rad else fx
    return Intrinsics(width, height, fx, fy, width / 2, height / 2)


def pair(infrared: Intrinsics, colour: Intrinsics, on_colour: OnColour) -> Pair | None:
    """Where the IR camera is, from the device's own table of pixels ``on_colour(x, y, z_mm)``.

    ``None`` where it has none, or one that moves nothing: then nobody knows.
    """
    shifts: list[tuple[float, float]] = []
    for a, b, z_mm in product(_AT, _AT, _Z_MM):
        x, y = round(a * infrared.width), round(b * infrared.height)
        seen = on_colour(x, y, z_mm)
        if seen is None:
            return None
        shifts.append(_shift(infrared, colour, (x, y), seen, z_mm))
    moved = fmean(shift[0] for shift in shifts), fmean(shift[1] for shift in shifts)
    if math.hypot(*moved) < 1.0:
        return None
    return Pair(infrared, _NO_ROTATION, (*moved, 0.0))


def _shift(
    infrared: Intrinsics, colour: Intrinsics, at: tuple[int, int], seen: tuple[int, int], z_mm: int
) -> tuple[float, float]:
    """mm from a point before the colour camera to the same before the IR camera."""
    right = (at[0] - infrared.cx) / infrared.fx - (seen[0] - colour.cx) / colour.fx
    down = (at[1] - infrared.cy) / infrared.fy - (seen[1] - colour.cy) / colour.fy
    return right * z_mm, down * z_mm
