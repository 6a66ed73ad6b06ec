"""The first frames of a camera, until its exposure has settled."""

from __future__ import annotations

from yibao_face.drivers.api import ColourImage

MAX_FRAMES = 15
MAX_S = 0.5
_CHANGE = 0.03
_EVERY_PX = 8


class WarmUp:
    """Tells the dark or purple frames after a start from those that may be used.

    ``max_s``: after which any may.
    """

    def __init__(self, max_s: float = MAX_S) -> None:
        self._max_s = max_s
        self._seen = 0
        self._started_s: float | None = None
        self._mean: float | None = None
        self._over = False

    def is_over(self, bgr: ColourImage, at_s: float) -> bool:
        """Take the next frame, received at ``at_s``; whether it may be used.

        Over when brightness changed less than 3 % from one frame to the next, after 15 frames or
        after ``max_s``, and then for good.
        """
        if self._over:
            return True
        mean = float(bgr[::_EVERY_PX, ::_EVERY_PX].mean())
        before, self._mean = self._mean, mean
        self._started_s = at_s if self._started_s is None else self._started_s
        self._over = (
            self._seen >= MAX_FRAMES
            or at_s - self._started_s >= self._max_s
            or (before is not None and abs(mean - before) <= _CHANGE * before)
        )
        self._seen += 1
        return self._over
