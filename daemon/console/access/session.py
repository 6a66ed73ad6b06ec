"""Who is logged in now: random cookies, a second token against forged calls, an end when idle."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

COOKIE = "yibao_face_console"
CSRF_HEADER = "X-Csrf-Token"
# Whatever is done, a shift ends.
_LONGEST_S = 12 * 3600.0
_MAX_SESSIONS = 64


@dataclass(slots=True)
class Session:
    """One login. ``csrf``: what each POST must carry. Times are of the monotonic clock."""

    number: str
    csrf: str
    began_s: float
    seen_s: float


class Sessions:
    """In memory only: a restart logs everybody out. Thread-safe."""

    def __init__(self, idle_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._idle_s, self._now_s = idle_s, now_s
        self._guard = threading.Lock()
        self._open: dict[str, Session] = {}

    def begin(self, number: str) -> tuple[str, Session]:
        """A new login of the account ``number``: the cookie's value, and the session."""
        token, now_s = secrets.token_urlsafe(32), self._now_s()
        session = Session(number, secrets.token_urlsafe(32), now_s, now_s)
        with self._guard:
            self._sweep(now_s)
            if len(self._open) >= _MAX_SESSIONS:
                del self._open[min(self._open, key=lambda key: self._open[key].seen_s)]
            self._open[_key(token)] = session
        return token, session

    def of(self, token: str, *, touch: bool) -> Session | None:
        """The session of a cookie, if it lasts still. ``touch``: somebody did something."""
        now_s = self._now_s()
        with self._guard:
            self._sweep(now_s)
            found = self._open.get(_key(token))
            if found is not None and touch:
                found.seen_s = now_s
            return found

    def end(self, token: str) -> None:
        """Log out."""
        with self._guard:
            self._open.pop(_key(token), None)

    def end_all_of(self, number: str) -> None:
        """Log an account out everywhere: it was removed, or its PIN changed."""
        with self._guard:
            self._open = {k: s for k, s in self._open.items() if s.number != number}

    def _sweep(self, now_s: float) -> None:
        self._open = {
            key: session
            for key, session in self._open.items()
            if now_s - session.seen_s < self._idle_s and now_s - session.began_s < _LONGEST_S
        }


def is_csrf(session: Session, given: str) -> bool:
    """Whether a POST comes from the page that was given the token."""
    return hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "surrogateescape"))


class Pace:
    """At most ``calls`` in ``window_s`` seconds, whoever asks: nobody tries PINs by program."""

    def __init__(
        self, calls: int, window_s: float, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls, self._window_s, self._now_s = calls, window_s, now_s
        self._guard = threading.Lock()
        self._at: deque[float] = deque()

    def take(self) -> bool:
        """Whether one more is allowed now."""
        now_s = self._now_s()
        with self._guard:
            while self._at and now_s - self._at[0] >= self._window_s:
                self._at.popleft()
            if len(self._at) >= self._calls:
                return False
            self._at.append(now_s)
            return True

    def give_back(self) -> None:
        """The last one was good: only what fails is counted."""
        with self._guard:
            if self._at:
                self._at.pop()


def _key(token: str) -> str:
    """What is kept of a cookie: a look into the memory logs nobody in."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
