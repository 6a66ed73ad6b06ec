"""Relief of a face from two cameras whose position to each other is known, without depth images.

The landmarks found in the colour and in the infrared image are intersected in space. One frame is
too coarse for a relief (at 500 mm, f 1000 px and 40 mm between the cameras, a pixel is 6 mm): the
clouds of ten or more are laid upon each other first. They are laid upon their own mean, never upon
the canonical face: that would give a face to what has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Points
from yibao_face.models.liveness.shape import EYES, Likeness, likeness_of

Floats = npt.NDArray[np.float64]

MIN_CLOUDS = 10
_LANDMARKS = 468
_ROUNDS = 3
# Rays of one landmark that nearly run beside each other meet anywhere.
_MIN_CROSSING = 1e-8


@dataclass(frozen=True, slots=True)
class Lens:
    """Focal lengths and principal point of an image without distortion, px."""

    fx: float
    fy: float
    cx: float
    cy: float

    def rays(self, points: Floats) -> Floats:
        """Directions (n, 3) with z = 1 through ``points`` (n, 2) px: x right, y down."""
        across = (points - [self.cx, self.cy]) / [self.fx, self.fy]
        return np.hstack([across, np.ones((len(points), 1))])

    def project(self, cloud_mm: Floats) -> Floats:
        """Pixels (n, 2) at which ``cloud_mm`` (n, 3), before this lens, is seen."""
        seen: Floats = cloud_mm[:, :2] / cloud_mm[:, 2:] * [self.fx, self.fy]
        return np.asarray(seen + np.array([self.cx, self.cy]), np.float64)


@dataclass(frozen=True, slots=True)
class Rig:
    """Two lenses: what lies at x before the colour one is at ``rotation`` x + ``translation_mm``.

    ``rotation``: 9 numbers of a 3x3 matrix row by row, as ``drivers.api.Pair`` has them.
    """

    colour: Lens
    infrared: Lens
    rotation: tuple[float, ...]
    translation_mm: tuple[float, ...]

    def turned(self) -> Floats:
        """``rotation`` as (3, 3)."""
        return np.asarray(self.rotation, np.float64).reshape(3, 3)


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """``points_mm``: (468, 3) before the colour camera, x right, y down; NaN rows: not met.

    ``miss_px``: RMS distance, in pixels of the two images, between the landmarks and where the
    points in space should be seen; large where the two images do not show one thing.
    """

    points_mm: Floats
    miss_px: float


@dataclass(frozen=True, slots=True)
class Stereo:
    """Features of several clouds, named and meant as in ``relief.Relief``; NaN: not measured.

    ``landmarks_valid``: share 0..1 of landmarks met in every cloud. ``miss_px``: median of the
    clouds'. ``spread_mm``: RMS over landmarks and clouds of how far one lies from their mean.
    """

    clouds: int = 0
    landmarks_valid: float = 0.0
    distance_mm: float = nan
    ipd_mm: float = nan
    gain1: float = nan
    corr1: float = nan
    gain2: float = nan
    corr2: float = nan
    procrustes_mm: float = nan
    miss_px: float = nan
    spread_mm: float = nan


def triangulate(colour: Points, infrared: Points, rig: Rig) -> Cloud:
    """Intersect landmarks (>= 468, 2) px of both images.

    ``ValueError`` for fewer landmarks, or a rig that is none. What the images show never raises:
    rays that do not meet before both cameras give NaN.
    """
    if min(len(colour), len(infrared)) < _LANDMARKS:
        raise ValueError(f"{len(colour)} and {len(infrared)} landmarks, not {_LANDMARKS}")
    one, other = (_finite(points[:_LANDMARKS]) for points in (colour, infrared))
    turn, shift = rig.turned(), np.asarray(rig.translation_mm, np.float64).reshape(3)
    near, far = _meeting(rig.colour.rays(one), rig.infrared.rays(other) @ turn, -shift @ turn)
    met = (near + far) / 2
    beyond = met @ turn.T + shift
    in_front = (near[:, 2] > 0) & (met[:, 2] > 0) & (beyond[:, 2] > 0)
    met[~in_front], beyond[~in_front] = nan, nan
    miss = np.stack([rig.colour.project(met) - one, rig.infrared.project(beyond) - other])
    known = np.isfinite(miss).all(axis=(0, 2)) & in_front
    met[~known] = nan
    return Cloud(met, _rms(miss[:, known]) if known.any() else nan)


def measure_stereo(canonical_mm: Floats, clouds: Sequence[Cloud]) -> Stereo:
    """Features of the mean of ``clouds``, those of one face in a row, however it moved meanwhile.

    ``canonical_mm``: (468, 3), x right, y up, z towards the viewer. Fewer than ``MIN_CLOUDS``
    clouds, or 35 landmarks met in all of them, leave everything at its failing default.
    """
    if len(clouds) < MIN_CLOUDS:
        return Stereo(len(clouds))
    stack = np.stack([cloud.points_mm for cloud in clouds])
    known = np.isfinite(stack).all(axis=(0, 2))
    share = float(known.mean())
    mean, spread_mm = _laid_together(stack[:, known]) if known.sum() >= 3 else (stack[0], nan)
    whole = np.full((_LANDMARKS, 3), nan)
    if known.sum() >= 3:
        whole[known] = mean
    like = likeness_of(canonical_mm, whole * [1, -1, -1])
    if like is None:
        return Stereo(len(clouds), share)
    return _features(like, clouds, whole, share, spread_mm)


def _features(
    like: Likeness, clouds: Sequence[Cloud], whole: Floats, share: float, spread_mm: float
) -> Stereo:
    return Stereo(
        clouds=len(clouds),
        landmarks_valid=share,
        distance_mm=float(np.nanmedian(whole[:, 2])),
        ipd_mm=_eye_distance(whole),
        gain1=like.gain1,
        corr1=like.corr1,
        gain2=like.gain2,
        corr2=like.corr2,
        procrustes_mm=like.procrustes_mm,
        miss_px=float(np.median([cloud.miss_px for cloud in clouds])),
        spread_mm=spread_mm,
    )


def _finite(points: Points) -> Floats:
    """``points`` with infinity as NaN, which spreads without a warning."""
    return np.where(np.isfinite(points), points, nan).astype(np.float64)


def _meeting(ray: Floats, other: Floats, origin: Floats) -> tuple[Floats, Floats]:
    """Where the rays from 0 and from ``origin`` come closest: a point on each; NaN where never."""
    a, b, c = (ray * ray).sum(1), (ray * other).sum(1), (other * other).sum(1)
    d, e = ray @ origin, other @ origin
    crossing = a * c - b * b
    safe = np.where(crossing > _MIN_CROSSING * a * c, crossing, nan)
    along, beyond = (c * d - b * e) / safe, (b * d - a * e) / safe
    beyond = np.where(beyond > 0, beyond, nan)
    return ray * along[:, None], origin + other * beyond[:, None]


def _laid_together(stack: Floats) -> tuple[Floats, float]:
    """The mean of clouds (m, n, 3) turned and moved upon each other, and how far they scatter."""
    mean: Floats = stack[0]
    laid: Floats = stack
    for _ in range(_ROUNDS):
        laid = np.stack([_laid(cloud, mean) for cloud in stack])
        mean = laid.mean(0)
    return mean, float(np.sqrt(((laid - mean) ** 2).sum(2).mean()))


def _laid(cloud: Floats, onto: Floats) -> Floats:
    """``cloud`` (n, 3) turned and moved, not scaled or mirrored, closest to ``onto``."""
    a, b = cloud.mean(0), onto.mean(0)
    u, _, vt = np.linalg.svd((cloud - a).T @ (onto - b))
    mirror = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))])
    return np.asarray((cloud - a) @ (u @ mirror @ vt) + b, np.float64)


def _eye_distance(cloud: Floats) -> float:
    left, right = (cloud[list(corners)].mean(0) for corners in EYES)
    return float(np.linalg.norm(left - right))


def _rms(misses: Floats) -> float:
    return float(np.sqrt((misses**2).sum(-1).mean()))
