"""What a usable frame says about the movements a challenge asks for."""

from __future__ import annotations

from math import isnan, nan

from yibao_face.daemon.capture.examine import Shot
from yibao_face.daemon.capture.feature import pinhole_of
from yibao_face.daemon.core.liveness.challenge import Measures
from yibao_face.models.liveness.jaw import chin_mm, jaw_edge_mm, mouth_px_ratio

_LIDS = ("eyeBlinkLeft", "eyeBlinkRight")


def measures_of(shot: Shot) -> Measures:
    """The measures of one frame; NaN where it does not say."""
    chin, edge = _jaw(shot)
    lids = [shot.dense.blendshapes.get(lid, nan) for lid in _LIDS]
    return Measures(
        chin_mm=chin,
        edge_mm=edge,
        mouth_ratio=mouth_px_ratio(shot.dense.points),
        yaw_deg=shot.dense.pose.yaw_deg,
        # The lid that is farther open: a wink is no blink.
        blink=nan if any(map(isnan, lids)) else min(lids),
    )


def _jaw(shot: Shot) -> tuple[float, float]:
    """Nose to chin and to the edge of the jaw, mm."""
    depth, points = shot.frame.depth_mm, shot.dense.points
    # A camera is not held to a plane it never promised.
    if depth is None or depth.shape != shot.frame.bgr.shape[:2]:
        return nan, nan
    lens = pinhole_of(shot.frame.intrinsics)
    return chin_mm(depth, points, lens), jaw_edge_mm(depth, points, lens)
