"""What came over the network and was refused: counted by reason, logged without flooding."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any

logger = logging.getLogger(__name__)

_QUIET_S = 60.0


@unique
class Refusal(StrEnum):
    """Why a connection was closed without an answer. The caller is told none of it."""

    ADDRESS = "address"  # no caller may be there
    CROWD = "crowd"  # too many connections at once
    RATE = "rate"  # too many calls, or wrong ones
    SLOW = "slow"  # did not finish in its time
    CUT = "cut"  # closed before it was whole
    GARBAGE = "garbage"  # not our protocol
    CALLER = "caller"  # id, secret or address is not that of a caller
    DAMAGED = "damaged"  # does not open under the key: changed, replayed, another's
    SIZE = "size"  # a frame too long or empty
    MESSAGE = "message"  # sealed well, and no call
    REPLY = "reply"  # the answer did not fit
    BOOK = "book"  # the list of callers does not open
    FAULT = "fault"  # of ours


@dataclass(slots=True)
class Tally:
    """Counts since the start. ``clock``: seconds that only grow."""

    clock: Callable[[], float] = time.monotonic
    answered: int = 0
    refused: Counter[Refusal] = field(default_factory=Counter[Refusal])
    _told: dict[Refusal, tuple[float, int]] = field(
        default_factory=dict[Refusal, tuple[float, int]]
    )

    def refuse(self, why: Refusal, address: str) -> None:
        """Count it; of one reason one line a minute goes to the log."""
        self.refused[why] += 1
        now, count = self.clock(), self.refused[why]
        before = self._told.get(why)
        if before is None or now - before[0] >= _QUIET_S:
            self._told[why] = now, count
            more = count - (before[1] if before else 0)
            logger.warning("lan: %d refused (%s), the last from %s", more, why, address)

    def view(self) -> dict[str, Any]:
        """For ``/health``."""
        return {
            "answered": self.answered,
            "refused": {why.value: self.refused[why] for why in Refusal if self.refused[why]},
        }
