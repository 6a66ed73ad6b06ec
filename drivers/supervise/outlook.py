"""What a camera shows over a few seconds: only what lasts is believed."""

from __future__ import annotations

import time

from yibao_face.drivers.api import Frame
from yibao_face.drivers.supervise.condition import Condition, condition_of

# A hand that goes by covers one look, not three.
_LOOKS = 3
_FIRST_EVERY_S = 0.3
_EVERY_S = 1.5


class Outlook:
    """Of one opening. Looks at a frame now and then: often until it is sure, then seldom."""

    def __init__(self) -> None:
        self.condition: Condition | None = None
        self._last: Condition | None = None
        self._same = 0
        self._next = 0.0

    @property
    def is_sure(self) -> bool:
        """Whether any condition was believed yet."""
        return self.condition is not None

    def look(self, frame: Frame) -> bool:
        """Whether it was time to look at ``frame``; ``condition`` is then up to date."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + (_EVERY_S if self.is_sure else _FIRST_EVERY_S)
        seen = condition_of(frame.bgr)
        self._same = self._same + 1 if seen is self._last else 1
        self._last = seen
        if self._same >= _LOOKS:
            self.condition = seen
        return True
