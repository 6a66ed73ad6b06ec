"""The features a frame is judged by: those of the cues its camera has, and no others."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

import numpy as np
import numpy.typing as npt

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.gate import Features
from yibao_face.daemon.core.liveness.modality import Cue
from yibao_face.drivers.api import Frame, Intrinsics
from yibao_face.models.api import Points
from yibao_face.models.liveness.infrared import measure_infrared
from yibao_face.models.liveness.registration import registration
from yibao_face.models.liveness.relief import Pinhole, ReliefGauge

# A scene without an edge says as much for one way round as for the other.
_NOTHING_CLAIMED = 0.5
DEPTH_ALONE = frozenset({Cue.DEPTH})


@dataclass(frozen=True, slots=True)
class FeatureGauge:
    """Measures what the gates of ``cues`` ask for. ``STEREO`` has no features yet."""

    relief: ReliefGauge
    cues: frozenset[Cue] = DEPTH_ALONE

    def measure(self, frame: Frame, points: Points) -> Features | Cause:
        """Features of the face with ``points`` (>= 468, 2) px; empty where there is no cue.

        ``DEPTH_POOR`` or ``IR_POOR`` for a plane that is absent, of another size than the colour
        image or of another kind of number: that was promised, so nothing is judged without it.
        """
        features: dict[str, float] = {}
        if Cue.DEPTH in self.cues:
            if frame.depth_mm is None or not _fits(frame.depth_mm, frame, np.uint16):
                return Cause.DEPTH_POOR
            lens = pinhole_of(frame.intrinsics)
            features |= asdict(self.relief.measure(frame.depth_mm, points, lens))
            if Cue.PLANES in self.cues:
                fit = registration(frame.bgr, frame.depth_mm)
                features["registration"] = _NOTHING_CLAIMED if isnan(fit) else fit
        if Cue.INFRARED in self.cues:
            # An unlit frame shows the sun and the lamps of the room, not the face.
            if frame.ir is None or frame.ir_lit is False or not _fits(frame.ir, frame, np.uint8):
                return Cause.IR_POOR
            features |= asdict(measure_infrared(frame.ir, frame.bgr, points))
        return features


def pinhole_of(at: Intrinsics) -> Pinhole:
    """The one focal length depth is measured with."""
    return Pinhole((at.fx + at.fy) / 2, at.cx, at.cy)


def _fits(plane: npt.NDArray[Any], frame: Frame, kind: type[np.generic]) -> bool:
    return plane.dtype == kind and plane.shape == frame.bgr.shape[:2]
