"""How long to wait after a failure: full jitter, so that counters do not come all at once."""

from __future__ import annotations

from collections.abc import Callable

# Whatever a centre asks for, somebody should see within the hour that it is back.
MOST_RETRY_S = 3600.0
_LEAST_S = 0.05


class Backoff:
    """``first_s``: upper bound of the first wait, doubled each time up to ``most_s``.

    ``chance``: even in 0..1.
    """

    def __init__(self, first_s: float, most_s: float, chance: Callable[[], float]) -> None:
        self._first_s, self._most_s, self._chance = first_s, most_s, chance
        self._failures = 0

    def failed(self, retry_after_s: float | None = None) -> float:
        """Seconds to wait now. Never sooner than the centre asked, and not all at once then."""
        bound_s = min(self._most_s, self._first_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        jitter_s = max(_LEAST_S, bound_s * self._chance())
        if retry_after_s is None:
            return jitter_s
        asked_s = min(max(0.0, retry_after_s), MOST_RETRY_S)
        return asked_s + min(jitter_s, max(_LEAST_S, asked_s / 4))

    def worked(self) -> None:
        """The next failure is a first one."""
        self._failures = 0
