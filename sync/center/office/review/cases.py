"""One way for all that is decided: put forward, judged, and judged again by somebody else.

``pending`` → ``proposed`` → ``approved`` or ``rejected``; who disagrees sends it back. Where no
second person is asked for (``settings``), the first word is the last.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select, update

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.office import Ask, Office, settings
from yibao_face.sync.center.office.organisation.institutions import names_of
from yibao_face.sync.center.office.people import mask
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.office.store.tables import CASE
from yibao_face.sync.center.store.marks import mark

BINDING, SPECIAL, AGENT, ERASURE = "binding", "special", "agent", "erasure"
Kinds = tuple[str, ...]
# What has to happen in the same transaction when a case is decided for good.
Settle = Callable[[Office, Connection, Ask, dict[str, Any]], None]
_SECOND = {
    BINDING: "second_binding",
    SPECIAL: "second_special",
    AGENT: "second_special",
    ERASURE: "second_erasure",
}
_SHOWN = (
    *("id", "kind", "state", "institution", "device", "person", "created_ms", "created_by"),
    *("verdict", "decided_by", "decided_ms", "reason", "confirmed_by", "confirmed_ms"),
    "published",
)
_OPEN: dict[str, Any] = {"verdict": None, "decided_by": None, "decided_ms": None}


def list_cases(office: Office, ask: Ask, kinds: Kinds) -> dict[str, Any]:
    """Those of ``kinds``, the newest first."""
    query = ask.query
    wanted = [kind for kind in kinds if query["kind"] in (None, kind)]
    own = select(CASE).where(CASE.c.kind.in_(wanted))
    if query["state"] is not None:
        own = own.where(CASE.c.state == query["state"])
    with office.looking(ask, f"{kinds[0]}s") as (db, bare):
        own = own.where(ask.holds(db, CASE.c.institution))
        keys = [CASE.c.created_ms, CASE.c.id]
        found, following = paged(db, own, keys, query, newest=True)
        items = shown(db, found, bare=bare)
    return {"items": items, "next": following}


def one_case(office: Office, ask: Ask, kinds: Kinds) -> dict[str, Any]:
    """One of them."""
    with office.looking(ask, f"{kinds[0]}:{ask.path['id']}") as (db, bare):
        return shown(db, [found_case(db, ask, kinds)], bare=bare)[0]


def decide(office: Office, ask: Ask, kinds: Kinds, settle: Settle) -> dict[str, Any]:
    """The first word on a case; never by who put it forward."""
    with office.writing() as db:
        case = found_case(db, ask, kinds, lock=True)
        _expect(case, "pending")
        _another(ask, case["created_by"])
        values: dict[str, Any] = {
            "verdict": ask.body["approve"],
            "decided_by": ask.actor.name,
            "decided_ms": ask.now_ms,
            "reason": ask.body["reason"],
            "state": "proposed",
        }
        if not settings(db)[_SECOND[case["kind"]]]:
            values["state"] = _final(values["verdict"])
        return _write(office, db, ask, (case, values), settle)


def confirm(office: Office, ask: Ask, kinds: Kinds, settle: Settle) -> dict[str, Any]:
    """The second word, by somebody else: it stands, or is sent back to be judged anew."""
    with office.writing() as db:
        case = found_case(db, ask, kinds, lock=True)
        _expect(case, "proposed")
        _another(ask, case["created_by"], case["decided_by"])
        if ask.body["agree"]:
            who = {"confirmed_by": ask.actor.name, "confirmed_ms": ask.now_ms}
            values: dict[str, Any] = {**who, "state": _final(case["verdict"])}
        else:
            values = {**_OPEN, "state": "pending", "reason": ask.body["reason"] or ""}
        return _write(office, db, ask, (case, values), settle)


def found_case(db: Connection, ask: Ask, kinds: Kinds, *, lock: bool = False) -> dict[str, Any]:
    """A case the asker may look at; ``RefusedError`` 404."""
    own = select(CASE).where(CASE.c.id == ask.path["id"], CASE.c.kind.in_(kinds))
    own = own.where(ask.scope.holds(CASE.c.institution))
    row = db.execute(own.with_for_update() if lock else own).mappings().first()
    if row is None:
        raise RefusedError(404, "case", "没有这条申请或登记，或不在您的授权范围内")
    return dict(row)


def new_case(id_: str, kind: str, institution: str, **facts: Any) -> dict[str, Any]:
    """A row that waits for its first word."""
    return {
        "id": id_,
        "kind": kind,
        "state": "pending",
        "institution": institution,
        "device": None,
        "person": None,
        "day": "",
        "created_by": "",
        "detail": "{}",
        **_OPEN,
        "reason": "",
        "confirmed_by": None,
        "confirmed_ms": None,
        "published": False,
        **facts,
    }


def shown(db: Connection, found: list[dict[str, Any]], *, bare: bool) -> list[dict[str, Any]]:
    """As the office answers cases; who is meant only when ``bare``."""
    names = names_of(db, {row["institution"] for row in found})
    return [
        {**_case(row, bare=bare), "institution_name": names.get(row["institution"])}
        for row in found
    ]


def _case(row: dict[str, Any], *, bare: bool) -> dict[str, Any]:
    detail = json.loads(row["detail"])
    own = {name: row[name] for name in _SHOWN} | {"detail": detail}
    if bare:
        return own
    person = None if row["person"] is None else mask.person(row["person"])
    return {**own, "person": person, "detail": mask.inner(detail)}


def _write(
    office: Office,
    db: Connection,
    ask: Ask,
    change: tuple[dict[str, Any], dict[str, Any]],
    settle: Settle,
) -> dict[str, Any]:
    before, values = change
    after = {**before, **values}
    db.execute(update(CASE).where(CASE.c.id == before["id"]).values(**values))
    if after["state"] in ("approved", "rejected"):
        settle(office, db, ask, after)
    if before["day"]:
        mark(db, [(before["institution"], before["day"])], ask.now_ms)
    subject = f"{before['kind']}:{before['id']}"
    office.note(db, ask, subject, before["institution"], old=before, new=values)
    return shown(db, [after], bare=False)[0]


def _final(verdict: bool | None) -> str:
    return "approved" if verdict else "rejected"


def _expect(case: dict[str, Any], state: str) -> None:
    if case["state"] != state:
        raise RefusedError(409, "state", "已被处理，请刷新后再看")


def _another(ask: Ask, *before: str) -> None:
    if ask.actor.name in before:
        raise RefusedError(409, "second-person", "须由另一人办理")
