"""Depth relief of a face against the canonical human face: the features liveness is judged by.

A face on paper or a screen may carry any picture, but not the relief (``shape``); it may be the
wrong size, and it goes on where a face ends. Weight-free; thresholds live in ``gates.json``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

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

_LANDMARKS = 468
_FACE_DEPTH_MM = 120.0
_PATCH = np.arange(-2, 3)
_MIN_PATCH_READINGS = 6
_MIN_FACE_READINGS = 60
_DENSE_POINTS = 800
_RING_MM = 10.0


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
    """The face and its surroundings cut out of the depth image at ``(x0, y0)``."""

    depth: npt.NDArray[np.float32]
    face: npt.NDArray[np.uint8]
    readable: Bools
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
        valid = float(patch.readable.sum() / max(1, (patch.face > 0).sum()))
        sampled = points[self._shape.sampled]
        heights, known = _landmark_depths(patch, sampled)
        share = float(known.mean())
        if known.sum() < MIN_LANDMARKS or patch.readable.sum() < _MIN_FACE_READINGS:
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
        rows, columns = np.nonzero(patch.readable)
        step = max(1, len(rows) // _DENSE_POINTS)
        rows, columns = rows[::step], columns[::step]
        z = patch.depth[rows, columns].astype(np.float64)
        x, y = self._metric(columns, rows, z)
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
        inner = _grown(self._patch.face, max(3, int(self._patch.width * 0.07)))
        outer = _grown(self._patch.face, max(6, int(self._patch.width * 0.18)))
        band = (outer > 0) & (inner == 0)
        band[self._patch.hull_bottom :] = False  # neck and collar may well lie in it
        rows, columns = np.nonzero(band)
        if len(rows) <= 20:
            return 0.0
        z = self._patch.depth[rows, columns].astype(np.float64)
        seen = z > 0
        x, y = self._metric(columns, rows, np.where(seen, z, self._patch.distance_mm))
        expected = basis(x - self._centre[0], y - self._centre[1])[:, :3] @ self._plane
        in_plane = seen & (np.abs(z - expected) * self._tilt < _RING_MM)
        return float(in_plane.sum() / len(rows))

    def _metric(
        self, columns: npt.NDArray[np.intp], rows: npt.NDArray[np.intp], z: Floats
    ) -> tuple[Floats, Floats]:
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
    depth = depth_mm[y0:y1, x0:x1].astype(np.float32)
    face = np.zeros(depth.shape, np.uint8)
    cv2.fillConvexPoly(face, (hull - [x0, y0]).astype(np.int32), 1)
    inside = (face > 0) & (depth > 0)
    if inside.sum() <= 30:
        return None
    middle = float(np.median(depth[inside]))
    readable = inside & (np.abs(depth - middle) < _FACE_DEPTH_MM)
    bottom = max(0, int((y - y0) + height * 0.75))
    return _Patch(depth, face, readable, x0, y0, width, bottom, middle)


def _landmark_depths(patch: _Patch, at: Points) -> tuple[Floats, Bools]:
    """Median depth of the 5x5 patch at each landmark, and which landmarks have enough readings."""
    height, width = patch.depth.shape
    local = np.round(at - np.array([patch.x0, patch.y0], np.float32)).astype(np.intp)
    local = np.clip(local, 2, [width - 3, height - 3])
    v = local[:, 1][:, None, None] + _PATCH[None, :, None]
    u = local[:, 0][:, None, None] + _PATCH[None, None, :]
    readings = np.where(patch.readable[v, u], patch.depth[v, u], np.inf).reshape(len(at), -1)
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


def _grown(mask: npt.NDArray[np.uint8], steps: int) -> npt.NDArray[np.uint8]:
    # One wide kernel instead of `steps` passes of 3x3: the same square, a tenth of the time.
    kernel = np.ones((2 * steps + 1, 2 * steps + 1), np.uint8)
    return np.asarray(cv2.dilate(mask, kernel), dtype=np.uint8)
