"""From the records of a day to facts that outlive it; tells which other days they change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from yibao_face.sync.center.office.figure.fact import (
    HIS_KINDS,
    NOT_NEEDED,
    PASS,
    count_of,
    registration_of,
    relation_of,
    review_of,
)
from yibao_face.sync.center.office.figure.settlement import judge
from yibao_face.sync.center.office.review.cases import AGENT, SPECIAL, new_case
from yibao_face.sync.center.office.store.figure_tables import CERTIFIED, COUNT, DEAL, DESK_REVIEW
from yibao_face.sync.center.office.store.tables import CASE
from yibao_face.sync.center.store.database import put_once, rows

_AT_ONCE = 500
_NEVER = {"ms": 0, "id": "", "day": ""}
Row = dict[str, Any]
Days = set[tuple[str, str]]


def gather(db: Connection, institution: str, day: str, records: Sequence[Row]) -> Days:
    """Keep the facts; the (institution, day) whose rate they change, ``day`` itself left out."""
    again = _deals(db, institution, day, records)
    _certificates(db, records)
    for row in records:
        if row["kind"] == "settled":
            again |= _count(db, row)
        elif row["kind"] == "review":
            again |= _review(db, row)
        elif row["kind"] in (SPECIAL, AGENT):
            _case(db, day, row)
    return again - {(institution, day)}


def _deals(db: Connection, institution: str, day: str, records: Sequence[Row]) -> Days:
    """The first pass and the first exemption of each settlement."""
    first: dict[str, dict[str, Row]] = {}
    for row in records:
        if row["kind"] in HIS_KINDS and row["deal_no"] and row["code"] in (PASS, NOT_NEEDED):
            what = "pass" if row["code"] == PASS else "exempt"
            first.setdefault(row["deal_no"], {}).setdefault(what, row)
    again: Days = set()
    held = _held(db, institution, [*first])
    for deal_no, found in first.items():
        days = _keep_deal(db, (institution, deal_no, day), found, held.get(deal_no))
        again |= {(institution, other) for other in days}
    return again


def _held(db: Connection, institution: str, deals: list[str]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for begin in range(0, len(deals), _AT_ONCE):
        part = deals[begin : begin + _AT_ONCE]
        own = select(DEAL).where(DEAL.c.institution == institution, DEAL.c.deal_no.in_(part))
        found |= {row["deal_no"]: row for row in rows(db, own)}
    return found


def _keep_deal(
    db: Connection, which: tuple[str, str, str], found: dict[str, Row], held: Row | None
) -> set[str]:
    """Write down what came earlier than what is held; the days that see it differently now."""
    institution, deal_no, day = which
    values = {} if held is None else dict(held)
    changed = False
    for what in ("pass", "exempt"):
        row = found.get(what)
        if row is not None and _earlier(row, values, what):
            values |= {f"{what}_ms": row["at_unix_ms"], f"{what}_id": row["id"]}
            values[f"{what}_day"] = day
            changed = True
        for name, nothing in _NEVER.items():
            values.setdefault(f"{what}_{name}", nothing)
    if not changed:
        return set()
    its = {"institution": institution, "deal_no": deal_no}
    if held is None:
        db.execute(insert(DEAL).values({**values, **its}))
        return set()
    own = update(DEAL).where(DEAL.c.institution == institution, DEAL.c.deal_no == deal_no)
    db.execute(own.values({key: value for key, value in values.items() if key not in its}))
    # A day that held the first until now, or holds an exemption that a pass makes void.
    return {held["pass_day"], held["exempt_day"]} - {""}


def _earlier(row: Row, values: Row, what: str) -> bool:
    if not values.get(f"{what}_id"):
        return True
    held = (values[f"{what}_ms"], values[f"{what}_id"])
    return bool((row["at_unix_ms"], row["id"]) < held)


def _certificates(db: Connection, records: Sequence[Row]) -> None:
    """Who has which cp_no; settlements that name it are judged anew."""
    new: set[str] = set()
    for row in records:
        if row["kind"] in HIS_KINDS and row["certificate_no"]:
            own = {"cp_no": row["certificate_no"], "record": row["id"], "at_ms": row["at_unix_ms"]}
            facts = {"institution": row["institution"], "deal_no": row["deal_no"]}
            if put_once(db, CERTIFIED, {**own, **facts}, "record"):
                new.add(row["certificate_no"])
    judge(db, new)


def _count(db: Connection, row: Row) -> Days:
    told = count_of(row)
    if told is None:
        return set()
    day, category, n = told
    its = {"institution": row["institution"], "day": day, "category": category}
    values = {"at_ms": row["at_unix_ms"], "id": row["id"], "n": n}
    changed = put_once(db, COUNT, {**its, **values}, "day") or _later(db, COUNT, its, values)
    return {(row["institution"], day)} if changed else set()


def _review(db: Connection, row: Row) -> Days:
    told = review_of(row)
    if told is None:
        return set()
    of, approved = told
    its = {"of": of}
    values = {"institution": row["institution"], "at_ms": row["at_unix_ms"], "id": row["id"]}
    values["approved"] = int(approved)
    changed = put_once(db, DESK_REVIEW, {**its, **values}, "of")
    if not (changed or _later(db, DESK_REVIEW, its, values)):
        # Known already: two days that hold reviews of each other's would be folded for ever.
        return set()
    own = select(CASE.c.institution, CASE.c.day).where(CASE.c.id == of, CASE.c.kind == SPECIAL)
    return {(institution, day) for institution, day in db.execute(own)}


def _later(db: Connection, table: Any, its: Row, values: Row) -> bool:
    """Take the place of an earlier word."""
    same = [table.c[name] == value for name, value in its.items()]
    held = rows(db, select(table.c.at_ms, table.c.id).where(*same))[0]
    if (values["at_ms"], values["id"]) <= (held["at_ms"], held["id"]):
        return False
    db.execute(update(table).where(*same).values(**values))
    return True


def _case(db: Connection, day: str, row: Row) -> None:
    """A registration waits for the regulator from now on; one that is there already stays."""
    facts = registration_of(row) if row["kind"] == SPECIAL else relation_of(row)
    if facts is None:
        return
    case = new_case(
        row["id"],
        row["kind"],
        row["institution"],
        device=row["device"],
        person=row["person"],
        day=day,
        created_ms=row["at_unix_ms"],
        detail=json.dumps(facts, ensure_ascii=False),
    )
    put_once(db, CASE, case, "id")
