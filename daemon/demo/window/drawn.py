"""A drawn person before a drawn camera: for pictures of the windows, and to measure them.

Nobody real is to be seen in a screenshot, so nobody real is before the camera that makes one.
"""

from __future__ import annotations

import math
import time
from typing import Any, Self

import cv2
import numpy as np

from yibao_face.daemon.core.quality import FaceBox
from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    ColourImage,
    DeviceLostError,
    Frame,
    Intrinsics,
)

SIZE = (640, 480)
_LENS = Intrinsics(*SIZE, 575.0, 575.0, 320.0, 240.0)
_SKIN, _SHADE, _HAIR = (176, 205, 240), (150, 180, 220), (205, 208, 212)
_SHIRT, _DARK, _WALL = (150, 110, 70), (60, 50, 50), (222, 216, 208)
_FRAME, _CHEEK, _LIPS = (120, 100, 90), (170, 175, 245), (110, 100, 200)
_UNIT_PX = 52.0


# Ovals from the back to the front: middle and half axes in units of the head, colour, line width.
_HEAD = (
    (0, 4.6, 4.4, 2.4, _SHIRT, -1),
    (0, -0.5, 2.1, 2.5, _HAIR, -1),
    (0, -2.9, 0.9, 0.8, _HAIR, -1),
    (0, 2.2, 0.7, 1.0, _SHADE, -1),
    (0, 0.1, 1.65, 2.05, _SKIN, -1),
    (0, -1.75, 1.35, 0.5, _HAIR, -1),
    (-0.65, -0.2, 0.17, 0.2, _DARK, -1),
    (0.65, -0.2, 0.17, 0.2, _DARK, -1),
    (-0.65, -0.2, 0.48, 0.42, _FRAME, 3),
    (0.65, -0.2, 0.48, 0.42, _FRAME, 3),
    (0, -0.2, 0.17, 0.02, _FRAME, 3),
    (-0.95, 0.55, 0.3, 0.2, _CHEEK, -1),
    (0.95, 0.55, 0.3, 0.2, _CHEEK, -1),
    (0, 0.35, 0.16, 0.3, _SHADE, -1),
)


def drawn_person(beat: float, share: float = 1.0, mouth: float = 0.0) -> ColourImage:
    """An old woman as a child would draw her, (480, 640, 3) BGR, moving a little with ``beat``.

    ``share``: how large; ``mouth``: how far it is open, 0..1.
    """
    image = np.full((SIZE[1], SIZE[0], 3), _WALL, np.uint8)
    x, y = _place(beat)
    unit = _UNIT_PX * share
    lips = (0, 1.1, 0.5, 0.12 + 0.4 * mouth, _LIPS, -1)
    for dx, dy, across, down, colour, line in (*_HEAD, lips):
        at = (round(x + dx * unit), round(y + dy * unit))
        size = (max(1, round(across * unit)), max(1, round(down * unit)))
        cv2.ellipse(image, at, size, 0, 0, 360, colour, line, cv2.LINE_AA)
    return image


def drawn_face(beat: float, share: float = 1.0) -> FaceBox:
    """Where the face of ``drawn_person`` is."""
    x, y = _place(beat)
    unit = _UNIT_PX * share
    return FaceBox(x - 1.65 * unit, y - 1.9 * unit, 3.3 * unit, 4.1 * unit)


class DrawnCamera:
    """``fps`` pictures of a drawn person a second, as a camera delivers them."""

    def __init__(self, fps: float) -> None:
        self._every_s = 1 / fps
        self._due_s = time.monotonic()
        self._seq = 0
        self._closed = False
        # Drawn once: what drawing costs is not to be measured.
        self._pictures = [drawn_person(2 * math.pi * n / 8) for n in range(8)]

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        flags = Capability.RGB | Capability.VIRTUAL
        return CameraInfo("drawn", "drawn:0", "drawn person", "0", flags)

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        if self._closed:
            raise DeviceLostError("drawn:0 is closed")
        wait_s = self._due_s - time.monotonic()
        time.sleep(max(0.0, min(wait_s, timeout_s)))
        if wait_s > timeout_s:
            return None
        self._due_s = max(self._due_s + self._every_s, time.monotonic())
        self._seq += 1
        at_ns = time.monotonic_ns()
        picture = self._pictures[self._seq % len(self._pictures)]
        return Frame(self._seq, at_ns, at_ns // 1000, picture, None, None, _LENS)

    def close(self) -> None:
        """See ``Camera.close``."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


def _place(beat: float) -> tuple[float, float]:
    return SIZE[0] / 2 + 5 * math.sin(beat), SIZE[1] / 2 - 22 + 3 * math.cos(beat)
