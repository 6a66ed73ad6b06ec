"""Do the depth edges lie where the colour edges lie: planes of one moment, of one view.

A depth image that is mirrored, late or another camera's has its edges elsewhere. A face is too
symmetric to tell; head, shoulders and what stands behind them are not.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.liveness.relief import DepthImage

Floats = npt.NDArray[np.float32]

_WIDTH = 160
# Farther away is background, whose depth many cameras do not see at all.
_FAR_MM = 2500
_STEP_MM = 60.0


def registration(bgr: npt.NDArray[np.uint8], depth_mm: DepthImage) -> float:
    """How much better the depth edges fit the colour edges than mirrored ones would.

    1: they lie only there, 0: only mirrored; 0.5: as well the one way as the other (a symmetric
    scene). NaN where there is no depth edge, or the planes differ in size.
    """
    if bgr.shape[:2] != depth_mm.shape:
        return float("nan")
    size = (_WIDTH, max(8, round(_WIDTH * depth_mm.shape[0] / depth_mm.shape[1])))
    # Grey first: one plane to average instead of three.
    luma = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    small = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8)
    coarse = np.asarray(cv2.resize(depth_mm, size, interpolation=cv2.INTER_NEAREST), np.uint16)
    colour, depth = _colour_edges(small), _depth_edges(coarse)
    direct = float(np.vdot(colour, depth))
    mirrored = float(np.vdot(colour, depth[:, ::-1]))
    return direct / (direct + mirrored) if direct + mirrored > 0 else float("nan")


def _colour_edges(luma: npt.NDArray[np.uint8]) -> Floats:
    across = np.abs(cv2.Sobel(luma, cv2.CV_32F, 1, 0))
    # Strong edges of a poster behind must not outweigh the head's.
    return np.asarray(np.sqrt(across), np.float32)


def _depth_edges(depth_mm: DepthImage) -> Floats:
    """1 where near depth ends from one column to the next, 0 elsewhere."""
    seen = np.minimum(depth_mm, np.uint16(_FAR_MM))
    seen[seen == 0] = _FAR_MM
    smooth = cv2.medianBlur(seen, 5)
    step = np.abs(cv2.Sobel(smooth, cv2.CV_32F, 1, 0)) > 8 * _STEP_MM
    return step.astype(np.float32)
