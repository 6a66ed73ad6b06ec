"""A frame as the window shows it: mirrored, upright, of the window's own size."""

from __future__ import annotations

import cv2
import numpy as np

from yibao_face.daemon.core.quality import FaceBox
from yibao_face.drivers.api import ColourImage

# Width of what is shown over its height: an oval fits into it.
ASPECT = 0.75
_LEAST_PX, _MOST_PX = 120, 1440


def height_px(asked: object) -> int:
    """The height a window asks for, within reason; 0 where it is none."""
    if not isinstance(asked, int) or isinstance(asked, bool) or asked <= 0:
        return 0
    return max(_LEAST_PX, min(asked, _MOST_PX))


class Mirror:
    """Turns frames into pictures. What it gives is overwritten by the next: send it first.

    Its buffers are kept: new memory for each picture would cost more than the arithmetic.
    """

    def __init__(self) -> None:
        self._small = self._wide = self._shown = np.empty((0, 0, 4), np.uint8)

    def show(self, bgr: ColourImage, height: int) -> ColourImage:
        """The upright middle of ``bgr`` (h, w, 3) as a mirror has it: (``height``, w, 4) uint8."""
        rows, columns = bgr.shape[:2]
        left, right = _columns(columns, rows)
        width = round(height * ASPECT) // 4 * 4
        self._small = _fitting(self._small, (rows, right - left, 3))
        self._wide = _fitting(self._wide, (rows, right - left, 4))
        self._shown = _fitting(self._shown, (height, width, 4))
        cv2.flip(bgr[:, left:right], 1, self._small)
        cv2.cvtColor(self._small, cv2.COLOR_BGR2BGRA, self._wide)
        cv2.resize(self._wide, (width, height), self._shown, interpolation=cv2.INTER_LINEAR)
        return self._shown


def _fitting(buffer: ColourImage, shape: tuple[int, int, int]) -> ColourImage:
    return buffer if buffer.shape == shape else np.empty(shape, np.uint8)


def face_shares(face: FaceBox | None, size: tuple[int, int]) -> list[float] | None:
    """x, y, width, height of ``face`` in shares of what ``mirrored`` shows of a (w, h) picture."""
    width, height = size
    if face is None or width < 1 or height < 1:
        return None
    left, right = _columns(width, height)
    across = right - left
    x = (right - face.x - face.width) / across
    found = (x, face.y / height, face.width / across, face.height / height)
    # What could not be measured is nowhere.
    return [round(share, 4) for share in found] if all(-9 < s < 9 for s in found) else None


def _columns(width: int, height: int) -> tuple[int, int]:
    wanted = min(width, round(height * ASPECT))
    left = (width - wanted) // 2
    return left, left + wanted
