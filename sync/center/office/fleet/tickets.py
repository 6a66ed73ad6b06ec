"""Fault tickets with their two clocks: answered in 24 h, mended in 24 h more (S1-06, S1-21)."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update
from sqlalchemy import delete as delete_from

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.fleet.fault import is_gone
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.organisation.institutions import names_of
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.office.store.tables import TICKET, TICKET_OPEN, TICKET_STEP
from yibao_face.sync.center.store.database import rows

HOURS_24_MS = 24 * 3600 * 1000
SYSTEM, MANUAL = "system", "manual"
_SHOWN = (
    *("id", "state", "cause", "device", "institution", "note", "opened_by", "opened_ms"),
    *("respond_by_ms", "solve_by_ms", "responded_ms", "solved_ms", "closed_ms"),
)
# What may be done in which state, and what state follows.
_STEPS = {
    "respond": (("open",), "responded"),
    "solve": (("open", "responded"), "solved"),
    "reopen": (("solved",), "responded"),
    "close": (("solved",), "closed"),
    "note": (("open", "responded", "solved"), None),
}


def list_tickets(office: Office, ask: Ask) -> dict[str, Any]:
    """The newest first."""
    query = ask.query
    own = select(TICKET)
    for name in ("state", "device"):
        if query[name] is not None:
            own = own.where(TICKET.c[name] == query[name])
    if query["open"]:
        own = own.where(TICKET.c.state != "closed")
    if query["overdue"]:
        own = own.where(overdue(ask.now_ms))
    with office.reading() as db:
        own = own.where(ask.holds(db, TICKET.c.institution))
        keys = [TICKET.c.opened_ms, TICKET.c.id]
        found, following = paged(db, own, keys, query, newest=True)
        items = _shown(db, found, ask.now_ms)
    return {"items": items, "next": following}


def one_ticket(office: Office, ask: Ask) -> dict[str, Any]:
    """One of them, with every step."""
    with office.reading() as db:
        return _detail(db, _found(db, ask), ask.now_ms)


def add_ticket(office: Office, ask: Ask) -> dict[str, Any]:
    """By hand, for what no machine notices."""
    body = ask.body
    with office.writing() as db:
        ask.scope.check(db, body["institution"])
        whose = (body["device"], body["institution"])
        row = new_ticket(MANUAL, whose, ask.actor.name, body["note"], ask.now_ms)
        db.execute(insert(TICKET).values(**row))
        add_step(db, row["id"], "open", ask.actor.name, (body["note"], ask.now_ms))
        office.note(db, ask, f"ticket:{row['id']}", body["institution"], new=row)
        return _detail(db, row, ask.now_ms)


def step_ticket(office: Office, ask: Ask) -> dict[str, Any]:
    """What somebody did about it; closing takes a second person, and the fault to be gone."""
    act = ask.what.removeprefix("ticket_")
    states, following = _STEPS[act]
    with office.writing() as db:
        row = _found(db, ask, lock=True)
        if row["state"] not in states:
            raise RefusedError(409, "state", "工单当前状态不能做这项操作，请刷新后再看")
        if act == "close":
            _check_close(db, ask, row)
        values = changed(row, following, ask.actor.name, ask.now_ms)
        if values:
            db.execute(update(TICKET).where(TICKET.c.id == row["id"]).values(**values))
        settle_open(db, {**row, **values})
        add_step(db, row["id"], act, ask.actor.name, (ask.body["note"], ask.now_ms))
        office.note(db, ask, f"ticket:{row['id']}", row["institution"], old=row, new=values)
        return _detail(db, {**row, **values}, ask.now_ms)


def changed(row: dict[str, Any], state: str | None, who: str, now_ms: int) -> dict[str, Any]:
    """The columns of a ticket that comes into ``state``."""
    if state is None:
        return {}
    values: dict[str, Any] = {"state": state}
    if row["responded_ms"] is None:
        values |= {"responded_ms": now_ms, "solve_by_ms": now_ms + HOURS_24_MS}
    if state == "responded":
        values |= {"solved_ms": None, "solved_by": None}
    if state == "solved":
        values |= {"solved_ms": now_ms, "solved_by": who}
    if state == "closed":
        # Alarms until it was called solved are dealt with: they open no further ticket.
        heard_ms = max(row["heard_ms"], row["solved_ms"] or 0)
        values |= {"closed_ms": now_ms, "heard_ms": heard_ms}
    return values


def new_ticket(
    cause: str, whose: tuple[str | None, str], by: str, note: str, now_ms: int
) -> dict[str, Any]:
    """A row for (device, institution)."""
    device, institution = whose
    return {
        "id": str(uuid.uuid4()),
        "state": "open",
        "cause": cause,
        "device": device,
        "institution": institution,
        "note": note,
        "opened_by": by,
        "opened_ms": now_ms,
        "respond_by_ms": now_ms + HOURS_24_MS,
        "solve_by_ms": now_ms + 2 * HOURS_24_MS,
        "responded_ms": None,
        "solved_ms": None,
        "solved_by": None,
        "closed_ms": None,
        "heard_ms": now_ms,
    }


def add_step(db: Connection, ticket: str, what: str, by: str, said: tuple[str, int]) -> None:
    """Write down one transition; ``said``: the reason and when."""
    reason, at_ms = said
    last = select(func.max(TICKET_STEP.c.n)).where(TICKET_STEP.c.ticket == ticket)
    n = 1 + (db.execute(last).scalar() or 0)
    values = {"ticket": ticket, "n": n, "at_ms": at_ms, "what": what, "by": by}
    db.execute(insert(TICKET_STEP).values(**values, reason=reason))


def settle_open(db: Connection, row: dict[str, Any]) -> None:
    """A ticket that is closed makes room for the next of its device and cause."""
    if row["state"] == "closed":
        db.execute(delete_from(TICKET_OPEN).where(TICKET_OPEN.c.ticket == row["id"]))


def overdue(now_ms: int) -> ColumnElement[bool]:
    """The condition that somebody is late."""
    unanswered = and_(TICKET.c.state == "open", TICKET.c.respond_by_ms < now_ms)
    return or_(unanswered, and_(TICKET.c.state == "responded", TICKET.c.solve_by_ms < now_ms))


def _check_close(db: Connection, ask: Ask, row: dict[str, Any]) -> None:
    if ask.actor.name == row["solved_by"]:
        raise RefusedError(409, "second-person", "须由另一人核对后关闭")
    if row["cause"] != MANUAL and not is_gone(db, row, ask.now_ms):
        raise RefusedError(409, "state", "故障仍在，不能关闭，请退回")


def _found(db: Connection, ask: Ask, *, lock: bool = False) -> dict[str, Any]:
    own = select(TICKET).where(TICKET.c.id == ask.path["id"])
    own = own.where(ask.scope.holds(TICKET.c.institution))
    row = db.execute(own.with_for_update() if lock else own).mappings().first()
    if row is None:
        raise RefusedError(404, "ticket", "没有这张工单，或不在您的授权范围内")
    return dict(row)


def _detail(db: Connection, row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    kept = ("at_ms", "what", "by", "reason")
    own = select(*(TICKET_STEP.c[name] for name in kept))
    own = own.where(TICKET_STEP.c.ticket == row["id"]).order_by(TICKET_STEP.c.n)
    return {**_shown(db, [row], now_ms)[0], "steps": rows(db, own)}


def _shown(db: Connection, found: list[dict[str, Any]], now_ms: int) -> list[dict[str, Any]]:
    names = names_of(db, {row["institution"] for row in found})
    return [
        {
            **{name: row[name] for name in _SHOWN},
            "institution_name": names.get(row["institution"]),
            **_lateness(row, now_ms),
        }
        for row in found
    ]


def _lateness(row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    due = {"open": row["respond_by_ms"], "responded": row["solve_by_ms"]}.get(row["state"])
    late_ms = 0 if due is None else max(0, now_ms - due)
    return {"overdue": late_ms > 0, "overdue_ms": late_ms}
