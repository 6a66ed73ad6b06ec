"""Two rules others use, measured on the same views: a plane through the depth, and colour alone.

Both get their threshold from tuning live people, at the share of refusals the engine has there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Points
from yibao_face.models.liveness.shape import EYES

PLANE, PLANAR_MOTION = "plane_rms_mm", "planar_motion"
NAMES = {
    PLANE: "平面拟合（RealSense 例程） plane fit of the RealSense sample",
    PLANAR_MOTION: "仅彩色：平面运动 colour only: planar motion of the landmarks",
}
_LANDMARKS = 468
_NOSE = (1, 2, 4, 5, 6, 19, 45, 94, 97, 98, 168, 195, 197, 220, 275, 326, 327, 440)
_REST = np.setdiff1d(np.arange(_LANDMARKS), _NOSE)


@dataclass(frozen=True, slots=True)
class Limit:
    """Rule ``name`` takes ``measure >= least`` for a living face.

    ``tuned_on``: tuning live people it was fixed on; ``bpcer``: share of them it refuses, 0..1.
    """

    name: str
    least: float
    tuned_on: int
    bpcer: float

    def holds(self, measure: float) -> bool:
        """NaN never does."""
        return measure >= self.least


def limit_at(name: str, live: Sequence[float], bpcer: float) -> Limit | None:
    """The highest limit that refuses at most ``bpcer`` of ``live``; ``None`` without a number."""
    ranked = sorted(value for value in live if not isnan(value))
    if not ranked:
        return None
    refused = min(int(bpcer * len(ranked) + 1e-9), len(ranked) - 1)
    return Limit(name, ranked[refused], len(ranked), refused / len(ranked))


def plane_measure(plane_rms_mm: Sequence[float]) -> float:
    """Median residual of the best plane over the views; NaN without a view.

    The sample judges one frame: the median of several is kinder to it.
    """
    return float(np.median(plane_rms_mm)) if plane_rms_mm else nan


def motion_measure(points: Sequence[Points]) -> float:
    """Largest ``nose_residual`` of a later view against the first; NaN with fewer than two."""
    found = [nose_residual(points[0], later) for later in points[1:]]
    return max((value for value in found if not isnan(value)), default=nan)


def nose_residual(first: Points, later: Points) -> float:
    """RMS distance of the nose from where a plane's motion would put it, in eye distances.

    The motion is a homography through all other landmarks. ``first``, ``later``: (>= 468, 2) px.
    """
    source, target = (p[:_LANDMARKS].astype(np.float64) for p in (first, later))
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        return nan
    fitted = _homography(source[_REST], target[_REST])
    if fitted is None:
        return nan
    nose = list(_NOSE)
    moved = cv2.perspectiveTransform(source[nose][None], fitted)[0]
    left, right = (target[list(eye)].mean(0) for eye in EYES)
    apart = float(np.linalg.norm(left - right))
    return float(np.sqrt(((moved - target[nose]) ** 2).sum(1).mean())) / apart if apart else nan


def measures(plane_rms_mm: Sequence[float], points: Sequence[Points]) -> Mapping[str, float]:
    """Both measures of the views of one presentation."""
    return {PLANE: plane_measure(plane_rms_mm), PLANAR_MOTION: motion_measure(points)}


def _homography(
    source: npt.NDArray[np.float64], target: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64] | None:
    try:
        # Its stub promises an array; points on one line give none.
        fitted: Any = cv2.findHomography(source, target, 0)[0]
    except cv2.error:
        return None
    return None if fitted is None else np.asarray(fitted, np.float64)
