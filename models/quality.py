"""Is this face picture good enough to judge: sharpness, light, contrast, size, what covers it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Box, Points
from yibao_face.models.embed import align

# Sharpness is measured at one face size, so that a near face does not look sharper than a far one.
_SIZE_PX = 112

# Parts of the aligned face (models.embed.TEMPLATE), rows and columns. The root of the nose stays
# bare under a mask, and under most hats.
_NOSE_ROOT = np.s_[36:58, 48:64]
_LOWER_FACE = np.s_[80:106, 34:78]
_EYES = (np.s_[43:61, 26:51], np.s_[43:61, 61:86])
# Darkest of the three colours from which a pixel is white light and no skin.
_WHITE = 235

# Rims of both eyes among the 478 points: corner, two above, corner, two below.
_EYE_RIMS = np.array([[33, 160, 158, 133, 153, 144], [362, 385, 387, 263, 373, 380]])

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


@dataclass(frozen=True, slots=True)
class Cover:
    """``flush``: how much redder and yellower the lips are than the root of the nose (CIELAB).

    Skin and lips: -5 and more. Blue, white and black cloth bring it below -13; cloth of the colour
    of skin, and hands, are not seen. ``glare``: share of the eye regions that is white, 0..1.
    """

    flush: float
    glare: float


def measure_cover(bgr: Image, points: Points) -> Cover:
    """What lies over the face with the five ``points``."""
    face = align(bgr, points)
    lips = float(np.percentile(_warmth(face[_LOWER_FACE]), 90))
    eyes = np.concatenate([face[eye].reshape(-1, 3) for eye in _EYES])
    white = float((eyes.min(axis=1) >= _WHITE).mean())
    return Cover(lips - float(np.median(_warmth(face[_NOSE_ROOT]))), white)


def eye_distance(points: Points) -> float:
    """Pixels between the centres of the eyes, the first two of the five ``points``."""
    return float(np.linalg.norm(points[0] - points[1]))


def eye_opening(points: Points) -> float:
    """Height over width of the eye that is wider open, of 478 ``points``; 0.03 is shut.

    Of the two, as one alone may be squinted, hidden by hair or blind.
    """
    rims = points[_EYE_RIMS].astype(np.float64)
    heights = np.linalg.norm(rims[:, [1, 2]] - rims[:, [5, 4]], axis=2).mean(axis=1)
    widths = np.linalg.norm(rims[:, 0] - rims[:, 3], axis=1)
    return float((heights / np.maximum(widths, 1e-6)).max())


def _warmth(part: Image) -> npt.NDArray[np.int16]:
    """Red plus yellow of each pixel: a* + b* of CIELAB, but for a constant."""
    lab = np.asarray(cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_BGR2LAB), np.int16)
    return lab[:, :, 1] + lab[:, :, 2]
