"""What the pictures of a running camera say about it: covered, dark, standing still."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.drivers.api import ColourImage, Frame

# A hand or tape over the lens leaves one grey; the emptiest room in daylight has four times that.
_COVERED_STD = 3.0
_DARK_MEAN = 20.0
_GRID = (32, 24)
_STEP = 7


class Condition(StrEnum):
    """``COVERED``: nothing is to be seen, as behind tape or in a lightless room (S1-05)."""

    GOOD = "good"
    DARK = "dark"
    COVERED = "covered"


def condition_of(bgr: ColourImage) -> Condition:
    """Judge a colour image (height, width, 3) by a coarse grid of it."""
    grid = cv2.resize(bgr[::2, ::2], _GRID, interpolation=cv2.INTER_AREA)
    luma = cv2.cvtColor(grid, cv2.COLOR_BGR2GRAY)
    if float(luma.std()) < _COVERED_STD:
        return Condition.COVERED
    return Condition.DARK if float(luma.mean()) < _DARK_MEAN else Condition.GOOD


@dataclass(slots=True)
class _Still:
    digest: int = 0
    since_ns: int = 0


class FreezeWatch:
    """Notices a plane that is the same for longer than ``after_s``, or a clock that stands.

    A plane of one value is no evidence: depth is all zero behind a hand.
    """

    def __init__(self, after_s: float) -> None:
        self._after_ns = round(after_s * 1e9)
        self._planes: dict[str, _Still] = {}

    def frozen(self, frame: Frame) -> str | None:
        """The name of what has stood still for too long, ``frame`` included; ``None``: nothing."""
        seen = {name: _digest(getattr(frame, name)) for name in ("bgr", "depth_mm", "ir")}
        seen["device_us"] = frame.device_us
        stood = [name for name, value in seen.items() if self._stands(name, value, frame.at_ns)]
        return stood[0] if stood else None

    def _stands(self, name: str, value: int | None, at_ns: int) -> bool:
        before = self._planes.get(name)
        if value is None or before is None or before.digest != value:
            self._planes[name] = _Still(value or 0, at_ns)
            return False
        return at_ns - before.since_ns > self._after_ns


def _digest(plane: npt.NDArray[Any] | None) -> int | None:
    if plane is None:
        return None
    sample = np.ascontiguousarray(plane[::_STEP, ::_STEP])
    return None if sample.min() == sample.max() else zlib.crc32(sample.data)
