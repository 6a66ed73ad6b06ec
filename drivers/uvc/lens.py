"""Pinhole models of cameras that cannot tell theirs: by a calibration file or field of view."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from yibao_face.drivers.api import DeviceConfigError, Intrinsics, Pair
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.uvc.mode import Mode

_MOST_BYTES = 64 * 1024
# A turn's columns are of length 1 and at right angles, up to the digits somebody wrote down.
_NOT_A_TURN = 1e-3


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of a colour camera, and of the infrared camera beside it where the file tells."""

    colour: Intrinsics
    pair: Pair | None


def calibration(settings: Settings) -> Calibration | None:
    """What ``settings.calibration`` holds, ``None`` where no file is named.

    JSON: ``{"colour": {"width", "height", "fx", "fy", "cx", "cy"}, "infrared": {the same},
    "rotation": [9 numbers], "translation_mm": [3 numbers]}``, the latter three of a pair; as
    ``drivers.api.Pair`` has them. Raises ``DeviceConfigError``.
    """
    if not settings.calibration:
        return None
    file = Path(settings.calibration)
    try:
        with file.open("rb") as opened:
            body = json.loads(opened.read(_MOST_BYTES))
        return Calibration(_lens(body["colour"]), _pair(body) if "infrared" in body else None)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as exc:
        raise DeviceConfigError(f"calibration {file.name}: {type(exc).__name__} {exc}") from exc


class LensBook:
    """The lens of each mode a camera goes through; raises ``DeviceConfigError`` when made."""

    def __init__(self, settings: Settings) -> None:
        self._calibration = calibration(settings)
        self._fov_deg = settings.fov_deg
        self._last: tuple[Mode, Intrinsics] | None = None
        if not 1.0 <= self._fov_deg < 180.0:
            raise DeviceConfigError(f"fov_deg {self._fov_deg} is no field of view")

    @property
    def pair(self) -> Pair | None:
        """Of the infrared camera beside the colour camera, at its calibrated size."""
        return self._calibration.pair if self._calibration else None

    def colour(self, mode: Mode) -> Intrinsics:
        """Of the colour camera in ``mode``; raises as ``at_size``."""
        if self._last is None or self._last[0] != mode:
            self._last = mode, self._made(mode)
        return self._last[1]

    def infrared(self, mode: Mode) -> Pair | None:
        """``pair`` with the infrared camera in ``mode``; raises as ``at_size``."""
        pair = self.pair
        return pair and replace(pair, infrared=at_size(pair.infrared, mode))

    def _made(self, mode: Mode) -> Intrinsics:
        if self._calibration is not None:
            return at_size(self._calibration.colour, mode)
        return by_field_of_view(mode, self._fov_deg)


def by_field_of_view(mode: Mode, fov_deg: float) -> Intrinsics:
    """A lens without distortion in the middle of the image; ``fov_deg`` is horizontal."""
    focal = mode.width / 2 / math.tan(math.radians(fov_deg) / 2)
    centre = ((mode.width - 1) / 2, (mode.height - 1) / 2)
    return Intrinsics(mode.width, mode.height, focal, focal, *centre)


def at_size(lens: Intrinsics, mode: Mode) -> Intrinsics:
    """``lens`` in a mode of the same shape; ``DeviceConfigError`` where the shape differs."""
    if lens.width * mode.height != lens.height * mode.width:
        raise DeviceConfigError(
            f"calibrated at {lens.width}x{lens.height}, the camera is in {mode}"
        )
    k = mode.width / lens.width
    # Pixel centres are at whole numbers: the edge of the image, at -0.5, is what stays.
    cx, cy = (lens.cx + 0.5) * k - 0.5, (lens.cy + 0.5) * k - 0.5
    return Intrinsics(mode.width, mode.height, lens.fx * k, lens.fy * k, cx, cy)


def _lens(body: Any) -> Intrinsics:
    width, height = int(body["width"]), int(body["height"])
    fx, fy, cx, cy = (_number(body[name]) for name in ("fx", "fy", "cx", "cy"))
    if min(width, height, fx, fy) <= 0:
        raise ValueError("size and focal length are above 0")
    return Intrinsics(width, height, fx, fy, cx, cy)


def _pair(body: Any) -> Pair:
    turn = [_number(value) for value in cast("list[Any]", body["rotation"])]
    shift = [_number(value) for value in cast("list[Any]", body["translation_mm"])]
    if len(turn) != 9 or len(shift) != 3:
        raise ValueError("rotation has 9 numbers, translation_mm 3")
    if not _is_turn(turn):
        raise ValueError("rotation is no rotation")
    a, b, c, d, e, f, g, h, i = turn
    x, y, z = shift
    return Pair(_lens(body["infrared"]), (a, b, c, d, e, f, g, h, i), (x, y, z))


def _is_turn(m: list[float]) -> bool:
    """Rows at right angles, of length 1, and not a mirror."""
    rows = (m[0:3], m[3:6], m[6:9])
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            dot = sum(x * y for x, y in zip(one, other, strict=True))
            if abs(dot - (i == j)) > _NOT_A_TURN:
                return False
    a, b, c = rows
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return sum(x * y for x, y in zip(cross, c, strict=True)) > 0


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no number")
    return number
