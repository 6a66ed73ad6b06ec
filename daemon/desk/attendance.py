"""Doctors and pharmacists sign in before they serve and out after it (S0-42…S0-45, S0-56)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yibao_face.daemon.booth.booth import Booth, told
from yibao_face.daemon.booth.encounter import Subject
from yibao_face.daemon.booth.look import Trace
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.core.decision import Outcome, refused
from yibao_face.daemon.core.encounter import Answer, Cause, Who
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.core.scene.attendance import (
    Sign,
    Witness,
    clock_doubt,
    day_record,
    next_sign,
    on_duty,
)
from yibao_face.daemon.core.scene.event import Event, Kind
from yibao_face.daemon.core.scene.treatment import may_make_up
from yibao_face.daemon.desk.desk import AttendanceRules, Desk, Done, recorded
from yibao_face.daemon.desk.form import Form
from yibao_face.daemon.gallery.gallery import Gallery, Numbers
from yibao_face.daemon.ledger import Entry, Ledger
from yibao_face.daemon.wire.attendance import AttendanceRequest
from yibao_face.daemon.wire.reply import AttendanceReply
from yibao_face.sync.api import Query
from yibao_face.sync.uplink.api import SKEW_MS

_BY_FACE = {"by": "face"}
_SIGNED = {Sign.IN: Cause.SIGNED_IN, Sign.OUT: Cause.SIGNED_OUT}


@dataclass(frozen=True, slots=True)
class Attendance:
    """``HisCallAtten``: the HIS says who it is. ``sign_by_face`` is the way without."""

    booth: Booth
    ledger: Ledger
    gallery: Gallery
    rules: AttendanceRules

    def serve(
        self, request: AttendanceRequest, body_sha256: str, attempt: Attempt
    ) -> AttendanceReply:
        """Run one call to its end. Never raises; anything but 0 is no sign (S0-44)."""
        id_ = self.ledger.new_id()
        try:
            cause = self._sign(id_, request, body_sha256, attempt)
        except Exception as exc:  # noqa: BLE001  # the last line before a HIS
            cause = told(id_, exc)
        return reply_of(cause)

    def _sign(
        self, id_: str, request: AttendanceRequest, body_sha256: str, attempt: Attempt
    ) -> Cause:
        numbers = Numbers(request.id_number)
        person = self.gallery.person_of(numbers)
        wanted = Sign(request.action) if request.action else None
        log = _SignLog(self.ledger, self.rules, request.institution_code)
        sign = log.next_of(person, wanted)
        if sign is Cause.ALREADY_SIGNED:
            return sign
        if isinstance(sign, Cause):
            outcome, trace = refused(sign), Trace()
        else:
            subject = Subject(numbers, request.name, purpose=Purpose.ATTENDANCE)
            met, trace = self.booth.meet(id_, subject, attempt)
            outcome = _signed(met, sign)
        entry = Entry(
            kind=Kind.ATTENDANCE,
            outcome=outcome,
            institution=request.institution_code,
            person=person,
            request_sha256=body_sha256,
            trace=trace,
            findings=request.findings,
            detail={**_clock_detail(self.ledger), **attempt.origin()},
            sealed={**request.fields, "extra": request.extra},
        )
        self.ledger.write(id_, entry)
        return outcome.cause


@dataclass(frozen=True, slots=True)
class _SignLog:
    """What an institution's log allows to be signed now."""

    ledger: Ledger
    rules: AttendanceRules
    institution: str

    @property
    def roster(self) -> frozenset[str]:
        return practitioners(self.ledger, self.institution)

    def next_of(self, person: str, wanted: Sign | None) -> Sign | Cause:
        """Which sign of ``person`` comes now, or why none can."""
        if person not in self.roster:
            return Cause.NOT_ON_ROSTER
        now_ms = self.ledger.clock.unix_ms()
        doubt = self._doubt(now_ms)
        if doubt is not None:
            return doubt
        # What lies ahead of a clock that was accepted was signed under one that ran ahead.
        latest_ms = now_ms + self.rules.tolerance_ms
        events = [e for e in self._of_day(person) if e.at_ms <= latest_ms]
        return next_sign(events, person, now_ms, self.rules.duplicate_ms, wanted)

    def bar(self, roster: frozenset[str]) -> Cause | None:
        """Why nobody of ``roster`` can sign now, whoever he is."""
        if not roster:
            return Cause.NOT_ON_ROSTER
        return self._doubt(self.ledger.clock.unix_ms())

    def _doubt(self, now_ms: int) -> Cause | None:
        """Who accepts a clock outweighs the log (``Kind.CLOCK``), never the centre."""
        clock, tolerance_ms = self.ledger.clock, self.rules.tolerance_ms
        high_water_ms = self.ledger.outbox.high_water_ms(Kind.CLOCK.value)
        witness = Witness(high_water_ms, clock.floor_ms(), clock.offset_ms())
        return clock_doubt(witness, now_ms, tolerance_ms, max(SKEW_MS, tolerance_ms))

    def _of_day(self, person: str) -> list[Event]:
        kinds = (Kind.ATTENDANCE.value, Kind.ATTENDANCE_MAKEUP.value)
        today = self.ledger.clock.today().isoformat()
        return self.ledger.events(
            Query(kinds=kinds, institution=self.institution, person=person, first_day=today)
        )


def _clock_detail(ledger: Ledger) -> dict[str, int]:
    """How far the centre's clock was from the one that dates the sign, where it is known (F31)."""
    offset_ms = ledger.clock.offset_ms()
    return {} if offset_ms is None else {"centre_offset_ms": offset_ms}


def reply_of(cause: Cause) -> AttendanceReply:
    """``code`` and ``msg`` of ``HisCallAtten``; a failure names its cause in front (Q13)."""
    row = TABLE[cause]
    prefix = "" if row.attendance == 0 else f"[{cause.value}] "
    return AttendanceReply(row.attendance, prefix + row.message)


