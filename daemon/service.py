"""A HIS call from parsed request to reply: what came before, policy, encounter, record, answer."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from yibao_face.daemon.booth.booth import Booth, told
from yibao_face.daemon.booth.encounter import Subject
from yibao_face.daemon.booth.look import Trace
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.codes import TABLE, cause_of
from yibao_face.daemon.core.deal import (
    SPOOFS,
    LockPolicy,
    RepeatPolicy,
    earlier_answer,
    locked_until_ms,
    recent_spoofs,
)
from yibao_face.daemon.core.decision import Outcome, exempt, refused
from yibao_face.daemon.core.encounter import Answer, Cause, Who
from yibao_face.daemon.core.liveness.challenge import ChallengePolicy, is_exempt, needed
from yibao_face.daemon.core.policy import Policy, Ruling, Visit, ruling
from yibao_face.daemon.core.scene.event import CHECK_KINDS, Event, Kind
from yibao_face.daemon.core.scene.special import covering
from yibao_face.daemon.core.scene.ward import movement, parse_stay, roster
from yibao_face.daemon.gallery.gallery import Gallery, Numbers
from yibao_face.daemon.ledger import Entry, Ledger
from yibao_face.daemon.trust.revocation import Revoked
from yibao_face.daemon.wire.reply import Reply
from yibao_face.daemon.wire.request import AuthRequest, BadRequestError, Finding
from yibao_face.sync.api import Query, StoreError

logger = logging.getLogger(__name__)

_PASSED = (Cause.MATCHED_SELF.value, Cause.MATCHED_AGENT.value)
_LET_GO = (*_PASSED, Cause.POLICY_EXEMPT.value, Cause.SPECIAL_EXEMPT.value)
_WARD_KINDS = tuple(
    kind.value for kind in (Kind.ADMISSION, Kind.BED_CHANGE, Kind.STAY, Kind.DISCHARGE)
)
# What says whether a person is paused, by index: refusals for other reasons may be many.
_LOCK_KINDS = tuple(kind.value for kind in (*CHECK_KINDS, Kind.ATTENDANCE, Kind.RELEASE))
_SIGNED = (Cause.SIGNED_IN.value, Cause.SIGNED_OUT.value)
_LOCK_CAUSES = (*(cause.value for cause in SPOOFS), *_PASSED, *_SIGNED, Cause.RECORDED.value)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a site and the centre lay down. ``policy``: the signed one in force, if any.

    ``revoked``: what the centre trusts no longer; ``devices``: the names of this device there.
    """

    policy: Callable[[], Policy | None]
    repeat: RepeatPolicy
    lock: LockPolicy
    inpatient_med_types: frozenset[str]
    challenge: ChallengePolicy
    revoked: Callable[[], Revoked] = Revoked
    devices: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Call:
    """One parsed call: who is meant (digests as given; ``person``: as enrolled), which day."""

    id: str
    request: AuthRequest
    body_sha256: str
    numbers: tuple[str, ...]
    person: str
    attempt: Attempt

    @property
    def deal(self) -> tuple[str, str]:
        """What makes a settlement unique."""
        return self.request.institution_code, self.request.deal_no


