"""A camera that fails, is covered or sees nothing is put on record, and when it is well again.

Evasion must be visible (S1-05): a covered lens, a pulled cable.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from yibao_face.drivers.supervise.condition import Condition
from yibao_face.drivers.supervise.health import Health, State

# A loose contact comes and goes: well is what stays well, and no alarm follows another sooner.
_WELL_AFTER_S = 10.0
_NEXT_AFTER_S = 60.0
GOOD = "good"

Write = Callable[[dict[str, Any]], None]


class CameraAlarm:
    """``write`` puts one on record: what is wrong, with which camera. Asked again until it can."""

    def __init__(self, write: Write, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._write, self._clock_s = write, clock_s
        self._told, self._told_at = GOOD, -_NEXT_AFTER_S
        self._good_since: float | None = None

    def hear(self, health: Health) -> None:
        """Take what is known now; raises as ``write`` does, and then tries again next time."""
        wrong, now = trouble(health), self._clock_s()
        if wrong is None:
            self._good_since = now if self._good_since is None else self._good_since
            if self._told != GOOD and now - self._good_since >= _WELL_AFTER_S:
                self._say(GOOD, health, now)
            return
        self._good_since = None
        if wrong != self._told and (self._told == GOOD or now - self._told_at >= _NEXT_AFTER_S):
            self._say(wrong, health, now)

    def _say(self, sign: str, health: Health, now: float) -> None:
        camera = health.info
        named = {} if camera is None else {"driver": camera.driver, "serial": camera.serial}
        self._write({"what": "camera", "state": sign, **named})
        self._told, self._told_at = sign, now


def trouble(health: Health) -> str | None:
    """The name of what is wrong; ``None``: nothing, or nobody can tell yet."""
    if health.state is State.FAULTY:
        return health.fault
    seen = health.condition
    return None if seen in (None, Condition.GOOD) else seen.value
