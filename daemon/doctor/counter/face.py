"""A face that is nobody's, drawn: what the networks must find, alike on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.uint8]

# Middles of the irises among the 478 points of a dense face, its right eye first, and where they
# are drawn: x, y.
IRISES = (468, 473)
_EYES = ((132, 146), (188, 146))
EYES_PX: npt.NDArray[np.float64] = np.array(_EYES, np.float64)
_SIDE_PX = 320
_WALL, _SKIN, _HAIR, _SHADE = (200, 200, 200), (140, 175, 215), (30, 35, 45), (95, 130, 170)
_WHITE, _IRIS, _BROW = (245, 245, 245), (30, 40, 60), (40, 50, 70)
_LIPS, _GAP = (90, 90, 190), (50, 50, 110)
_BLUR_PX = 1.5


@dataclass(frozen=True, slots=True)
class _Oval:
    """``halves``: of its width and height; ``arc``: degrees; ``thick`` -1: filled."""

    middle: tuple[int, int]
    halves: tuple[int, int]
    colour: tuple[int, int, int]
    arc: tuple[int, int] = (0, 360)
    thick: int = -1


_FACE = (
    _Oval((160, 165), (72, 96), _SKIN),
    _Oval((160, 95), (76, 52), _HAIR, (180, 360)),
    *(_Oval(eye, (15, 7), _WHITE) for eye in _EYES),
    *(_Oval(eye, (6, 6), _IRIS) for eye in _EYES),
    *(_Oval((x, y - 16), (19, 5), _BROW, (180, 360), 4) for x, y in _EYES),
    _Oval((160, 184), (13, 6), _SHADE, (0, 180), 3),
    _Oval((160, 216), (26, 9), _LIPS),
)
_LINES = (((160, 150), (156, 182), _SHADE, 3), ((134, 216), (186, 216), _GAP, 2))


def drawn_face() -> Image:
    """320 by 320, blue green red."""
    picture = np.full((_SIDE_PX, _SIDE_PX, 3), _WALL, np.uint8)
    for one in _FACE:
        shape = (one.middle, one.halves, 0, *one.arc, one.colour, one.thick)
        cv2.ellipse(picture, *shape, cv2.LINE_AA)
    for start, end, colour, thick in _LINES:
        cv2.line(picture, start, end, colour, thick, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), _BLUR_PX), np.uint8)
