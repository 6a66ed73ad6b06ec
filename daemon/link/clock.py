"""What the centre's clock says about ours (F31): also after ours was set, also without a network.

The centre's time is carried on by a clock that nobody sets; the offset is worked out anew each
time it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yibao_face.sync.uplink.api import SKEW_MS, boot_time_s

# Well is what lies well within the limit: at its edge an offset goes to and fro.
_WELL_MS = SKEW_MS // 2
GOOD, SKEWED = "good", "skewed"
Write = Callable[[dict[str, Any]], None]


class CentreClock:
    """``unix_ms``: this machine's clock. ``steady_s``: never set, sleep counted."""

    def __init__(
        self, unix_ms: Callable[[], int], steady_s: Callable[[], float] = boot_time_s
    ) -> None:
        self._unix_ms, self._steady_s = unix_ms, steady_s
        # One tuple: read and replaced whole by several threads.
        self._heard: tuple[int, float] | None = None

    def hear(self, centre_ms: int, steady_s: float) -> None:
        """The centre's clock read ``centre_ms`` when the steady one read ``steady_s``."""
        self._heard = centre_ms, steady_s

    def offset_ms(self) -> int | None:
        """The centre's clock minus this one, now; ``None`` before the centre was heard."""
        if self._heard is None:
            return None
        centre_ms, steady_s = self._heard
        passed_ms = round((self._steady_s() - steady_s) * 1000)
        return centre_ms + passed_ms - self._unix_ms()


class ClockAlarm:
    """``write`` puts one on record: the clocks differ too much, and that they agree again."""

    def __init__(self, write: Write) -> None:
        self._write, self._told = write, GOOD

    def hear(self, offset_ms: int) -> None:
        """Take what is known now; raises as ``write`` does, and then tries again next time."""
        if self._told == GOOD and abs(offset_ms) > SKEW_MS:
            self._say(SKEWED, offset_ms)
        elif self._told == SKEWED and abs(offset_ms) <= _WELL_MS:
            self._say(GOOD, offset_ms)

    def _say(self, state: str, offset_ms: int) -> None:
        self._write({"what": "clock", "state": state, "offset_s": round(offset_ms / 1000)})
        self._told = state
