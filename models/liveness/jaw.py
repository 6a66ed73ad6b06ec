"""How far the chin is from the tip of the nose, and how open the mouth looks.

A jaw that drops takes the chin two or three centimetres away from the nose; the chin of a mask, a
mannequin or a print stays where it is. The distance is metric, from depth; the opening is seen in
the landmarks alone, so that an open mouth without a jaw that moves can be told. As the landmarks
of a chin follow any mouth that seems to open, down the neck if need be, the lower edge of the jaw
is also looked for in the depth itself.
"""

from __future__ import annotations

from math import nan

import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Points
from yibao_face.models.liveness.relief import DepthImage, Pinhole
from yibao_face.models.liveness.shape import EYES

Floats = npt.NDArray[np.float64]

_NOSE = (1, 4)
# From the lower lip down to the edge of the chin, each a centimetre below the one before.
_LOWER_LIP = 17
_CHIN = (200, 199, 175, 152)
_INNER_LIPS = (13, 14)
_REACH = 3
_MIN_READINGS = 8
# From lip to chin the depth is one surface, 7 mm at the most from one of these to the next. A step
# leads to the neck or the wall: there the landmarks of a chin slide when they follow a mouth that
# the surface does not have.
_MAX_STEP_MM = 20.0
# The edge of the jaw is at most so far below the lower lip, in eye distances, and falls off to the
# neck by so much within this share of one: more than a chin recedes behind its lip as it drops.
_EDGE_REACH = 1.4
_EDGE_STEEP = 0.08
_EDGE_MM = 28.0
# A hole wider than this share may have swallowed the chin.
_EDGE_HOLE = 0.15
_ACROSS = np.arange(-_REACH, _REACH + 1)
# The lower lip of a head lies no deeper than this behind the tip of its nose.
_LIP_BEHIND_MM = 70.0
# Closed 50 to 95 mm, opened as far as it goes 60 mm more: no chin of a human face beyond these.
_HUMAN_MM = (30.0, 160.0)


def chin_mm(depth_mm: DepthImage, points: Points, lens: Pinhole) -> float:
    """Distance from the tip of the nose to the chin in space, mm; NaN where it cannot be read.

    ``depth_mm`` (height, width) uint16, registered to ``points`` (>= 468, 2) px. Never raises on
    poor depth or on points outside the picture.
    """
    nose = _places(depth_mm, points, _NOSE, lens)
    lip_to_chin = _places(depth_mm, points, (_LOWER_LIP, *_CHIN), lens)
    away = float(np.linalg.norm(nose.mean(0) - lip_to_chin[1:].mean(0)))
    one_surface = bool((np.abs(np.diff(lip_to_chin[:, 2])) <= _MAX_STEP_MM).all())
    low, high = _HUMAN_MM
    return away if one_surface and low <= away <= high else nan


def jaw_edge_mm(depth_mm: DepthImage, points: Points, lens: Pinhole) -> float:
    """Distance from the tip of the nose to the lower edge of the jaw in space, mm.

    NaN where no edge is seen: a full beard, a collar. Arguments as of ``chin_mm``. Looked for from
    the lower lip on, straight down the face: where that landmark is put does not change it.
    """
    nose = _places(depth_mm, points, _NOSE, lens).mean(0)
    eyes = _eyes(points)
    across = eyes[1] - eyes[0]
    apart = float(np.linalg.norm(across))
    if not (np.isfinite(nose).all() and np.isfinite(points[_LOWER_LIP]).all() and apart >= 1):
        return nan
    down = np.array([-across[1], across[0]]) / apart
    steps = np.arange(int(_EDGE_REACH * apart))
    path = points[_LOWER_LIP].astype(np.float64) + steps[:, None] * down
    z = _along(depth_mm, path, across / apart)
    if not z.size or not abs(z[0] - nose[2]) <= _LIP_BEHIND_MM:
        return nan
    at = _edge(z, max(2, round(_EDGE_STEEP * apart)), max(3, round(_EDGE_HOLE * apart)))
    if at is None:
        return nan
    x, y = lens.back_project(path[at : at + 1, 0], path[at : at + 1, 1], z[at : at + 1])
    away = float(np.linalg.norm(nose - np.array([x[0], y[0], z[at]])))
    return away if _HUMAN_MM[0] <= away <= _HUMAN_MM[1] else nan


