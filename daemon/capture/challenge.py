"""The challenge after a passive pass: the same face, asked to move, does so in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.capture.examine import Examiner, Shot
from yibao_face.daemon.capture.measure import measures_of
from yibao_face.daemon.capture.session import Capture, Session, unfit
from yibao_face.daemon.capture.watch import Watch
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import (
    Action,
    ChallengePolicy,
    Done,
    Measures,
    chosen,
    eased,
    has_baseline,
    steady,
)
from yibao_face.daemon.core.liveness.course import Guard, Try, tried
from yibao_face.drivers.api import Camera, Frame
from yibao_face.models.embed import cosine


class Crier(Protocol):
    """Who tells the person what to do: the counter."""

    def tell(self, hint: Cause) -> None:
        """Show ``hint``."""
        ...

    def ask_action(self, action: Action, seconds: float) -> None:
        """Show what to do, and for how long it is waited for."""
        ...

    def end_action(self) -> None:
        """Nothing is to be done any more."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """One action asked for. ``asked_ms``: since the challenge began. ``ended``: done, or a cause.

    ``change``: mm, degrees or blink; 0 where nothing was done.
    """

    action: Action
    asked_ms: int
    took_ms: int
    ended: str
    change: float = 0.0

    def detail(self) -> dict[str, Any]:
        """For the record."""
        return {
            "action": self.action.value,
            "asked_ms": self.asked_ms,
            "took_ms": self.took_ms,
            "ended": self.ended,
            "change": round(self.change, 2),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """``cause`` is ``None`` when all was done; ``capture``: of the face that did it, to match."""

    cause: Cause | None
    capture: Capture
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a site asks for.

    ``random(n)``: 0..n-1, not to be foreseen. ``least``: cosine of a frame of the action to the
    one that will be matched, below which they are two persons. ``count``: different actions.
    ``watch``: of the camera, over all its frames. ``trials``: filled as they end, also where
    ``run`` raises.
    """

    session: Session
    policy: ChallengePolicy
    random: Callable[[int], int]
    least: float
    count: int = 1
    watch: Watch | None = None
    trials: list[Trial] = field(default_factory=list[Trial])

    def run(
        self, camera: Camera, attempt: Attempt, crier: Crier, capture: Capture, *, depth: bool
    ) -> Proof:
        """Ask the person of ``capture``, whose passive part passed; raises as ``gather`` does.

        Who is lost on the way is looked at again from the start, once.
        """
        course = _Course(self, camera, attempt, crier, capture)
        cause = capture.verdict.cause or course.all_done(depth)
        if cause is Cause.MOVED:
            crier.tell(cause)
            cause = course.look_again() or course.all_done(depth)
            cause = Cause.PERSON_CHANGED if cause is Cause.MOVED else cause
        return Proof(cause, course.capture, tuple(self.trials))


