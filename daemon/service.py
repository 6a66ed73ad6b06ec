"""A HIS call from parsed request to reply: encounter, decision, record on disk, answer."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta, timezone

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.codes import TABLE, BusyError, cause_of
from yibao_face.daemon.core.decision import Outcome, refused
from yibao_face.daemon.core.encounter import Answer, Cause, Who
from yibao_face.daemon.core.identity import certificate_no, uuid7
from yibao_face.daemon.encounter import Encounter, Scene, Trace
from yibao_face.daemon.gallery.vault import Vault
from yibao_face.daemon.wire.reply import Reply
from yibao_face.daemon.wire.request import AuthRequest, BadRequestError
from yibao_face.sync.api import Result, StoreError
from yibao_face.sync.outbox import Outbox

logger = logging.getLogger(__name__)

# The institution's calendar; China has one zone and no summer time.
_SHANGHAI = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which networks and thresholds a result was decided with, as JSON for the record."""

    models: str
    thresholds: str


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the service takes time and randomness from."""

    unix_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    random: Callable[[int], bytes] = os.urandom

    def now(self) -> datetime:
        """The wall clock in China."""
        return datetime.fromtimestamp(self.unix_ms() / 1000, _SHANGHAI)

    def today(self) -> date:
        """The date in China."""
        return self.now().date()


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a call needs, handed in. ``scene`` raises while the models cannot be used."""

    scene: Callable[[], Scene]
    outbox: Outbox
    vault: Vault
    provenance: Provenance
    demo: bool
    clock: Clock = field(default_factory=Clock)
    _camera: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, request: AuthRequest, body_sha256: str, attempt: Attempt) -> Reply:
        """Run one call to its end. Never raises: whatever goes wrong is code 0 (Q8)."""
        id_ = uuid7(self.clock.unix_ms(), self.clock.random(10))
        outcome, trace = self._encounter(id_, request, attempt)
        result = self._result(id_, request, body_sha256, outcome, trace)
        try:
            self.outbox.put(result)
        except StoreError:
            logger.exception("encounter %s: result not stored, refused", id_)
            outcome = refused(cause_of(StoreError()))
        logger.info("encounter %s: %s", id_, outcome.cause.value)
        return _reply(outcome, result.certificate_no)

    def refuse(self, error: BadRequestError) -> Reply:
        """The reply to a call that could not be parsed: nothing to record but the fault."""
        logger.info("call refused: %s", cause_of(error).value)
        return Reply(Answer.FAIL, error.advice, "", Who.NOBODY)

    def _encounter(
        self, id_: str, request: AuthRequest, attempt: Attempt
    ) -> tuple[Outcome, Trace]:
        """The encounter with every error turned into its cause; one at a time per camera."""
        trace = Trace()
        if not self._camera.acquire(blocking=False):
            return refused(cause_of(BusyError())), trace
        try:
            scene = self.scene()
            scene.counter.begin(id_)
            encounter = Encounter(scene, id_, request, attempt, self.clock.today())
            trace = encounter.trace
            return encounter.run(), trace
        except Exception as exc:  # the last line before a HIS: nothing may pass it
            cause = cause_of(exc)
            # A listed cause is told in one line; only a bug of ours is worth a traceback.
            logger.warning("encounter %s: %s", id_, exc, exc_info=cause is Cause.INTERNAL)
            return refused(cause), trace
        finally:
            self._camera.release()

    def _result(
        self, id_: str, request: AuthRequest, body_sha256: str, outcome: Outcome, trace: Trace
    ) -> Result:
        passed = outcome.answer is not Answer.FAIL
        scores = {"similarity": outcome.similarity, "frames": trace.frames, **trace.liveness}
        camera = trace.camera
        return Result(
            id=id_,
            at_unix_ms=self.clock.unix_ms(),
            request_sha256=body_sha256,
            institution=request.institution_code,
            deal_no=request.deal_no,
            person=trace.person,
            code=int(outcome.answer),
            who=int(outcome.who),
            cause=outcome.cause.value,
            certificate_no=certificate_no(id_) if passed else "",
            scores=json.dumps(scores),
            models=self.provenance.models,
            thresholds=self.provenance.thresholds,
            evidence_sha256=trace.evidence_sha256,
            camera=f"{camera.driver}/{camera.model}/{camera.serial}" if camera else "",
            consent=trace.consent,
            findings=json.dumps([asdict(f) for f in request.findings]),
            sealed_request=self._sealed(id_, request),
            demo=self.demo,
        )

    def _sealed(self, id_: str, request: AuthRequest) -> bytes:
        body = {**request.fields, "extra": request.extra}
        data = json.dumps(body, ensure_ascii=False, default=str).encode("utf-8", "replace")
        return self.vault.seal(data, f"result/{id_}")


def body_digest(body: bytes) -> str:
    """SHA-256 of a call as received: ties the record to what was asked."""
    return hashlib.sha256(body).hexdigest()


def _reply(outcome: Outcome, certificate: str) -> Reply:
    passed = outcome.answer is not Answer.FAIL
    message = TABLE[outcome.cause].message
    return Reply(outcome.answer, message, certificate if passed else "", outcome.who)
