"""Lists of people an institution works with: practitioners, agents, and tasks for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.scene.agent import MAX_AHEAD, MAX_RELATION_CHARS, in_force
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.desk.attendance import take_roster
from yibao_face.daemon.desk.desk import Desk, recorded
from yibao_face.daemon.desk.form import Form
from yibao_face.daemon.desk.ward import note_task
from yibao_face.daemon.gallery.gallery import Numbers, Relation
from yibao_face.daemon.inbox.kind.payload import Fields, fields_of
from yibao_face.daemon.inbox.kind.site import Site
from yibao_face.daemon.inbox.letter import NotUnderstoodError
from yibao_face.daemon.inbox.parcel import Applied, Parcel
from yibao_face.daemon.ledger import Entry

STAFF = "centre"
AGENTS = "agents"
ROSTER = "roster"
_NO_CAMERA_S = 60.0


def apply_roster(site: Site, parcel: Parcel) -> Applied:
    """The whole list of practitioners of an institution, as the desk takes it over."""
    fields = parcel.fields.only("institution", "practitioners")
    rows = [row.only("id", "name") for row in fields.rows("practitioners")]
    people = [{"id": row.text("id", 30), "name": row.text("name", 30)} for row in rows]
    raw = {"institution": fields.text("institution", 20), "practitioners": people, "staff": STAFF}
    take_roster(site.desk, Form(raw), Attempt(_NO_CAMERA_S))
    return Applied({"institution": raw["institution"], "practitioners": len(people)})


def apply_task(site: Site, parcel: Parcel) -> Applied:
    """A round task, on record once; one of a newer version takes its place."""
    task = note_task(site.desk, parcel.document.payload, parcel.document.sha256)
    return Applied({"institution": task.institution})


def apply_agents(site: Site, parcel: Parcel) -> Applied:
    """Relations the centre registered or ended. Those of people not enrolled here wait for them.

    The list is kept, sealed, in its record: it is gone through again when people are delivered.
    """
    facts = put_agents(site.desk, parcel.document.payload, parcel.document.sha256)
    return Applied(facts, {"agents": parcel.document.payload})


@dataclass(frozen=True, slots=True)
class _Wish:
    principal: str
    agent: str
    relation: str
    until: date
    ended: bool


def put_agents(desk: Desk, payload: Any, document_sha256: str) -> dict[str, Any]:
    """Records first, then the gallery in one transaction; what is so already is left.

    How many relations were given and ended, and how many wait for somebody to be enrolled.
    """
    fields = fields_of(payload).only("name", "institution", "relations")
    institution = fields.text("institution", 20)
    rows = [row.only("id", "agent_id", "relation", "until", "ended") for row in _rows(fields)]
    found = [_wish(desk, row) for row in rows]
    wishes = [wish for wish in found if wish is not None]
    for wish in wishes:
        _record(desk, institution, wish, document_sha256)
    desk.gallery.relate(_relations(wishes))
    ended = sum(wish.ended for wish in wishes)
    return {
        "institution": institution,
        "given": len(wishes) - ended,
        "ended": ended,
        "waiting": len(found) - len(wishes),
    }


def _rows(fields: Fields) -> list[Fields]:
    rows = fields.rows("relations")
    if not rows:
        raise NotUnderstoodError("relations is empty")
    return rows


def _wish(desk: Desk, row: Fields) -> _Wish | None:
    numbers = row.text("id", 30).upper(), row.text("agent_id", 30).upper()
    if numbers[0] == numbers[1]:
        raise row.wrong("agent_id", "is the insured person's own")
    relation, until = row.text("relation", MAX_RELATION_CHARS), row.day("until")
    if until > desk.ledger.clock.today() + MAX_AHEAD:
        raise row.wrong("until", "is more than a year ahead")
    principal, agent = (desk.gallery.find(Numbers(number)) for number in numbers)
    if principal is None or agent is None:
        return None
    return _Wish(principal, agent, relation, until, row.flag("ended"))


def _record(desk: Desk, institution: str, wish: _Wish, document_sha256: str) -> None:
    events = desk.events(institution, Kind.AGENT, person=wish.principal)
    now_ms = desk.ledger.clock.unix_ms()
    standing = [m for m in in_force(events, wish.principal, now_ms) if m.agent == wish.agent]
    same = any((m.relation, m.until) == (wish.relation, wish.until) for m in standing)
    if (not standing) if wish.ended else same:
        return
    detail: dict[str, Any] = {"event": "revoke", "agent": wish.agent, "staff": STAFF}
    if not wish.ended:
        detail |= {"event": "register", "relation": wish.relation, "documents": []}
        detail["until"] = wish.until.isoformat()
    detail["document_sha256"] = document_sha256
    desk.note(Entry(Kind.AGENT, recorded(), institution, wish.principal, detail=detail))


def _relations(wishes: Iterable[_Wish]) -> list[Relation]:
    return [
        Relation(w.principal, w.agent, w.relation, None if w.ended else w.until) for w in wishes
    ]
