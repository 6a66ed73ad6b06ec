"""Parts of the picture in which no face is looked for: up to four polygons (S0-80)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Detection, ModelError

MAX_POLYGONS = 4
MIN_POINTS, MAX_POINTS = 3, 16
# Corners are drawn to a sixteenth of a pixel, so that a mask scales with the picture.
_SHIFT = 4

Image = npt.NDArray[np.uint8]
Polygon = tuple[tuple[float, float], ...]
Polygons = tuple[Polygon, ...]


class MaskError(ModelError):
    """A mask is none; the message names which polygon, counted from 1, and why."""


@dataclass(frozen=True, slots=True)
class Mask:
    """``polygons``: corners (x, y) in shares 0..1 of the picture's width and height.

    Where the outline of a polygon crosses itself, what it encloses twice stays open (even-odd).
    """

    polygons: Polygons = ()

    def __post_init__(self) -> None:
        if len(self.polygons) > MAX_POLYGONS:
            raise MaskError(f"polygon {MAX_POLYGONS + 1}: at most {MAX_POLYGONS} are allowed")
        for number, polygon in enumerate(self.polygons, 1):
            fault = _fault(polygon)
            if fault is not None:
                raise MaskError(f"polygon {number}: {fault}")

    def search(self, bgr: Image, find: Callable[[Image], Sequence[Detection]]) -> list[Detection]:
        """What ``find`` finds outside; a face half outside counts by its centre."""
        size_px = (bgr.shape[1], bgr.shape[0])
        return [face for face in find(self.blank(bgr)) if not self.hides(face, size_px)]

    def blank(self, bgr: Image) -> Image:
        """A copy of the picture, black inside; the picture itself where there is no polygon."""
        if not self.polygons:
            return bgr
        masked = bgr.copy()
        scale = np.array([bgr.shape[1], bgr.shape[0]]) * 2**_SHIFT
        # One call each: filled together, two polygons would leave open what they share.
        for polygon in self.polygons:
            corners = np.round(np.array(polygon) * scale).astype(np.int32)
            cv2.fillPoly(masked, [corners], (0, 0, 0), shift=_SHIFT)
        return masked

    def hides(self, face: Detection, size_px: tuple[int, int]) -> bool:
        """Whether the centre of the face in a (width, height) picture lies in a polygon."""
        box, (width, height) = face.box, size_px
        x, y = (box.x + box.width / 2) / width, (box.y + box.height / 2) / height
        return any(_encloses(polygon, x, y) for polygon in self.polygons)


def _fault(polygon: Polygon) -> str | None:
    """What is wrong with one polygon, if anything."""
    if not MIN_POINTS <= len(polygon) <= MAX_POINTS:
        return f"has {len(polygon)} points, not {MIN_POINTS}..{MAX_POINTS}"
    # `all(0 <= …)` rather than `any(… < 0)`: nan is no share either.
    if not all(0.0 <= share <= 1.0 for point in polygon for share in point):
        return "has a point outside 0..1"
    hull = cv2.convexHull(np.array(polygon, np.float32))
    return None if cv2.contourArea(hull) > 0.0 else "encloses nothing"


def _encloses(polygon: Polygon, x: float, y: float) -> bool:
    return cv2.pointPolygonTest(np.array(polygon, np.float32), (x, y), measureDist=False) >= 0