@dataclass(frozen=True, slots=True)
class Settled:
    """How a call ended, before it is written down."""

    outcome: Outcome
    trace: Trace = field(default_factory=Trace)
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a HIS call needs, handed in."""

    booth: Booth
    ledger: Ledger
    gallery: Gallery
    rules: Rules
    _running: dict[tuple[str, str], frozenset[str]] = field(
        default_factory=dict[tuple[str, str], frozenset[str]]
    )
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, request: AuthRequest, body_sha256: str, attempt: Attempt) -> Reply:
        """Run one call to its end. Never raises: whatever goes wrong is code 0 (Q8)."""
        id_ = self.ledger.new_id()
        numbers = Numbers(request.id_number, request.person_number)
        digests = self.gallery.digests(numbers)
        call = Call(id_, request, body_sha256, digests, digests[0], attempt)
        try:
            call = replace(call, person=self.gallery.person_of(numbers))
            with self._held(call) as free:
                if not free:
                    return self._close(call, Settled(refused(Cause.DEAL_TAKEN)))
                return self._answer(call)
        except Exception as exc:  # noqa: BLE001  # the last line before a HIS
            return self._close(call, Settled(refused(told(id_, exc))))

    def refuse(self, error: BadRequestError, caller: str) -> Reply:
        """The reply to a call that could not be parsed: nothing to record but the fault.

        ``caller``: the machine that asked.
        """
        logger.info("call refused: %s, asked by %s", cause_of(error).value, caller)
        return Reply(Answer.FAIL, error.advice, "", Who.NOBODY)

    @contextlib.contextmanager
    def _held(self, call: Call) -> Generator[bool, None, None]:
        """Hold the settlement while it is served; ``False`` where another person's call has it."""
        persons = frozenset({call.person, *call.numbers})
        with self._guard:
            other = self._running.get(call.deal)
            mine = other is None
            if mine:
                self._running[call.deal] = persons
        try:
            yield other is None or not persons.isdisjoint(other)
        finally:
            if mine:
                with self._guard:
                    del self._running[call.deal]

    def _answer(self, call: Call) -> Reply:
        revoked = self.rules.revoked()
        if not self.rules.devices.isdisjoint(revoked.devices):
            return self._close(call, Settled(refused(Cause.DEVICE_REVOKED)))
        earlier = self._earlier(call)
        if isinstance(earlier, Event) and earlier.certificate_no in revoked.certificates:
            earlier = None
        if isinstance(earlier, Event):
            # No record is made of it: who asked again, and from where, stands here.
            logger.info("call repeats encounter %s, asked by %s", earlier.id, call.attempt.said())
            return _again(earlier)
        if earlier is not None:
            return self._close(call, Settled(refused(earlier)))
        return self._close(call, self._settle(call))

    def _earlier(self, call: Call) -> Event | Cause | None:
        institution, deal_no = call.deal
        asked = Query(institution=institution, deal_no=deal_no, limit=1)
        # The call that owns the number and the last that let go: however often it was refused,
        # these two rows say all.
        owner = replace(asked, but_cause=Cause.DEAL_TAKEN.value)
        let_go = replace(asked, let_go=True, newest=True)
        events = [*self.ledger.events(owner), *self.ledger.events(let_go)]
        persons = {call.person, *call.numbers}
        now_ms = self.ledger.clock.unix_ms()
        return earlier_answer(events, persons, now_ms, self.rules.repeat)

    def _settle(self, call: Call) -> Settled:
        before = self._before(call.person)
        if self._is_locked(before):
            return Settled(refused(Cause.LOCKED_OUT))
        found = self._ruling(call)
        if found.cause is not None:
            return Settled(exempt(found.cause), rule=found.rule)
        request = call.request
        numbers = Numbers(request.id_number, request.person_number)
        # Nobody is admitted to a ward by proxy.
        inpatient = request.fields["med_type"] in self.rules.inpatient_med_types
        asked = self._is_challenged(call, before)
        subject = Subject(numbers, request.name, agents=not inpatient, challenge=asked)
        outcome, trace = self.booth.meet(call.id, subject, call.attempt)
        return Settled(outcome, trace, found.rule)

    def _before(self, person: str) -> list[Event]:
        """Spoofs and passes of ``person`` lately."""
        lock = self.rules.lock
        since = self.ledger.clock.unix_ms() - lock.window_ms - lock.lock_ms
        return self.ledger.events(
            Query(person=person, kinds=_LOCK_KINDS, causes=_LOCK_CAUSES, since_ms=since)
        )

    def _is_locked(self, before: list[Event]) -> bool:
        until = locked_until_ms(before, self.rules.lock)
        return until is not None and self.ledger.clock.unix_ms() < until

    def _is_challenged(self, call: Call, before: list[Event]) -> bool:
        """Whether who stands there is asked to move; what the camera needs is asked later."""
        policy, amount = self.rules.challenge, call.request.amount
        fen = None if amount is None else round(amount * 100)
        spoofs = recent_spoofs(before, self.ledger.clock.unix_ms(), self.rules.lock)
        if not needed(policy, fen, spoofs, camera_needs_it=False):
            return False
        return not is_exempt(self._specials(call))

    def _ruling(self, call: Call) -> Ruling:
        policy = self.rules.policy()
        fields = call.request.fields
        visit = Visit(
            med_type=fields["med_type"],
            insutype=fields["insutype"],
            cert_type=fields["mdtrt_cert_type"],
            disease=fields["dise_codg"],
            institution=call.request.institution_code,
            amount=call.request.amount,
            at=self.ledger.clock.now(),
        )
        return ruling(policy, visit, self._specials(call) if policy and policy.specials else ())

    def _specials(self, call: Call) -> tuple[str, ...]:
        """Cases of special registrations that cover the person today (S0-52)."""
        kinds = (Kind.SPECIAL.value, Kind.REVIEW.value)
        institution, today = call.request.institution_code, self.ledger.clock.today()
        events = self.ledger.events(
            Query(kinds=kinds, institution=institution, person=call.person)
        )
        return tuple(r.case.value for r in covering(events, call.person, today))

    def _close(self, call: Call, settled: Settled) -> Reply:
        """Write it down, then answer; what cannot be written down is refused."""
        outcome = settled.outcome
        certificate = ""
        try:
            kind, ward, findings = self._scene(call)
            entry = Entry(
                kind=kind,
                outcome=outcome,
                institution=call.request.institution_code,
                person=call.person,
                deal_no=call.request.deal_no,
                request_sha256=call.body_sha256,
                rule=settled.rule,
                trace=settled.trace,
                findings=(*call.request.findings, *findings, *_identity_findings(settled.trace)),
                detail={**ward, **self._detail(call, settled)},
                sealed={**call.request.fields, "extra": call.request.extra},
            )
            certificate = self.ledger.write(call.id, entry).certificate_no
        except Exception as exc:  # a store that fails in any way must not let anybody pass
            logger.exception("encounter %s: not stored, refused", call.id)
            outcome = refused(cause_of(exc if isinstance(exc, StoreError) else StoreError()))
        logger.info("encounter %s: %s", call.id, outcome.cause.value)
        return _reply(outcome, certificate)

    def _detail(self, call: Call, settled: Settled) -> dict[str, Any]:
        detail = call.attempt.origin()
        if set(call.numbers) != {call.person}:
            detail["numbers"] = list(call.numbers)
        if settled.trace.agent:
            detail["agent"] = settled.trace.agent
        return detail

    def _scene(self, call: Call) -> tuple[Kind, Mapping[str, Any], tuple[Finding, ...]]:
        """Which record type a call is, the ward facts it carries, and what is wrong with them."""
        request = call.request
        if request.fields["med_type"] not in self.rules.inpatient_med_types:
            return Kind.SETTLEMENT, {}, ()
        stay, problems = parse_stay(request.expansion)
        findings = tuple(Finding("exp_content", problem) for problem in problems)
        if stay is None:
            return Kind.SETTLEMENT, {}, findings
        query = Query(_WARD_KINDS, institution=request.institution_code, person=call.person)
        events = self.ledger.events(replace(query, causes=_LET_GO))
        kind = movement(roster(events).get(call.person), stay)
        return kind, stay.detail(), findings


def body_digest(body: bytes) -> str:
    """SHA-256 of a call as received: ties the record to what was asked."""
    return hashlib.sha256(body).hexdigest()


def _identity_findings(trace: Trace) -> tuple[Finding, ...]:
    """A name other than the enrolled one does not refuse: married names, rare characters."""
    return (Finding("name", "differs-from-enrolled"),) if trace.name_differs else ()


def _reply(outcome: Outcome, certificate: str) -> Reply:
    passed = outcome.answer is not Answer.FAIL
    message = TABLE[outcome.cause].message
    return Reply(outcome.answer, message, certificate if passed else "", outcome.who)


def _again(earlier: Event) -> Reply:
    """The answer of an earlier call, word for word."""
    who = {Cause.MATCHED_SELF: Who.SELF, Cause.MATCHED_AGENT: Who.AGENT}
    message = TABLE[earlier.cause].message
    return Reply(
        earlier.answer, message, earlier.certificate_no, who.get(earlier.cause, Who.NOBODY)
    )
