"""Erasing what names a person at one institution, asked for and approved by two (PIPL, F50).

The record stays, with its figures and its place in the chain; who it was of goes: sealed part,
certificate, digests, evidence files. Its hash can no longer be recomputed, which the case tells.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.ingest.record import day_part
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.review.cases import ERASURE, new_case, shown
from yibao_face.sync.center.office.store.tables import CASE
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.tables import CONFLICT, RECORD

KINDS = (ERASURE,)
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_AT_ONCE = 20


def apply_erasure(office: Office, ask: Ask) -> dict[str, Any]:
    """Somebody asks for it; a record says who is meant, so that nobody types a number in."""
    id_ = ask.body["record"]
    with office.writing() as db:
        record = _record(db, ask, id_)
        row = new_case(
            str(uuid.uuid4()),
            ERASURE,
            record["institution"],
            person=record["person"],
            created_ms=ask.now_ms,
            created_by=ask.actor.name,
            reason=ask.body["reason"],
            detail=json.dumps({"record": id_}),
        )
        db.execute(insert(CASE).values(**row))
        office.note(db, ask, f"erasure:{row['id']}", record["institution"], new=row)
        return shown(db, [row], bare=False)[0]


def settle_erasure(_office: Office, db: Connection, _ask: Ask, case: dict[str, Any]) -> None:
    """Once approved: take the person out of everything of the institution."""
    if case["state"] != "approved":
        return
    person, nobody = case["person"], f"erased-{case['id']}"
    meant = or_(RECORD.c.person == person, RECORD.c.detail.contains(person))
    kept = (RECORD.c.id, RECORD.c.part, RECORD.c.person, RECORD.c.evidence_sha256, RECORD.c.detail)
    own = select(*kept).where(RECORD.c.institution == case["institution"], meant)
    found = rows(db, own)
    for row in found:
        _blank(db, row, person, nobody)
    ids = [row["id"] for row in found]
    if ids:
        db.execute(update(CONFLICT).where(CONFLICT.c.id.in_(ids)).values(body="{}"))
    others = or_(CASE.c.person == person, CASE.c.detail.contains(person))
    db.execute(
        update(CASE)
        .where(CASE.c.institution == case["institution"], others)
        .values(
            person=func.replace(CASE.c.person, person, nobody),
            detail=func.replace(CASE.c.detail, person, nobody),
        )
    )
    mine = [row for row in found if row["person"] == person]
    files = sorted({name for row in mine for name in _evidence(row)})
    detail = {**json.loads(case["detail"]), "records": len(mine), "evidence": files}
    db.execute(update(CASE).where(CASE.c.id == case["id"]).values(detail=json.dumps(detail)))


def drop_evidence(office: Office) -> int:
    """Remove the files of approved erasures; of how many cases. Repeated until it is done."""
    own = select(CASE.c.id, CASE.c.detail).where(
        CASE.c.kind == ERASURE, CASE.c.state == "approved", CASE.c.published.is_(False)
    )
    with office.reading() as db:
        waiting = rows(db, own.limit(_AT_ONCE))
    for case in waiting:
        for sha256 in json.loads(case["detail"])["evidence"]:
            office.center.evidence.drop(sha256)
        with office.writing() as db:
            db.execute(update(CASE).where(CASE.c.id == case["id"]).values(published=True))
    return len(waiting)


def _record(db: Connection, ask: Ask, id_: str) -> dict[str, Any]:
    if not UUID7.fullmatch(id_):
        raise RefusedError(404, "record", "没有这条记录")
    own = select(RECORD.c.institution, RECORD.c.person)
    own = own.where(RECORD.c.part == day_part(id_), RECORD.c.id == id_)
    row = db.execute(own.where(ask.scope.holds(RECORD.c.institution))).mappings().first()
    if row is None:
        raise RefusedError(404, "record", "没有这条记录，或不在您的授权范围内")
    if not _SHA256.fullmatch(row["person"]):
        raise RefusedError(409, "state", "这条记录不指任何人，或已删除")
    return dict(row)


def _blank(db: Connection, row: dict[str, Any], person: str, nobody: str) -> None:
    values: dict[str, Any] = {"detail": row["detail"].replace(person, nobody)}
    if row["person"] == person:
        values |= {"person": nobody, "sealed_request": b"", "certificate": ""}
        values |= {"evidence_sha256": ""}
    its = (RECORD.c.part == row["part"], RECORD.c.id == row["id"])
    db.execute(update(RECORD).where(*its).values(**values))


def _evidence(row: dict[str, Any]) -> list[str]:
    detail = json.loads(row["detail"])
    named = [*detail.get("photos", []), *detail.get("documents", [])]
    found = [row["evidence_sha256"], *(name for name in named if isinstance(name, str))]
    return [name for name in found if _SHA256.fullmatch(name)]
