"""So many bytes per second: spent ahead, paid back by waiting."""

from __future__ import annotations

from collections.abc import Callable


class Bucket:
    """A token bucket that may be overdrawn; holds ``burst_s`` seconds' worth."""

    def __init__(self, per_s: float, steady_s: Callable[[], float], burst_s: float = 1.0) -> None:
        self._per_s, self._steady_s, self._burst_s = per_s, steady_s, burst_s
        self._tokens, self._at_s = per_s * burst_s, steady_s()

    def set_rate(self, per_s: float) -> None:
        """From now on."""
        self._fill()
        self._per_s = per_s

    def spend(self, count: int) -> float:
        """Take ``count`` tokens; seconds until the bucket is out of debt, 0 where it is not."""
        self._fill()
        self._tokens -= count
        return self.debt_s()

    def debt_s(self) -> float:
        """Seconds until it is out of debt."""
        self._fill()
        return max(0.0, -self._tokens / self._per_s)

    def _fill(self) -> None:
        now_s = self._steady_s()
        gained = max(0.0, now_s - self._at_s) * self._per_s
        self._tokens = min(self._per_s * self._burst_s, self._tokens + gained)
        self._at_s = now_s
