"""What tells planes of a sensor from planes put in their place: they are never the same twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import isfinite, nan
from typing import Any

import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Box

Plane = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
DepthImage = npt.NDArray[np.uint16]

_DIGEST_BYTES = 12
# Rows that are read of a plane, and pixels of a face: more say the same and cost more.
_ROWS = 24
_PIXELS = 8_000
_MIN_PIXELS = 60
# A reading that differs by more is an edge that moved, not noise.
_EDGE_MM = 20.0


def plane_digests(planes: Sequence[Plane | None]) -> tuple[bytes, ...]:
    """One digest per plane, over every n-th row of all of it; empty for ``None`` and one value.

    Of the whole plane, not of the face: a still put into one plane stays the same while the face
    of another moves.
    """
    return tuple(b"" if plane is None else _digest(plane) for plane in planes)


def temporal_noise_mm(before: DepthImage, depth: DepthImage, box: Box) -> float:
    """RMS in mm of the change of depth inside ``box``, its mean taken away: noise, and motion.

    Pixels without reading in one of the two, or off by over 20 mm, do not count. NaN where fewer
    than 60 pixels or less than half of the readings are left, or the planes differ in size.
    """
    cuts = _face_cuts(before, depth, box)
    if cuts is None:
        return nan
    change = cuts[1].astype(np.float32) - cuts[0]
    change = change[(cuts[0] > 0) & (cuts[1] > 0)]
    if change.size < _MIN_PIXELS:
        return nan
    middle = np.partition(change, change.size // 2)[change.size // 2]
    kept = change[np.abs(change - middle) <= _EDGE_MM]
    if kept.size < max(_MIN_PIXELS, change.size / 2):
        return nan
    return float(kept.std())


def still_share(before: Sequence[Plane | None], planes: Sequence[Plane | None], box: Box) -> float:
    """Largest share 0..1, over the planes, of pixels in ``box`` that equal those of ``before``.

    Without those at either end of the range (no reading, flooded); planes with fewer than 60
    others do not count. NaN when none does. A plane of another size than the first (an IR camera
    that is not registered) is taken whole.
    """
    size = next((plane.shape[:2] for plane in planes if plane is not None), None)
    shares = [
        _equal_share(old, new, box if new.shape[:2] == size else _whole(new))
        for old, new in zip(before, planes, strict=False)
        if old is not None and new is not None
    ]
    return max((share for share in shares if share == share), default=nan)  # noqa: PLR0124  # NaN


def _digest(plane: Plane) -> bytes:
    rows = np.ascontiguousarray(plane[:: max(1, len(plane) // _ROWS)])
    if rows.size == 0 or (rows == rows.flat[0]).all():
        return b""
    return hashlib.blake2b(rows.data, digest_size=_DIGEST_BYTES).digest()


def _equal_share(before: Plane, now: Plane, box: Box) -> float:
    cuts = _face_cuts(before, now, box)
    if cuts is None:
        return nan
    ceiling = np.iinfo(now.dtype).max
    counts = (cuts[1] > 0) & (cuts[1] < ceiling)
    total = int(np.count_nonzero(counts))
    if total < _MIN_PIXELS:
        return nan
    return int(np.count_nonzero(counts & (cuts[0] == cuts[1]))) / total


def _face_cuts(
    before: npt.NDArray[Any], now: npt.NDArray[Any], box: Box
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    """The same pixels of both planes inside ``box``; ``None`` where they cannot be compared."""
    if before.shape != now.shape or before.dtype != now.dtype or now.dtype.kind != "u":
        return None
    edges = (box.x, box.y, box.x + box.width, box.y + box.height)
    if not all(map(isfinite, edges)):
        return None
    height, width = now.shape[:2]
    x0, x1 = (int(min(max(edge, 0), width)) for edge in edges[::2])
    y0, y1 = (int(min(max(edge, 0), height)) for edge in edges[1::2])
    step = max(1, round((max(0, x1 - x0) * max(0, y1 - y0) / _PIXELS) ** 0.5))
    cut: tuple[Any, ...] = (slice(y0, y1, step), slice(x0, x1, step))
    if now.ndim == 3:
        cut += (now.shape[2] // 2,)  # of colours the middle one: all freeze together
    return before[cut], now[cut]


def _whole(plane: Plane) -> Box:
    return Box(0.0, 0.0, float(plane.shape[1]), float(plane.shape[0]))
