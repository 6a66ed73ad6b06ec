"""Special and agent registrations of the counters: the regulator has the last word (S0-52)."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, func, select, update

from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.publish import NoKeyError, Parcel, publish
from yibao_face.sync.center.office.review.cases import AGENT, SPECIAL
from yibao_face.sync.center.office.store.tables import CASE
from yibao_face.sync.center.store.database import rows

KINDS = (SPECIAL, AGENT)
DOCUMENT = "review"
_AT_ONCE = 100


def count_specials(office: Office, ask: Ask) -> dict[str, Any]:
    """How many of each kind are in each state."""
    own = select(CASE.c.kind, CASE.c.state, func.count().label("n"))
    own = own.where(CASE.c.kind.in_(KINDS))
    with office.reading() as db:
        own = own.where(ask.holds(db, CASE.c.institution))
        grouped = own.group_by(CASE.c.kind, CASE.c.state)
        return {"counts": rows(db, grouped.order_by(CASE.c.kind, CASE.c.state))}


def settle_special(_office: Office, _db: Connection, _ask: Ask, _case: dict[str, Any]) -> None:
    """Nothing more in this transaction: ``publish_reviews`` tells the device."""


def publish_reviews(office: Office, now_ms: int) -> int:
    """Tell the devices what was decided of their registrations; how many were told."""
    if office.sign is None:
        return 0
    own = select(CASE).where(CASE.c.kind.in_(KINDS), CASE.c.published.is_(False))
    own = own.where(CASE.c.state.in_(("approved", "rejected")), CASE.c.device.is_not(None))
    with office.reading() as db:
        waiting = rows(db, own.order_by(CASE.c.created_ms, CASE.c.id).limit(_AT_ONCE))
    for case in waiting:
        parcel = Parcel(DOCUMENT, case["id"], f"device:{case['device']}", _payload(case))
        try:
            publish(office, parcel, now_ms)
        except NoKeyError:
            return 0
        with office.writing() as db:
            db.execute(update(CASE).where(CASE.c.id == case["id"]).values(published=True))
    return len(waiting)


def _payload(case: dict[str, Any]) -> str:
    body = {
        "of": case["id"],
        "kind": case["kind"],
        "institution": case["institution"],
        "approved": case["state"] == "approved",
        "reason": case["reason"],
        "reviewer": case["confirmed_by"] or case["decided_by"],
        "at_ms": case["confirmed_ms"] or case["decided_ms"],
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
