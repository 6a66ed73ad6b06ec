"""Depth relief of a face against the canonical human face: the features liveness is judged by.

A face on paper or a screen may carry any picture, but not the relief (``shape``); it may be the
wrong size, and it goes on where a face ends. Weight-free; thresholds live in ``gates.json``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil, floor
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Points
from yibao_face.models.liveness.shape import (
    EYES,
    MIN_LANDMARKS,
    NO_FIT_MM,
    NORM_MM,
    Bools,
    FaceShape,
    Floats,
    basis,
    robust_fit,
)

DepthImage = npt.NDArray[np.uint16]
_Number = TypeVar("_Number", bound=np.generic)

_LANDMARKS = 468
_FACE_DEPTH_MM = 120.0
_PATCH = np.arange(-2, 3)
_MIN_PATCH_READINGS = 6
_MIN_FACE_READINGS = 60
_DENSE_POINTS = 800
# Of a large face every n-th pixel, in the order of rows: the rest moves no feature.
_MEDIAN_POINTS = 4_000
_RING_POINTS = 4_000
_RING_MM = 10.0
_SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.int32)


@dataclass(frozen=True, slots=True)
class Relief:
    """Depth features of one frame.

    ``valid``, ``landmarks_valid``: shares of face pixels and of landmarks with depth, 0..1.
    ``distance_mm``: median depth of the face. ``ipd_mm``: distance between the eye centres.
    ``plane_rms_mm``, ``quadric_rms_mm``: residuals of the face pixels. ``ring``: share of the
    surroundings that lie in the face's own plane, 0..1 (a sheet continues, a head does not). All
    others as ``Likeness`` has them.
    """

    valid: float = 0.0
    landmarks_valid: float = 0.0
    distance_mm: float = 0.0
    ipd_mm: float = 0.0
    plane_rms_mm: float = 0.0
    quadric_rms_mm: float = 0.0
    gain1: float = 0.0
    corr1: float = 0.0
    gain2: float = 0.0
    corr2: float = 0.0
    gain3: float = 0.0
    corr3: float = 0.0
    rest_gain: float = 0.0
    procrustes_mm: float = NO_FIT_MM
    scale: float = 0.0
    ring: float = 0.0


@dataclass(frozen=True, slots=True)
class Pinhole:
    """Focal length and principal point of the depth image, px."""

    f: float
    cx: float
    cy: float

    def back_project(self, u: Floats, v: Floats, z_mm: Floats) -> tuple[Floats, Floats]:
        """Millimetres right of and below the optical axis."""
        return (u - self.cx) * z_mm / self.f, (v - self.cy) * z_mm / self.f


@dataclass(frozen=True, slots=True, eq=False)
class _Patch:
    """The face and its surroundings cut out of the depth image at ``(x0, y0)``.

    ``hull``: (n, 2) corners of the face in it; ``readable``: where the face has depth near its
    median; ``readings``: the indices of those pixels.
    """

    depth: DepthImage
    hull: npt.NDArray[np.int32]
    face_pixels: int
    readable: Bools
    readings: npt.NDArray[np.intp]
    x0: int
    y0: int
    width: int
    hull_bottom: int
    distance_mm: float


class ReliefGauge:
    """Measures ``Relief``. ``canonical_mm``: (468, 3), x right, y up, z towards the viewer."""

    def __init__(self, canonical_mm: Floats) -> None:
        self._shape = FaceShape(canonical_mm)

    def measure(self, depth_mm: DepthImage, points: Points, lens: Pinhole) -> Relief:
        """``depth_mm`` (height, width) registered to ``points`` (>= 468, 2) px.

        Never raises on poor depth: what cannot be measured stays at its failing default.
        """
        points = points[:_LANDMARKS]
        patch = _cut(depth_mm, points)
        if patch is None:
            return Relief()
        readings = len(patch.readings)
        valid = readings / max(1, patch.face_pixels)
        sampled = points[self._shape.sampled]
        heights, known = _landmark_depths(patch, sampled)
        share = float(known.mean())
        if known.sum() < MIN_LANDMARKS or readings < _MIN_FACE_READINGS:
            return Relief(valid, share, patch.distance_mm)
        at = sampled[known].astype(np.float64)
        x, y = lens.back_project(at[:, 0], at[:, 1], heights)
        surface = _Surface(patch, lens)
        like = self._shape.compare(known, np.stack([x, -y, -heights], 1), surface.normal)
        return Relief(
            valid=valid,
            landmarks_valid=share,
            distance_mm=patch.distance_mm,
            ipd_mm=_eye_distance(points.astype(np.float64), at, heights, lens),
            plane_rms_mm=surface.plane_rms_mm,
            quadric_rms_mm=surface.quadric_rms_mm,
            ring=surface.ring(),
            **asdict(like),
        )


class _Surface:
    """Plane and quadric through the face pixels, and whether the plane goes on beside the face."""

    def __init__(self, patch: _Patch, lens: Pinhole) -> None:
        self._patch, self._lens = patch, lens
        at = _thinned(patch.readings, _DENSE_POINTS)
        z = patch.depth.ravel()[at].astype(np.float64)
        x, y = self._metric(at, z)
        self._centre = (float(x.mean()), float(y.mean()))
        terms = basis(x - self._centre[0], y - self._centre[1])
        self._plane, plane_residual = robust_fit(terms[:, :3], z)
        _, quadric_residual = robust_fit(terms, z)
        slope = self._plane[1:3] / NORM_MM
        self._tilt = float(1 / np.sqrt(1 + (slope**2).sum()))
        normal = np.array([slope[0], -slope[1], 1.0])
        self.normal: Floats = normal / np.linalg.norm(normal)
        self.plane_rms_mm = _rms(plane_residual * self._tilt)
        self.quadric_rms_mm = _rms(quadric_residual * self._tilt)

    def ring(self) -> float:
        """Share of the pixels around forehead and cheeks that lie in the face's plane."""
        # Neck and collar may well lie in it: nothing below the hull's bottom counts.
        height, width = self._patch.depth.shape
        band = np.zeros((min(height, self._patch.hull_bottom), width), np.uint8)
        if band.size == 0:
            return 0.0
        outer = _grown(self._patch.hull, max(6, int(self._patch.width * 0.18)))
        inner = _grown(self._patch.hull, max(3, int(self._patch.width * 0.07)))
        cv2.fillConvexPoly(band, outer, 1)
        cv2.fillConvexPoly(band, inner, 0)
        at = np.flatnonzero(band)
        if len(at) <= 20:
            return 0.0
        at = _thinned(at, _RING_POINTS)
        z = self._patch.depth.ravel()[at].astype(np.float64)
        seen = z > 0
        x, y = self._metric(at, np.where(seen, z, self._patch.distance_mm))
        across, down = (x - self._centre[0]) / NORM_MM, (y - self._centre[1]) / NORM_MM
        expected = self._plane[0] + self._plane[1] * across + self._plane[2] * down
        in_plane = seen & (np.abs(z - expected) * self._tilt < _RING_MM)
        return float(np.count_nonzero(in_plane) / len(at))

    def _metric(self, at: npt.NDArray[np.intp], z: Floats) -> tuple[Floats, Floats]:
        rows, columns = np.divmod(at, self._patch.depth.shape[1])
        u = columns.astype(np.float64) + self._patch.x0
        v = rows.astype(np.float64) + self._patch.y0
        return self._lens.back_project(u, v, z)


