"""Who keeps guessing passwords is not let in at all for a while (S4-107)."""

from __future__ import annotations

import math
from collections.abc import Callable

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.office import OfficeLimits

_MAX_SOURCES = 100_000


class Guard:
    """Per address: so many failures in some time shut it out (``OfficeLimits``)."""

    def __init__(self, limits: OfficeLimits, clock_s: Callable[[], float]) -> None:
        self._clock_s, self._most = clock_s, limits.failures
        self._window_s, self._shut_s = limits.failures_in_s, limits.shut_s
        self._seen: dict[str, list[float]] = {}
        self._shut: dict[str, float] = {}

    def check(self, source: str) -> None:
        """Raise ``RefusedError`` 429 for an address that is shut out."""
        until_s = self._shut.get(source, 0.0)
        left_s = until_s - self._clock_s()
        if left_s > 0:
            told = f"这台电脑输错次数太多，请{math.ceil(left_s / 60)}分钟后再试"
            raise RefusedError(429, "too-often", told, math.ceil(left_s))
        self._shut.pop(source, None)

    def failed(self, source: str) -> bool:
        """Count a failure; ``True`` when it shuts the address out."""
        now_s = self._clock_s()
        recent = [at for at in self._seen.get(source, ()) if now_s - at < self._window_s]
        self._make_room(now_s)
        self._seen[source] = [*recent, now_s]
        if len(recent) + 1 < self._most:
            return False
        self._shut[source] = now_s + self._shut_s
        del self._seen[source]
        return True

    def passed(self, source: str) -> None:
        """Forget the failures of an address somebody signed in from."""
        self._seen.pop(source, None)

    def _make_room(self, now_s: float) -> None:
        if len(self._seen) < _MAX_SOURCES:
            return
        self._seen = {s: at for s, at in self._seen.items() if now_s - at[-1] < self._window_s}
        self._shut = {s: until for s, until in self._shut.items() if until > now_s}
