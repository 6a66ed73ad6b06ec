"""What the clerk at the counter is asked during an encounter, and what they answered.

The encounter runs in its own thread and waits here; the clerk's window (or ``yibao-face counter``)
looks and answers through the door.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum, unique

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import PROMPTS, Action

_WAKE_S = 0.1


class CounterSilentError(Exception):
    """Nobody looks at the counter, so nobody will answer."""


@unique
class Stage(StrEnum):
    """What is asked: the person's consent, then the staff member's confirmation."""

    CONSENT = "consent"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question shown at the counter. ``person``: masked number. ``version``: of the text."""

    encounter: str
    stage: Stage
    text: str
    version: str
    person: str


@dataclass(frozen=True, slots=True)
class Consent:
    """The clerk's answer to one prompt. ``id_photo``: JPEG or PNG bytes, where one was taken.

    ``id_card``: the person's card is to be read at the configured reader.
    """

    encounter: str
    stage: Stage
    accepted: bool
    staff: str
    id_photo: bytes | None = field(default=None, repr=False)
    id_card: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """What the person is to do at once, and for how long it is still waited for."""

    action: Action
    left_s: float

    @property
    def text(self) -> str:
        """As shown to the person."""
        return PROMPTS[self.action]


@dataclass(frozen=True, slots=True)
class View:
    """What the counter shows now. ``hint_at_s``: monotonic time the hint was last told."""

    encounter: str
    hint: Cause | None
    prompt: Prompt | None
    task: Task | None = None
    hint_at_s: float = field(default=0.0, compare=False)


class Counter:
    """One per daemon. ``attached_s``: a window that has not looked for so long is closed."""

    def __init__(self, attached_s: float) -> None:
        self._changed = threading.Condition()
        self._attached_s = attached_s
        self._looked_at = float("-inf")
        self._encounter = ""
        self._hint: Cause | None = None
        self._hint_at_s = 0.0
        self._prompt: Prompt | None = None
        self._answer: Consent | None = None
        self._action: tuple[Action, float] | None = None

    def begin(self, encounter: str) -> None:
        """A new encounter has the counter; what was asked before is void."""
        with self._changed:
            self._encounter, self._hint = encounter, None
            self._prompt = self._answer = self._action = None

    def tell(self, hint: Cause) -> None:
        """Show ``hint`` to the person."""
        with self._changed:
            self._hint, self._hint_at_s = hint, time.monotonic()

    def ask_action(self, action: Action, seconds: float) -> None:
        """Show what the person is to do within ``seconds``; what he was told before is over."""
        with self._changed:
            self._action, self._hint = (action, time.monotonic() + seconds), None

    def end_action(self) -> None:
        """Nothing is to be done any more."""
        with self._changed:
            self._action = None

    def look(self) -> View:
        """What to show; looking keeps the counter attached."""
        with self._changed:
            self._looked_at = time.monotonic()
            self._changed.notify_all()
            prompt, task = self._prompt, self._task()
            return View(self._encounter, self._hint, prompt, task, self._hint_at_s)

    def answer(self, given: Consent) -> bool:
        """Take the answer if it fits what is being asked; whether it did."""
        with self._changed:
            asked = self._prompt
            if asked is None or (asked.encounter, asked.stage) != (given.encounter, given.stage):
                return False
            self._answer, self._prompt = given, None
            self._changed.notify_all()
            return True

    def ask(self, prompt: Prompt, attempt: Attempt) -> Consent:
        """Wait for the answer; raises ``CounterSilentError`` or as ``Attempt.check`` does."""
        asked_at = time.monotonic()
        with self._changed:
            self._prompt, self._answer = prompt, None
            try:
                while (given := self._given()) is None:
                    attempt.check()
                    silent_s = time.monotonic() - max(self._looked_at, asked_at)
                    if silent_s > self._attached_s:
                        raise CounterSilentError("no counter window is open")
                    self._changed.wait(_WAKE_S)
                return given
            finally:
                self._prompt = self._answer = None

    def _task(self) -> Task | None:
        if self._action is None:
            return None
        action, until = self._action
        return Task(action, max(0.0, until - time.monotonic()))

    def _given(self) -> Consent | None:
        return self._answer