def mouth_px_ratio(points: Points) -> float:
    """Gap between the inner lips over the distance of the eyes, both px; NaN without eyes.

    Around 0 when shut, 0.3 to 0.8 wide open. ``points``: (>= 468, 2) px.
    """
    upper, lower = (points[lip].astype(np.float64) for lip in _INNER_LIPS)
    eyes = float(np.linalg.norm(np.diff(_eyes(points), axis=0)))
    return float(np.linalg.norm(upper - lower)) / eyes if eyes > 0 else nan


def _eyes(points: Points) -> Floats:
    """(2, 2) px: centres of the eyes, image left first."""
    return np.array([points[list(eye)].astype(np.float64).mean(0) for eye in EYES])


def _along(depth_mm: DepthImage, path: Floats, across: Floats) -> Floats:
    """(n,) mm: median depth of seven px across each point of ``path``; NaN with too few."""
    at = np.round(path[:, None] + _ACROSS[:, None] * across).astype(int)
    height, width = depth_mm.shape
    inside = (at >= 0).all(-1) & (at[..., 0] < width) & (at[..., 1] < height)
    u, v = np.clip(at[..., 0], 0, width - 1), np.clip(at[..., 1], 0, height - 1)
    z = np.where(inside & (depth_mm[v, u] > 0), depth_mm[v, u].astype(np.float64), np.inf)
    known = np.isfinite(z).sum(1)
    middle = np.take_along_axis(np.sort(z, 1), np.maximum(known - 1, 0)[:, None] // 2, 1)[:, 0]
    return np.where(known > len(_ACROSS) // 2, middle, np.nan)


def _edge(z_mm: Floats, steep: int, hole: int) -> int | None:
    """Index of the last point before ``z_mm`` falls off by a step within ``steep`` points.

    ``None`` without one, or where more than ``hole`` points before it have no depth.
    """
    known = np.flatnonzero(np.isfinite(z_mm))
    # The known point ``steep`` before each, or the last one before a hole.
    before = np.maximum(np.searchsorted(known, known - steep, "right") - 1, 0)
    fallen = np.flatnonzero(z_mm[known] - z_mm[known[before]] > _EDGE_MM)
    if not fallen.size:
        return None
    below = fallen[0]
    unseen = known[below] - known[below - 1] - 1
    return int(known[before[below]]) if unseen <= hole else None


def _places(depth_mm: DepthImage, points: Points, which: tuple[int, ...], lens: Pinhole) -> Floats:
    """(n, 3) mm: where these landmarks are in space; NaN where one has no depth."""
    at = points[list(which)].astype(np.float64)
    z = np.array([_read(depth_mm, point) for point in points[list(which)]])
    x, y = lens.back_project(at[:, 0], at[:, 1], z)
    return np.asarray(np.stack([x, y, z], 1), np.float64)


def _read(depth_mm: DepthImage, point: npt.NDArray[np.float32]) -> float:
    """Median depth of the 7x7 px around ``point``, mm; NaN with fewer than 8 readings."""
    if not np.isfinite(point).all():
        return nan
    u, v = (int(value) for value in np.round(point))
    rows = slice(max(0, v - _REACH), max(0, v + _REACH + 1))
    patch = depth_mm[rows, max(0, u - _REACH) : max(0, u + _REACH + 1)]
    readings = patch[patch > 0]
    return float(np.median(readings)) if readings.size >= _MIN_READINGS else nan
