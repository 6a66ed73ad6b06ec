"""One attempt of one caller: how long it may take, and whether anybody still waits for it."""

from __future__ import annotations

import threading
import time
from enum import Enum, auto
from typing import Any

from yibao_face.daemon.core.encounter import LOCAL


class EncounterEndedError(Exception):
    """The encounter ended before a decision."""


class CallerGoneError(EncounterEndedError):
    """The HIS closed its connection: nobody will read the answer."""


class CancelledByPersonError(EncounterEndedError):
    """The person at the camera does not want to go on."""


class CancelledByClerkError(EncounterEndedError):
    """The clerk ended the encounter."""


class DeadlineError(EncounterEndedError):
    """The time the HIS waits (S0-05) is over."""


class PersonChangedError(EncounterEndedError):
    """The frames of one encounter show more than one person."""


class StoppingError(EncounterEndedError):
    """The daemon is being stopped."""


class CameraSilentError(EncounterEndedError):
    """The camera is open but sends no frames."""


class End(Enum):
    """Why an attempt is no longer wanted."""

    CALLER_GONE = auto()
    PERSON = auto()
    CLERK = auto()
    STOPPING = auto()


_RAISED: dict[End, tuple[type[EncounterEndedError], str]] = {
    End.CALLER_GONE: (CallerGoneError, "caller closed the connection"),
    End.PERSON: (CancelledByPersonError, "cancelled by the person"),
    End.CLERK: (CancelledByClerkError, "cancelled by the clerk"),
    End.STOPPING: (StoppingError, "daemon stops"),
}


class Attempt:
    """Made at the door; checked between frames. ``deadline_s`` counts from construction.

    ``caller``: the machine that asked, by its name among those that may; ``LOCAL``: this one.
    """

    def __init__(self, deadline_s: float, caller: str = LOCAL) -> None:
        self._until = time.monotonic() + deadline_s
        self._callers: tuple[str, ...] = (caller,)
        self._ended = threading.Event()
        self._changing = threading.Lock()
        self._end: End | None = None

    def cancel(self, end: End) -> None:
        """Make the next ``check`` raise; the first reason counts."""
        with self._changing:
            self._end = self._end or end
            self._ended.set()

    def join(self, caller: str) -> None:
        """Another call that waits for the same answer, of this machine or of another."""
        with self._changing:
            if caller not in self._callers:
                self._callers = (*self._callers, caller)

    def origin(self) -> dict[str, Any]:
        """For the record: ``caller`` that asked, ``joined`` where others wait as well."""
        joined = list(self._callers[1:])
        return {"caller": self._callers[0], **({"joined": joined} if joined else {})}

    def said(self) -> str:
        """Who asked, for the log."""
        return ", ".join(self._callers)

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody ended it (its deadline aside)."""
        return self._ended.is_set()

    def check(self) -> None:
        """Raise what ended it (``End``), or ``DeadlineError``, when it is over."""
        if self._ended.is_set():
            assert self._end is not None  # noqa: S101  # cancel() sets it first
            error, message = _RAISED[self._end]
            raise error(message)
        if self.left_s() <= 0:
            raise DeadlineError("deadline of the call is over")

    def left_s(self) -> float:
        """Seconds until the deadline, negative once it is past."""
        return self._until - time.monotonic()
