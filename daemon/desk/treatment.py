"""Treatments: sign in before, sign out after, make up what was forgotten (S0-53…S0-55)."""

from __future__ import annotations

from typing import Any

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.dialysis import parse_dialysis
from yibao_face.daemon.core.scene.event import Event, Kind
from yibao_face.daemon.core.scene.treatment import (
    findings,
    may_make_up,
    may_sign_in,
    may_sign_out,
    missing_sign_outs,
    open_session,
    overlaps,
    sessions,
)
from yibao_face.daemon.desk.desk import Desk, Done, recorded
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.ledger import Entry

_KINDS = (
    Kind.TREATMENT_IN,
    Kind.TREATMENT_OUT,
    Kind.TREATMENT_MAKEUP,
    Kind.TREATMENT_DATA,
)


def sign_in(desk: Desk, form: Form, attempt: Attempt) -> Done:
    """The patient's face before a treatment; one that is still open is signed out first."""
    institution, (subject, person) = desk.institution(form), desk.subject(form)
    detail = {"item": _item(desk, form), "staff": form.text("staff", "工号")}
    entry = Entry(Kind.TREATMENT_IN, recorded(), institution, person, detail=detail)
    now_ms = desk.ledger.clock.unix_ms()
    bar = may_sign_in(_events(desk, institution, person), person, now_ms, desk.rules.items)
    return desk.refuse(entry, bar) if bar else desk.meet(subject, entry, attempt)


def sign_out(desk: Desk, form: Form, attempt: Attempt) -> Done:
    """The patient's face after it; the session it closes is the one open now."""
    institution, (subject, person) = desk.institution(form), desk.subject(form)
    events, now_ms = _events(desk, institution, person), desk.ledger.clock.unix_ms()
    bar = may_sign_out(events, person, now_ms, desk.rules.items)
    session = open_session(events, person)
    detail = {"session": session.id, "item": session.item} if session else {}
    entry = Entry(Kind.TREATMENT_OUT, recorded(), institution, person, detail=detail)
    return desk.refuse(entry, bar) if bar else desk.meet(subject, entry, attempt)


def make_up(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """A nurse writes in what was forgotten, with a reason, within the time allowed (S0-54)."""
    institution, (_, person) = desk.institution(form), desk.subject(form)
    sign = form.text("sign", "签到或签退")
    if sign not in ("in", "out"):
        raise FormError("签到或签退(sign)须为in或out")
    claimed_ms = form.moment_ms("at", "治疗时间")
    detail = {
        "sign": sign,
        "session": form.text_or_empty("session", "治疗编号", 40),
        "item": _item(desk, form),
        "at_ms": claimed_ms,
        "staff": form.text("staff", "护士工号"),
        "reason": form.text("reason", "补签原因", 100),
    }
    entry = Entry(Kind.TREATMENT_MAKEUP, recorded(), institution, person, detail=detail)
    within_ms = desk.rules.makeup_within_ms
    bar = may_make_up(claimed_ms, desk.ledger.clock.unix_ms(), within_ms)
    if sign == "out" and bar is None:
        bar = _closable(_events(desk, institution, person), form, claimed_ms)
    return desk.refuse(entry, bar) if bar else desk.note(entry)


def _closable(events: list[Event], form: Form, claimed_ms: int) -> Cause | None:
    """A sign-out that would close nothing is refused, not kept as if it had."""
    named = form.text("session", "治疗编号", 40)
    found = next((s for s in sessions(events) if s.id == named), None)
    if found is None or found.out_ms is not None or claimed_ms < found.in_ms:
        return Cause.TREATMENT_NOT_OPEN
    return None


def take_data(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """Process data of a dialysis, kept sealed, tied to its session (S0-55)."""
    institution, session_id = desk.institution(form), form.text("session", "治疗编号", 40)
    known = {s.id: s for s in sessions(_events(desk, institution))}
    if session_id not in known:
        raise FormError("没有这次治疗，请核对治疗编号(session)")
    data, sections = parse_dialysis(form.raw.get("data"))
    detail = {"session": session_id, "sections": list(sections)}
    person = known[session_id].person
    entry = Entry(Kind.TREATMENT_DATA, recorded(), institution, person, detail=detail, sealed=data)
    return desk.note(entry)


def view_treatments(desk: Desk, form: Form) -> dict[str, Any]:
    """Sessions of an institution, those never signed out, and those that overlap."""
    events, now_ms = _events(desk, desk.institution(form)), desk.ledger.clock.unix_ms()
    items = desk.rules.items
    found = sessions(events)
    return {
        "sessions": [
            {
                "session": s.id,
                "person": s.person[:12],
                "item": s.item,
                "in_ms": s.in_ms,
                "out_ms": s.out_ms,
                "findings": list(findings(s, items)),
                "data": s.data,
            }
            for s in found
        ],
        "missing_sign_outs": [s.id for s in missing_sign_outs(events, now_ms, items)],
        "overlaps": [[a.id, b.id] for a, b in overlaps(found)],
    }


def _events(desk: Desk, institution: str, person: str | None = None) -> list[Event]:
    return desk.events(institution, *_KINDS, person=person)


def _item(desk: Desk, form: Form) -> str:
    item = form.text("item", "治疗项目", 30)
    if item not in desk.rules.items:
        raise FormError(f"治疗项目(item)须为{'、'.join(desk.rules.items)}之一")
    return item
