"""How many requests are let in: so many per second of one caller, so many at once of all."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, Callable

from yibao_face.sync.center.api import RefusedError

_MAX_CALLERS = 100_000
_BUSY_RETRY_S = 5


class Buckets:
    """A token bucket per caller: ``burst`` at once, then ``per_s``."""

    def __init__(self, per_s: float, burst: int, clock_s: Callable[[], float]) -> None:
        self._per_s, self._burst, self._clock_s = per_s, burst, clock_s
        self._left: dict[str, tuple[float, float]] = {}

    def spend(self, caller: str) -> None:
        """Take one token; raises ``RefusedError`` 429 when there is none."""
        now_s = self._clock_s()
        tokens, at_s = self._left.get(caller, (float(self._burst), now_s))
        tokens = min(float(self._burst), tokens + (now_s - at_s) * self._per_s)
        if tokens < 1:
            wait_s = math.ceil((1 - tokens) / self._per_s)
            raise RefusedError(429, "too-often", "too many requests", wait_s)
        self._make_room(now_s)
        self._left[caller] = (tokens - 1, now_s)

    def _make_room(self, now_s: float) -> None:
        if len(self._left) < _MAX_CALLERS:
            return
        full_s = self._burst / self._per_s
        self._left = {c: (t, at) for c, (t, at) in self._left.items() if now_s - at < full_s}


class Gate:
    """``working`` requests at once, ``waiting`` more in line; who comes then is told to wait."""

    def __init__(self, working: int, waiting: int) -> None:
        self._room = asyncio.Semaphore(working)
        self._working, self._most = working, working + waiting
        self._inside = 0

    @property
    def crowded(self) -> bool:
        """Whether somebody stands in line."""
        return self.waiting > 0

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return max(0, self._inside - self._working)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncGenerator[None, None]:
        """One's turn; raises ``RefusedError`` 503 when the line is full."""
        if self._inside >= self._most:
            raise RefusedError(503, "busy", "the centre is busy", _BUSY_RETRY_S)
        self._inside += 1
        try:
            async with self._room:
                yield
        finally:
            self._inside -= 1
