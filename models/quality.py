"""Is this face picture good enough to judge: sharpness, light, contrast."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Box

# Sharpness is measured at one face size, so that a near face does not look sharper than a far one.
_SIZE_PX = 112

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Quality:
    """``brightness``: mean grey 0..255. ``contrast``: grey standard deviation.

    ``sharpness``: variance of the Laplacian of the face at 112 px; motion blur brings it below 20.
    """

    brightness: float
    contrast: float
    sharpness: float


def measure_quality(bgr: Image, box: Box) -> Quality:
    """Quality of the part of ``box`` that lies inside ``bgr``; zeros where nothing does."""
    x0, y0 = max(0, int(box.x)), max(0, int(box.y))
    crop = bgr[y0 : max(y0, int(box.y + box.height)), x0 : max(x0, int(box.x + box.width))]
    if min(crop.shape[:2]) < 2:
        return Quality(0.0, 0.0, 0.0)
    small = cv2.resize(crop, (_SIZE_PX, _SIZE_PX), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_64F)
    return Quality(float(grey.mean()), float(grey.std()), float(edges.var()))
