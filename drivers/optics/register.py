"""Planes as seen by a colour camera without distortion: plain arrays, no SDK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.drivers.api import DepthImage, InfraredImage, Intrinsics

Floats = npt.NDArray[np.float32]
_NEVER_LESS_MM = 1.0


@dataclass(frozen=True, slots=True)
class Pose:
    """A point in mm before the colour camera lies at ``rotation`` (3x3) times it plus ``shift_mm``
    (3) before the IR camera."""

    rotation: Floats
    shift_mm: Floats


class InfraredRegistration:
    """Looks up, for each pixel of the colour image, the IR pixel that saw the same point."""

    def __init__(self, colour: Intrinsics, infrared: Intrinsics, pose: Pose) -> None:
        x = (np.arange(colour.width, dtype=np.float32) - colour.cx) / colour.fx
        y = (np.arange(colour.height, dtype=np.float32) - colour.cy) / colour.fy
        rays = np.stack([*np.meshgrid(x, y), np.ones((colour.height, colour.width))])
        turned = np.einsum("ij,jyx->iyx", pose.rotation, rays).astype(np.float32)
        self._turned, self._shift_mm, self._lens = turned, pose.shift_mm, infrared

    def __call__(self, ir: InfraredImage, depth_mm: DepthImage) -> InfraredImage:
        """``ir`` in the view of the colour image; ``depth_mm``: registered to it.

        Where depth has a hole, that of its row's last reading before it is taken: the picture is
        there, only its place is a guess, off by no more than the parallax. Black holes would pass
        for the darkness of a screen. 0 where the IR camera does not reach.
        """
        z = filled(depth_mm).astype(np.float32)
        lens = self._lens
        away = np.maximum(self._turned[2] * z + self._shift_mm[2], _NEVER_LESS_MM)
        u = (self._turned[0] * z + self._shift_mm[0]) / away * lens.fx + lens.cx
        v = (self._turned[1] * z + self._shift_mm[1]) / away * lens.fy + lens.cy
        return np.asarray(cv2.remap(ir, u, v, cv2.INTER_LINEAR), np.uint8)


def filled(depth_mm: DepthImage) -> DepthImage:
    """``depth_mm`` without holes: the last reading of the row, before the first the median."""
    known = depth_mm > 0
    if known.all():
        return depth_mm
    median = np.uint16(np.median(depth_mm[known])) if known.any() else np.uint16(_NEVER_LESS_MM)
    last = np.where(known, np.arange(int(depth_mm.shape[1])), -1)
    np.maximum.accumulate(last, axis=1, out=last)
    found = np.take_along_axis(depth_mm, np.maximum(last, 0), axis=1)
    return np.where(last >= 0, found, median).astype(np.uint16)


def millimetres(raw: DepthImage, unit_m: float) -> DepthImage:
    """Depth counted in steps of ``unit_m`` as mm; beyond 65.535 m is no reading. Always a copy."""
    if abs(unit_m - 0.001) < 1e-9:
        return raw.copy()
    mm = np.rint(raw.astype(np.float64) * (unit_m * 1000.0))
    return np.where(mm <= np.iinfo(np.uint16).max, mm, 0).astype(np.uint16)


class Undistortion:
    """Straightens images; ``u``, ``v``: where a straight pixel lies in the bent image."""

    def __init__(self, u: Floats, v: Floats) -> None:
        self._u, self._v = u, v

    def smooth(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Colour: between pixels."""
        return np.asarray(cv2.remap(image, self._u, self._v, cv2.INTER_LINEAR), np.uint8)

    def nearest(self, depth_mm: DepthImage) -> DepthImage:
        """Depth: never a mean of face and wall."""
        straight: Any = cv2.remap(depth_mm, self._u, self._v, cv2.INTER_NEAREST)
        return np.asarray(straight, np.uint16)
