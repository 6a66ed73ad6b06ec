"""Where the daemon takes time and randomness from: handed in, so that a test may tell it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from yibao_face.daemon.core.scene.detail import CHINA


def _unknown() -> None:
    """No centre was heard."""


@dataclass(frozen=True, slots=True)
class Clock:
    """``unix_ms``: the wall clock in Unix milliseconds. ``random``: so many random bytes.

    ``offset_ms``: the centre's clock minus this one, as far as it is known now (F31).
    """

    unix_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    random: Callable[[int], bytes] = os.urandom
    offset_ms: Callable[[], int | None] = _unknown

    def now(self) -> datetime:
        """The wall clock in China."""
        return moment(self.unix_ms())

    def today(self) -> date:
        """The date in China."""
        return self.now().date()


def moment(unix_ms: int) -> datetime:
    """Unix milliseconds as a time in China."""
    return datetime.fromtimestamp(unix_ms / 1000, CHINA)
