"""One camera, one encounter at a time: run it, and turn whatever ends it into a cause."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import Protocol, TypeAlias, TypeVar

from yibao_face.daemon.booth.board import Board, Visit
from yibao_face.daemon.booth.encounter import Encounter, Subject
from yibao_face.daemon.booth.identification import Identification
from yibao_face.daemon.booth.look import Look, Scene, Trace
from yibao_face.daemon.booth.still.crop import attack_crop
from yibao_face.daemon.booth.still.photo import face_of
from yibao_face.daemon.capture.attempt import Attempt, End
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.codes import BusyError, cause_of
from yibao_face.daemon.core.deal import SPOOFS
from yibao_face.daemon.core.decision import Outcome, refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.gallery.crop import CropStore
from yibao_face.daemon.gallery.evidence import EvidenceError
from yibao_face.models.api import Embedding

logger = logging.getLogger(__name__)


class Held(Protocol):
    """What is held while somebody is before the camera."""

    def close(self) -> None:
        """Let go."""
        ...


_Look: TypeAlias = Callable[[Scene, date], Look]
_T = TypeVar("_T")


@dataclass(slots=True)
class Booth:
    """``scene`` raises while the models cannot be used. ``board``: what is shown of it.

    ``hold``: held during an encounter, so that the program is not changed in it; ``None``: it is
    about to be.
    """

    scene: Callable[[], Scene]
    clock: Clock
    board: Board = field(default_factory=Board)
    hold: Callable[[], Held | None] = BytesIO
    _camera: threading.Lock = field(default_factory=threading.Lock)
    # The networks keep memory for every thread that ever used them: so one does.
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="camera")
    )
    _now: tuple[str, Attempt] | None = None
    _held: Held | None = None

    def meet(self, id_: str, subject: Subject, attempt: Attempt) -> tuple[Outcome, Trace]:
        """The encounter ``id_`` with every error turned into its cause. Never raises."""
        visit = Visit(id_, subject.purpose, subject.name, subject.numbers.id_number)
        return self._seat(
            visit, attempt, lambda scene, day: Encounter(scene, id_, subject, attempt, day)
        )

    def identify(
        self, id_: str, roster: frozenset[str], attempt: Attempt
    ) -> tuple[Outcome, Trace]:
        """As ``meet``, of somebody who did not say which of ``roster`` he is."""
        return self._seat(
            Visit(id_, Purpose.ATTENDANCE),
            attempt,
            lambda scene, day: Identification(scene, roster, attempt, day),
        )

    def borrow(self, work: Callable[[Scene], _T]) -> _T:
        """``work`` of an engineer, with the camera and the networks to itself.

        Raises ``BusyError``, and whatever ``work`` raises.
        """
        if not self._enter():
            raise BusyError("an encounter has the camera")
        try:
            return self._thread.submit(lambda: work(self.scene())).result()
        finally:
            self._leave()

    def _seat(self, visit: Visit, attempt: Attempt, look: _Look) -> tuple[Outcome, Trace]:
        if not self._enter():
            return refused(cause_of(BusyError())), Trace()
        try:
            self._now = (visit.encounter, attempt)
            self.board.begin(visit, attempt)
            return self._thread.submit(self._run, visit.encounter, look).result()
        finally:
            self.board.judged()
            self._now = None
            self._leave()

    def _enter(self) -> bool:
        """The camera to itself, and the program as it is."""
        if not self._camera.acquire(blocking=False):
            return False
        try:
            self._held = self.hold()
        except OSError as exc:
            logger.warning("the lock of the encounter cannot be had: %s", exc.strerror)
            self._held = None
        if self._held is None:
            self._camera.release()
        return self._held is not None

    def _leave(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()
        self._camera.release()

    def _run(self, id_: str, look: _Look) -> tuple[Outcome, Trace]:
        trace = Trace()
        try:
            scene = self.scene()
            scene.counter.begin(id_)
            made = look(scene, self.clock.today())
            trace = made.trace
            outcome = made.run()
            self._keep(scene.crops, id_, outcome, trace)
            return outcome, trace
        except Exception as exc:  # noqa: BLE001  # the last line: nothing may pass it
            cause = told(id_, exc)
            # A camera keeps the error it ended with: not what was seen as well.
            exc.__traceback__ = None
            return refused(cause), trace

    def _keep(self, crops: CropStore, id_: str, outcome: Outcome, trace: Trace) -> None:
        """Keep what an attack looked like; erase what is too old, whatever this one was."""
        now_ms = self.clock.unix_ms()
        try:
            if outcome.cause in SPOOFS and trace.shown is not None:
                crops.put(id_, attack_crop(trace.shown), now_ms)
            else:
                crops.expire(now_ms)
        except EvidenceError as exc:
            # A full disk must not turn the attack, which counts towards the pause, into a fault.
            logger.warning("encounter %s: %s", id_, exc)

    @property
    def occupied(self) -> bool:
        """Whether somebody is before the camera now."""
        return self._camera.locked()

    @property
    def under_way(self) -> str:
        """Id of the encounter before the camera, empty without one."""
        now = self._now
        return "" if now is None else now[0]

    def embed(self, photo: bytes, name: str) -> Embedding:
        """Template of the face in a picture, made between encounters; raises as ``face_of``."""
        return self._thread.submit(lambda: face_of(self.scene().models, photo, name)).result()

    def close(self) -> None:
        """Let the camera's thread go."""
        self._thread.shutdown()

    def cancel(self, id_: str, end: End) -> bool:
        """End the encounter ``id_`` if it is the one under way; whether it was."""
        now = self._now
        if now is None or now[0] != id_:
            return False
        now[1].cancel(end)
        return True


def told(id_: str, error: Exception) -> Cause:
    """The cause of ``error``, told in the log: in one line, with a traceback where it is a bug."""
    cause = cause_of(error)
    logger.warning("encounter %s: %s", id_, error, exc_info=cause is Cause.INTERNAL)
    return cause