def practitioners(ledger: Ledger, institution: str) -> frozenset[str]:
    """Digests of who may sign in at ``institution``: the last roster taken over."""
    query = Query(kinds=(Kind.ROSTER.value,), institution=institution, newest=True, limit=1)
    listed = [event.detail.get("practitioners", []) for event in ledger.events(query)]
    return frozenset(str(digest) for roster in listed for digest in roster)


def take_roster(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """Take over the whole list of practitioners of an institution, by id number."""
    institution = desk.institution(form)
    forms = form.rows("practitioners", "医师药师名单")
    digests = [desk.named(f, "id", "证件号码") for f in forms]
    names = [f.text("name", "姓名", 30) for f in forms]
    entry = Entry(
        Kind.ROSTER,
        recorded(),
        institution,
        detail={"practitioners": digests, "staff": form.text("staff", "工号")},
        sealed={"names": dict(zip(digests, names, strict=True))},
    )
    return desk.note(entry)


def sign_by_face(desk: Desk, form: Form, attempt: Attempt) -> Done:
    """Sign whom the camera sees, if he is one of the roster; without ``sign``, the day toggles.

    Who was recognised is on record also where he had signed already: he was looked at.
    """
    institution = desk.institution(form)
    wanted = form.choice("sign", "签到或签退", Sign) if form.raw.get("sign") else None
    log = _SignLog(desk.ledger, desk.rules.attendance, institution)
    roster = log.roster
    bar = log.bar(roster)
    if bar is not None:
        detail = {**_BY_FACE, **_clock_detail(desk.ledger)}
        return desk.refuse(Entry(Kind.ATTENDANCE, recorded(), institution, detail=detail), bar)
    id_ = desk.ledger.new_id()
    met, trace = desk.booth.identify(id_, roster, attempt)
    # Only now somebody is known whose day may allow the sign or not.
    outcome = _allowed(log, met, wanted) if met.answer is Answer.PASS else met
    detail, facts = {**_search(met, trace), **_clock_detail(desk.ledger)}, _facts(desk, met)
    entry = Entry(Kind.ATTENDANCE, outcome, institution, met.matched, trace=trace, detail=detail)
    record = desk.ledger.write(id_, entry)
    return Done(outcome.cause, record.id, facts)


def _allowed(log: _SignLog, met: Outcome, wanted: Sign | None) -> Outcome:
    """What becomes of a face that was recognised."""
    sign = log.next_of(met.matched, wanted)
    return _signed(met, sign) if isinstance(sign, Sign) else refused(sign, met.similarity)


def _facts(desk: Desk, met: Outcome) -> dict[str, Any]:
    """For the window: who was recognised, so that he sees that it is he."""
    if met.answer is not Answer.PASS:
        return {}
    name = desk.gallery.name(met.matched)
    return {"person": met.matched[:12], "name": name[:1] + "*" * (len(name) - 1)}


def _search(met: Outcome, trace: Trace) -> dict[str, Any]:
    """How sure a search was: it names nobody."""
    figures = {"similarity": met.similarity, "lead": trace.lead}
    rounded = {key: round(value, 4) for key, value in figures.items() if value is not None}
    return {**_BY_FACE, "among": trace.among, **rounded}


def make_up(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """Write in a sign that was forgotten, with a reason; no face is claimed."""
    institution, person = desk.institution(form), desk.named(form, "id", "证件号码")
    sign, claimed_ms = form.choice("sign", "签到或签退", Sign), form.moment_ms("at", "时间")
    detail = {
        "sign": sign.value,
        "at_ms": claimed_ms,
        "staff": form.text("staff", "审批人工号"),
        "reason": form.text("reason", "补签原因", 100),
    }
    bar = may_make_up(claimed_ms, desk.ledger.clock.unix_ms(), desk.rules.makeup_within_ms)
    if person not in practitioners(desk.ledger, institution):
        bar = Cause.NOT_ON_ROSTER
    entry = Entry(Kind.ATTENDANCE_MAKEUP, recorded(), institution, person, detail=detail)
    return desk.refuse(entry, bar) if bar else desk.note(entry)


def accept_clock(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """A named staff member says the present clock is right, after one that ran ahead."""
    detail = {"staff": form.text("staff", "工号"), "reason": form.text("reason", "原因", 100)}
    return desk.note(Entry(Kind.CLOCK, recorded(), desk.institution(form), detail=detail))


def view_attendance(desk: Desk, form: Form) -> dict[str, Any]:
    """Who signed on a day, and who did not sign out."""
    institution = desk.institution(form)
    today = desk.ledger.clock.today()
    day = form.day("day", "日期", today)
    events = desk.events(institution, Kind.ATTENDANCE, Kind.ATTENDANCE_MAKEUP)
    return {
        "day": day.isoformat(),
        "practitioners": [
            {
                "person": person[:12],
                "signs": [[s.value, at_ms] for s, at_ms in record.signs],
                "on_duty": on_duty(events, person, day) and day == today,
                "missing_out": record.missing_out and day != today,
                "made_up": record.made_up,
            }
            for person in sorted(practitioners(desk.ledger, institution))
            if (record := day_record(events, person, day)).signs
        ],
    }


def _signed(met: Outcome, sign: Sign) -> Outcome:
    """The outcome of an encounter as a sign; a face that did not pass signs nothing."""
    if met.answer is not Answer.PASS or met.who is not Who.SELF:
        return met if met.answer is Answer.FAIL else refused(Cause.OTHER_PERSON, met.similarity)
    return Outcome(Answer.PASS, Who.SELF, _SIGNED[sign], met.similarity, met.matched)