class _Course:
    """One challenge under way."""

    def __init__(
        self,
        challenge: Challenge,
        camera: Camera,
        attempt: Attempt,
        crier: Crier,
        capture: Capture,
    ) -> None:
        self._challenge, self._session = challenge, challenge.session
        self._camera, self._attempt, self._crier = camera, attempt, crier
        self._began = time.monotonic()
        self.capture = capture
        self._face = self._followed(capture)

    def look_again(self) -> Cause | None:
        """The passive part with whoever stands there now; why it is no pass."""
        held, watch = tuple(self._face.guard.held), self._challenge.watch
        found = self._session.gather(self._camera, self._attempt, self._crier.tell, held, watch)
        if isinstance(found, Cause):
            return found
        self.capture, self._face = found, self._followed(found)
        return found.verdict.cause

    def all_done(self, depth: bool) -> Cause | None:
        """Ask for every action; why they were not all done."""
        challenge = self._challenge
        actions = chosen(challenge.policy, challenge.random, depth=depth, count=challenge.count)
        if isinstance(actions, Cause):
            return actions
        if len(actions) < challenge.count:
            return Cause.NO_DEPTH_CAMERA  # the site allows fewer than this camera needs
        return next((cause for a in actions if (cause := self._tried(a)) is not None), None)

    def _tried(self, action: Action) -> Cause | None:
        """Ask for ``action`` as often as may be."""
        ended = tried(
            self._challenge.policy, lambda: self._baseline(action) or self._asked(action)
        )
        return None if isinstance(ended, Done) else ended

    def _baseline(self, action: Action) -> Cause | None:
        """Look until it is known how the face is held at rest; nothing is asked for yet."""
        policy, face = self._challenge.policy, self._face
        if has_baseline(action, face.before, policy):
            return None
        for frame in self._session.frames(self._camera, self._attempt, policy.seconds):
            found = face.look(self._session.examiner, frame)
            if isinstance(found, Cause):
                return found
            if isinstance(found, Seen):
                face.before.append(found.measures)
                if has_baseline(action, face.before, policy):
                    return None
        return Cause.DEPTH_POOR

    def _asked(self, action: Action) -> Done | Cause:
        asked = time.monotonic()
        self._crier.ask_action(action, self._challenge.policy.seconds)
        try:
            ended = self._performed(action)
        finally:
            self._crier.end_action()
        self._note(action, asked, ended)
        return ended

    def _performed(self, action: Action) -> Done | Cause:
        policy, face = self._challenge.policy, self._face
        examiner = _for(self._session.examiner, action)
        trial = Try(action, face.before, policy)
        for frame in self._session.frames(self._camera, self._attempt, policy.seconds):
            found = face.look(examiner, frame)
            if isinstance(found, Cause):
                return found
            ended = trial.see(None if found is None else found.measures)
            if isinstance(ended, Done) and found is not None:
                return ended if self._is_matched_face(found.shot) else Cause.PERSON_CHANGED
            if isinstance(ended, Cause):
                return ended
        return trial.time_out()

    def _is_matched_face(self, shot: Shot) -> bool:
        """Whether who moved is who will be matched: a track says only where a face was."""
        probe = self._session.examiner.probe
        likeness = cosine(probe(shot), probe(self.capture.best))
        return likeness >= self._challenge.least

    def _followed(self, capture: Capture) -> _Face:
        guard = Guard(self._session.examiner.liveness, capture.held)
        return _Face(capture, self._crier, self._challenge.watch, list(capture.before), guard)

    def _note(self, action: Action, asked: float, ended: Done | Cause) -> None:
        at, took = asked - self._began, time.monotonic() - asked
        how, change = ("done", ended.change) if isinstance(ended, Done) else (ended.value, 0.0)
        self._challenge.trials.append(
            Trial(action, round(at * 1000), round(took * 1000), how, change)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A usable frame that no attack gate failed."""

    shot: Shot
    measures: Measures


@dataclass(frozen=True, slots=True, eq=False)
class _Face:
    """The face that was judged, from frame to frame: nobody else, and no attack."""

    capture: Capture
    crier: Crier
    watch: Watch | None
    before: list[Measures]
    guard: Guard

    def look(self, examiner: Examiner, frame: Frame) -> Seen | Cause | None:
        """``None``: this frame says nothing. A ``Cause`` ends the action."""
        read_ns = time.monotonic_ns()
        found = examiner.examine(frame)
        found = unfit(self.watch, frame, found, read_ns) or found
        if found is Cause.STREAM_IMPLAUSIBLE:
            return found
        if isinstance(found, Cause):
            if found is Cause.NO_FACE:
                self.capture.follower.miss()
            self.crier.tell(found)
            return None
        if not self.capture.follower.follow(found):
            return Cause.MOVED
        if self.guard.passes(found.features, examiner.liveness):
            return Seen(found, measures_of(found))
        return self.guard.condemned


def _for(examiner: Examiner, action: Action) -> Examiner:
    """``examiner`` with the limits and gates that make sense while ``action`` is done."""
    return replace(
        examiner,
        limits=eased(examiner.limits, action),
        liveness=steady(examiner.liveness, action),
    )
