"""The planes of a frame as one picture people can look at."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.drivers.api import Frame

_NEAR_MM, _FAR_MM = 300.0, 1200.0


def picture(frame: Frame) -> npt.NDArray[np.uint8]:
    """The planes side by side: (height, width x planes, 3) uint8; depth near red, far blue."""
    size = frame.bgr.shape[1], frame.bgr.shape[0]
    planes: list[npt.NDArray[Any]] = [frame.bgr]
    if frame.depth_mm is not None:
        planes.append(_coloured(frame.depth_mm))
    if frame.ir is not None:
        grey = cv2.resize(frame.ir, size)
        planes.append(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    return np.hstack(planes).astype(np.uint8)


def _coloured(depth_mm: npt.NDArray[np.uint16]) -> npt.NDArray[Any]:
    share = (_FAR_MM - depth_mm.astype(np.float32)) / (_FAR_MM - _NEAR_MM)
    grey = (np.clip(share, 0, 1) * 255).astype(np.uint8)
    coloured = np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_JET))
    coloured[depth_mm == 0] = 0
    return coloured
