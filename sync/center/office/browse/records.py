"""Records of all counters, by index however many there are; masked unless asked and allowed."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, select

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.ingest.record import day_part
from yibao_face.sync.center.office.figure.calendar import asked_days, day_range_ms, part_of
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.organisation.sheet import write_sheet
from yibao_face.sync.center.office.people import mask
from yibao_face.sync.center.office.review.erasures import UUID7
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.store.tables import RECORD

_DAYS, _MOST_DAYS = 7, 92
MAX_EXPORT = 50_000
_CELLS = (
    *("id", "kind", "at_ms", "received_ms", "institution", "device", "seq", "deal_no", "person"),
    *("code", "cause", "cp_no", "chain"),
)
_READ = (
    *("part", "id", "kind", "at_unix_ms", "received_ms", "institution", "device", "seq"),
    *("deal_no", "person", "code", "cause", "certificate_no", "chain"),
)
_MORE = (
    *("who", "rule", "camera", "consent", "scores", "models", "thresholds", "detail"),
    *("evidence_sha256", "hash", "offset_ms"),
)
Row = dict[str, Any]


def list_records(office: Office, ask: Ask) -> dict[str, Any]:
    """The newest first."""
    with office.looking(ask, "records") as (db, bare):
        own, keys = asked_records(db, ask)
        found, following = paged(db, own, keys, ask.query, newest=True)
    return {"items": [_shown(row, bare=bare) for row in found], "next": following}


def export_records(office: Office, ask: Ask) -> str:
    """The same as CSV, masked, at most ``MAX_EXPORT`` rows."""
    with office.reading() as db:
        own, keys = asked_records(db, ask)
        found, following = paged(db, own, keys, {"limit": MAX_EXPORT}, newest=True)
    if following is not None:
        raise RefusedError(422, "field", f"超过{MAX_EXPORT}条，请缩短日期范围")
    return write_sheet(_CELLS, [_shown(row, bare=False) for row in found])


def one_record(office: Office, ask: Ask) -> dict[str, Any]:
    """One of them with all it was decided by."""
    id_ = ask.path["id"]
    if not UUID7.fullmatch(id_):
        raise RefusedError(404, "record", "没有这条记录")
    own = select(*(RECORD.c[name] for name in (*_READ, *_MORE)))
    own = own.where(RECORD.c.part == day_part(id_), RECORD.c.id == id_)
    with office.looking(ask, f"record:{id_}") as (db, bare):
        found = db.execute(own.where(ask.scope.holds(RECORD.c.institution))).mappings().first()
    if found is None:
        raise RefusedError(404, "record", "没有这条记录，或不在您的授权范围内")
    return _detail(dict(found), bare=bare)


def asked_records(db: Connection, ask: Ask) -> tuple[Any, list[Any]]:
    """The SELECT and the columns that order it: each way has its index.

    All: the primary key, whose ids rise with time. An institution: its device times. A device:
    its numbers.
    """
    query = ask.query
    first, last = asked_days(query["from"], query["to"], ask.now_ms, _DAYS)
    since_ms, until_ms = day_range_ms(first, last)
    if part_of(last) - part_of(first) >= _MOST_DAYS:
        raise RefusedError(422, "field", f"一次最多查{_MOST_DAYS}天")
    own = select(*(RECORD.c[name] for name in _READ)).where(ask.holds(db, RECORD.c.institution))
    for name in ("device", "kind", "cause", "code"):
        if query[name] is not None:
            own = own.where(RECORD.c[name] == query[name])
    own = own.where(RECORD.c.demo.is_(bool(query["demo"])))
    if query["device"] is None and query["institution"] is None:
        parts = RECORD.c.part.between(part_of(first), part_of(last))
        return own.where(parts), [RECORD.c.part, RECORD.c.id]
    own = own.where(RECORD.c.at_unix_ms >= since_ms, RECORD.c.at_unix_ms < until_ms)
    if query["device"] is not None:
        return own, [RECORD.c.seq, RECORD.c.id]
    return own, [RECORD.c.at_unix_ms, RECORD.c.id]


def _shown(row: Row, *, bare: bool) -> Row:
    own = {
        "id": row["id"],
        "kind": row["kind"],
        "at_ms": row["at_unix_ms"],
        "received_ms": row["received_ms"],
        "institution": row["institution"],
        "device": row["device"],
        "seq": row["seq"],
        "deal_no": row["deal_no"],
        "person": row["person"],
        "code": row["code"],
        "cause": row["cause"],
        "cp_no": row["certificate_no"],
        "chain": row["chain"],
    }
    if bare:
        return own
    masks = {"deal_no": mask.tail, "cp_no": mask.tail, "person": mask.person}
    return {**own, **{name: hide(own[name]) for name, hide in masks.items()}}


def _detail(row: Row, *, bare: bool) -> Row:
    parsed = {name: json.loads(row[name]) for name in ("scores", "models", "thresholds")}
    detail = json.loads(row["detail"])
    return {
        **_shown(row, bare=bare),
        **parsed,
        "who": row["who"],
        "rule": row["rule"],
        "camera": row["camera"],
        "consent": row["consent"],
        "detail": detail if bare else mask.inner(detail),
        "evidence": [row["evidence_sha256"]] if row["evidence_sha256"] else [],
        "hash": row["hash"].hex(),
        "offset_ms": row["offset_ms"],
    }