def _cut(depth_mm: DepthImage, points: Points) -> _Patch | None:
    """Cut out the hull of ``points`` with half its size around; ``None`` where nothing is left."""
    if not np.isfinite(points).all():
        return None
    hull = cv2.convexHull(points.astype(np.float32)).reshape(-1, 2)
    x, y, width, height = cv2.boundingRect(hull)
    rows, columns = depth_mm.shape
    if width > 2 * columns or height > 2 * rows:
        return None  # no face of this picture
    x0, y0 = max(0, x - width // 2), max(0, y - height // 2)
    x1, y1 = min(columns, x + width + width // 2), min(rows, y + height + height // 2)
    if x1 - x0 < 8 or y1 - y0 < 8:
        return None
    depth = np.ascontiguousarray(depth_mm[y0:y1, x0:x1])
    corners = (hull - [x0, y0]).astype(np.int32)
    face = np.zeros(depth.shape, np.uint8)
    cv2.fillConvexPoly(face, corners, 1)
    known = depth.ravel()[np.flatnonzero(face)]
    face_pixels, known = len(known), known[known > 0]
    if len(known) <= 30:
        return None
    middle = float(np.median(_thinned(known, _MEDIAN_POINTS)))
    readable = _near(depth, middle) & face.view(np.bool_)
    bottom = max(0, int((y - y0) + height * 0.75))
    readings = np.flatnonzero(readable)
    return _Patch(
        *(depth, corners, face_pixels, readable, readings, x0, y0, width, bottom, middle)
    )


def _near(depth_mm: DepthImage, middle_mm: float) -> Bools:
    """Where there is depth, less than half a head from ``middle_mm``."""
    low = max(1, floor(middle_mm - _FACE_DEPTH_MM) + 1)
    high = min(np.iinfo(np.uint16).max, ceil(middle_mm + _FACE_DEPTH_MM) - 1)
    # In C and whole numbers: a plane of floats costs ten times as much.
    return np.asarray(cv2.inRange(depth_mm, (low,), (high,)), np.uint8) > 0


def _thinned(of: npt.NDArray[_Number], count: int) -> npt.NDArray[_Number]:
    """Every n-th, at least ``count`` where there are as many."""
    return of[:: max(1, len(of) // count)]


def _landmark_depths(patch: _Patch, at: Points) -> tuple[Floats, Bools]:
    """Median depth of the 5x5 patch at each landmark, and which landmarks have enough readings."""
    height, width = patch.depth.shape
    local = np.round(at - np.array([patch.x0, patch.y0], np.float32)).astype(np.intp)
    local = np.clip(local, 2, [width - 3, height - 3])
    v = local[:, 1][:, None, None] + _PATCH[None, :, None]
    u = local[:, 0][:, None, None] + _PATCH[None, None, :]
    depth = patch.depth[v, u].astype(np.float32)
    readings = np.where(patch.readable[v, u], depth, np.inf).reshape(len(at), -1)
    # Sorted, the missing ones last: the median by place, a tenth of the time of nanmedian.
    readings.sort(axis=1)
    count = np.isfinite(readings).sum(1)
    known = count >= _MIN_PATCH_READINGS
    rows, count = np.flatnonzero(known), count[known]
    lower, upper = readings[rows, (count - 1) // 2], readings[rows, count // 2]
    return ((lower + upper) / 2).astype(np.float64), known


def _rms(residual: Floats) -> float:
    return float(np.sqrt((np.clip(residual, -30, 30) ** 2).mean()))


def _eye_distance(points: Floats, at: Floats, heights: Floats, lens: Pinhole) -> float:
    """Millimetres between the eye centres, on a plane in inverse depth: bridges lens holes."""
    ones = np.ones((len(at), 1))
    plane, *_ = np.linalg.lstsq(np.hstack([at, ones]), 1 / heights, rcond=None)
    centres: list[Floats] = []
    for corners in EYES:
        u, v = points[list(corners)].mean(0)
        inverse = float(np.array([u, v, 1.0]) @ plane)
        if inverse <= 0:
            return 0.0
        z = 1 / inverse
        centres.append(np.array([(u - lens.cx) * z / lens.f, (v - lens.cy) * z / lens.f, z]))
    return float(np.linalg.norm(centres[0] - centres[1]))


def _grown(hull: npt.NDArray[np.int32], steps: int) -> npt.NDArray[np.int32]:
    """A convex hull dilated by a square: that of its corners moved to the square's corners."""
    moved = (hull[:, None] + steps * _SQUARE).reshape(-1, 2)
    return np.asarray(cv2.convexHull(moved), np.int32)
