"""Depth images of triangle meshes: a z-buffer in numpy, made for many small triangles."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yibao_face.models.liveness.relief import Pinhole

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

_NEAREST_MM = 50.0
_EDGE = -1e-4  # a pixel on the common edge of two triangles belongs to both: no cracks
_SIZES = (0, 2, 4, 7, 12, 24, 64, 4096)
_CHUNK = 1_500_000


@dataclass(frozen=True, slots=True, eq=False)
class _Triangles:
    """Corner A, the sides to B and C in px and in inverse depth, and the box: each (t,).

    Kept as plain columns: numpy reduces over an axis of three at a tenth of the speed.
    """

    u: Floats
    v: Floats
    inverse: Floats
    u_b: Floats
    v_b: Floats
    u_c: Floats
    v_c: Floats
    inverse_b: Floats
    inverse_c: Floats
    left: npt.NDArray[np.int32]
    top: npt.NDArray[np.int32]
    size: npt.NDArray[np.int32]


def depth_of(
    vertices: Floats,
    triangles: Indices,
    lens: Pinhole,
    shape: tuple[int, int],
    *,
    both_sides: bool = False,
) -> Floats:
    """Depth in mm seen at each pixel, 0 where nothing is.

    ``vertices``: (n, 3) mm, x right, y down, z away from the camera; ``shape``: rows, columns.
    Triangles that show their back are left out unless ``both_sides``.
    """
    found = _visible(vertices, triangles, lens, shape, both_sides=both_sides)
    nearest = np.zeros(shape[0] * shape[1], np.float32)
    for least, most in itertools.pairwise(_SIZES):
        alike = np.flatnonzero((found.size > least) & (found.size <= most))
        if len(alike):
            extent = min(most, int(found.size[alike].max()))
            for part in np.array_split(alike, len(alike) * extent**2 // _CHUNK + 1):
                _fill(nearest, shape, found, part, extent)
    image = nearest.reshape(shape)
    return np.where(image > 0, 1 / np.maximum(image, 1e-9), 0).astype(np.float32)


def _visible(
    vertices: Floats,
    triangles: Indices,
    lens: Pinhole,
    shape: tuple[int, int],
    *,
    both_sides: bool,
) -> _Triangles:
    """The triangles that face the camera and cover a pixel's centre of the picture."""
    inverse: Floats = np.reciprocal(np.maximum(vertices[:, 2], np.float32(_NEAREST_MM)))
    u = np.asarray(vertices[:, 0] * inverse * lens.f + lens.cx, np.float32)
    v = np.asarray(vertices[:, 1] * inverse * lens.f + lens.cy, np.float32)
    ua, ub, uc = (u[triangles[:, k]] for k in range(3))
    va, vb, vc = (v[triangles[:, k]] for k in range(3))
    area = (ub - ua) * (vc - va) - (vb - va) * (uc - ua)
    left, right = _span(ua, ub, uc, shape[1])
    top, bottom = _span(va, vb, vc, shape[0])
    seen = np.abs(area) > 1e-6 if both_sides else area < -1e-6
    kept = np.flatnonzero(seen & (right >= left) & (bottom >= top))
    ia, ib, ic = (inverse[triangles[kept, k]] for k in range(3))
    ua, va, left, top = ua[kept], va[kept], left[kept], top[kept]
    size = np.maximum(right[kept] - left, bottom[kept] - top) + 1
    sides = (ub[kept] - ua, vb[kept] - va, uc[kept] - ua, vc[kept] - va)
    return _Triangles(ua, va, ia, *sides, ib - ia, ic - ia, left, top, size)


def _span(
    a: Floats, b: Floats, c: Floats, limit: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """First and last pixel whose centre lies between the corners, within ``0..limit``."""
    low = np.ceil(np.minimum(np.minimum(a, b), c)).astype(np.int32)
    high = np.floor(np.maximum(np.maximum(a, b), c)).astype(np.int32)
    return np.maximum(low, 0), np.minimum(high, limit - 1)


def _fill(
    nearest: Floats, shape: tuple[int, int], all_: _Triangles, part: Indices, extent: int
) -> None:
    """Write the inverse depth of triangles no wider than ``extent`` px, the nearest kept."""
    left, top = all_.left[part], all_.top[part]
    u_b, v_b, u_c, v_c = (side[part] for side in (all_.u_b, all_.v_b, all_.u_c, all_.v_c))
    # Barycentric weights are linear in u and v: value at the box, then a step right and one down.
    per_area: Floats = np.reciprocal(u_b * v_c - v_b * u_c)
    right_b, down_b = v_c * per_area, -u_c * per_area
    right_c, down_c = -v_b * per_area, u_b * per_area
    u = left.astype(np.float32) - all_.u[part]
    v = top.astype(np.float32) - all_.v[part]
    weight_b = _plane(np.add(u * right_b, v * down_b), right_b, down_b, extent)
    weight_c = _plane(np.add(u * right_c, v * down_c), right_c, down_c, extent)
    lowest = np.minimum(weight_b, weight_c)
    hits = np.flatnonzero(np.minimum(lowest, np.float32(1) - weight_b - weight_c) >= _EDGE)
    which, cell = np.divmod(hits, extent * extent)
    row, column = np.divmod(cell, extent)
    x, y = left[which] + column, top[which] + row
    inverse = (
        all_.inverse[part][which]
        + weight_b.ravel()[hits] * all_.inverse_b[part][which]
        + weight_c.ravel()[hits] * all_.inverse_c[part][which]
    )
    kept = (x < shape[1]) & (y < shape[0])
    np.maximum.at(nearest, (y * shape[1] + x)[kept], inverse[kept])


def _plane(start: Floats, right: Floats, down: Floats, extent: int) -> Floats:
    """(t, extent, extent): ``start`` plus steps."""
    step = np.arange(extent, dtype=np.float32)
    rows = start[:, None] + down[:, None] * step
    return np.asarray(rows[:, :, None] + (right[:, None] * step)[:, None, :], np.float32)
