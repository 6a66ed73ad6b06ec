"""What the infrared image shows inside the face: is it lit, is it the face of the colour image.

A screen sends out no near infrared: where it shows a face there is darkness. A face injected into
one image, or held before one of two cameras, is not found at its place in the other. Print and
masks may well look like skin here: infrared denies, it never proves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Box, Detection, Points

ColourImage = npt.NDArray[np.uint8]
InfraredImage = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Find = Callable[[ColourImage], Sequence[Detection]]

_SIDE = 32
_MIN_PIXELS = 60
_FLOODED = 250
# Correlation of less contrast than this, in grey values, is that of noise.
_MIN_STD = 1.0
_CENTRE, _RIM = 0.5, 0.75


@dataclass(frozen=True, slots=True)
class Infrared:
    """Features of the infrared image inside the hull of the landmarks; NaN: not measured.

    ``ir_level``: mean, ``ir_contrast``: standard deviation, both in shares 0..1 of white.
    ``ir_likeness``: correlation -1..1 with the colour image's grey, shading across the face taken
    away. ``ir_flood``: share 0..1 of flooded pixels.
    """

    ir_level: float = nan
    ir_contrast: float = nan
    ir_likeness: float = nan
    ir_flood: float = nan


@dataclass(frozen=True, slots=True)
class Strobe:
    """What the camera's own lamp adds, of a lit and an unlit image; NaN: not measured.

    ``strobe_gain``: mean of lit - unlit in shares of white, -1..1. ``strobe_centre``: the same
    around the nose over that along the rim of the face; a head falls off, a sheet hardly.
    """

    strobe_gain: float = nan
    strobe_centre: float = nan


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """The bounding box of a hull, and the hull in it."""

    plane: npt.NDArray[Any]
    hull: Mask


def measure_infrared(
    ir: InfraredImage | None,
    bgr: ColourImage,
    points: Points,
    ir_points: Points | None = None,
) -> Infrared:
    """Measure ``ir`` (height, width) uint8 against ``bgr`` (height, width, 3) uint8.

    ``points``: landmarks in ``bgr``, px. ``ir_points``: the same ones in ``ir`` where the two
    are not registered; what they show is then compared, not where. Never raises.
    """
    if ir is None or ir.ndim != 2 or bgr.shape[2:] != (3,):
        return Infrared()
    if ir_points is None and ir.shape != bgr.shape[:2]:
        return Infrared()
    seen = _cut(ir, points if ir_points is None else ir_points)
    if seen is None:
        return Infrared()
    colour = _cut(bgr, points, seen.hull if ir_points is None else None)
    mean, std = cv2.meanStdDev(seen.plane, mask=seen.hull)
    flooded = np.count_nonzero((seen.plane >= _FLOODED) & (seen.hull > 0))
    return Infrared(
        float(mean[0, 0]) / 255,
        float(std[0, 0]) / 255,
        _likeness(seen, colour),
        float(flooded / cv2.countNonZero(seen.hull)),
    )


def strobe_gain(lit: InfraredImage | None, unlit: InfraredImage | None, points: Points) -> Strobe:
    """Compare two infrared images (height, width) uint8 taken right after each other.

    ``points``: landmarks in them, px. Never raises.
    """
    if lit is None or unlit is None or lit.ndim != 2 or lit.shape != unlit.shape:
        return Strobe()
    on = _cut(lit, points)
    off = None if on is None else _cut(unlit, points, on.hull)
    if on is None or off is None:
        return Strobe()
    gain, hull = on.plane.astype(np.int16) - off.plane, on.hull > 0
    along = _mean(gain, hull & ~_shrunk(points, on.hull, _RIM))
    around = _mean(gain, hull & _shrunk(points, on.hull, _CENTRE))
    # An image may lose a grey value to rounding: below that there is nothing to divide by.
    ratio = around / along if along >= 1.0 else nan
    return Strobe(_mean(gain, hull) / 255, ratio)


def presence(ir: InfraredImage | None, box: Box, find: Find) -> float:
    """How well a face that ``find`` sees in ``ir`` overlaps ``box``: IoU 0..1, 0 where none.

    NaN without an image. ``box``: the face of the colour image, in pixels of ``ir``.
    """
    if ir is None or ir.ndim != 2 or ir.dtype != np.uint8:
        return nan
    faces = find(np.asarray(cv2.cvtColor(ir, cv2.COLOR_GRAY2BGR), np.uint8))
    return max((face.box.overlap(box) for face in faces), default=0.0)


def _cut(image: npt.NDArray[Any], points: Points, hull: Mask | None = None) -> _Cut | None:
    """The hull of ``points``; ``None`` where too little of it lies within the image.

    ``hull``: the one that was drawn for them already, in an image of this size.
    """
    if image.dtype != np.uint8 or len(points) < 3 or not np.isfinite(points).all():
        return None
    height, width = image.shape[:2]
    low, high = points.min(0), points.max(0)
    if high[0] - low[0] > 2 * width or high[1] - low[1] > 2 * height:
        return None  # no face of this picture
    x0, y0 = (max(0, int(edge)) for edge in low)
    x1, y1 = min(width, int(high[0]) + 1), min(height, int(high[1]) + 1)
    if x1 - x0 < 8 or y1 - y0 < 8:
        return None
    if hull is None:
        hull = np.zeros((y1 - y0, x1 - x0), np.uint8)
        _fill(hull, points - np.array([x0, y0], np.float32))
    return _Cut(image[y0:y1, x0:x1], hull) if cv2.countNonZero(hull) >= _MIN_PIXELS else None


def _fill(mask: Mask, points: Points) -> None:
    corners = cv2.convexHull(np.round(points).astype(np.int32))
    cv2.fillConvexPoly(mask, np.asarray(corners, np.int32), 1)


def _shrunk(points: Points, hull: Mask, share: float) -> Bools:
    """The hull drawn in towards its middle, as a mask as large as ``hull``."""
    low = np.maximum(0, np.trunc(points.min(0)))
    middle = points.mean(0)
    smaller = np.zeros_like(hull)
    _fill(smaller, (middle + share * (points - middle) - low).astype(np.float32))
    return smaller > 0


def _mean(values: npt.NDArray[np.int16], mask: Bools) -> float:
    chosen = values[::2, ::2][mask[::2, ::2]]
    return float(chosen.mean()) if chosen.size else nan


def _small(plane: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    # Every n-th pixel first: the average of the rest says the same, in a third of the time.
    step = max(1, min(plane.shape[:2]) // (2 * _SIDE))
    thinned = plane[::step, ::step]
    return np.asarray(cv2.resize(thinned, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _likeness(seen: _Cut, colour: _Cut | None) -> float:
    if colour is None:
        return nan
    grey = cv2.cvtColor(_small(colour.plane), cv2.COLOR_BGR2GRAY)
    ir = _small(seen.plane)
    size = (_SIDE, _SIDE)
    masks = (cv2.resize(cut.hull, size, interpolation=cv2.INTER_NEAREST) for cut in (seen, colour))
    inside = np.logical_and(*(np.asarray(mask) > 0 for mask in masks))
    rows, columns = np.nonzero(inside)
    if len(rows) < _MIN_PIXELS:
        return nan
    both = np.stack([ir[inside], np.asarray(grey)[inside]], 1).astype(np.float64)
    # Light from one side shades one image and not the other: the plane through each goes.
    basis = np.linalg.qr(np.stack([np.ones(len(rows)), rows, columns], 1))[0]
    rest = both - basis @ (basis.T @ both)
    deviation = np.sqrt((rest**2).mean(0))
    if not deviation.min() >= _MIN_STD:
        return nan
    return float((rest[:, 0] * rest[:, 1]).mean() / (deviation[0] * deviation[1]))
