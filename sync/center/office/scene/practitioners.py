"""Doctors and pharmacists of an institution: listed, handed to its devices, seen signing in."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy import Connection, insert, select, update

from yibao_face.sync.api import INSTITUTION as CODE
from yibao_face.sync.center.office.door.field import choice, text
from yibao_face.sync.center.office.figure.calendar import asked_days, day_range_ms
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.organisation.sheet import read_sheet
from yibao_face.sync.center.office.people import mask
from yibao_face.sync.center.office.publish import Parcel, devices_of, publish_sealed
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.office.store.tables import PRACTITIONER
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.tables import RECORD

DOCUMENT = "roster"
_MADE_UP = "attendance-makeup"
_SIGNS = ("attendance", _MADE_UP)
_DAYS = 7
_FIELDS = (
    text("institution", "机构编号", 32, CODE.pattern).need(),
    text("number", "证件号码", 30, r"[0-9A-Za-z]{4,30}").need(),
    text("name", "姓名", 50).need(),
    choice("kind", "类别", "doctor", "pharmacist", "nurse", "other").need(),
    choice("status", "状态", "active", "left"),
)


def list_practitioners(office: Office, ask: Ask) -> dict[str, Any]:
    """By institution; names and numbers masked."""
    query = ask.query
    own = select(PRACTITIONER)
    if query["status"] is not None:
        own = own.where(PRACTITIONER.c.status == query["status"])
    with office.looking(ask, "practitioners") as (db, bare):
        own = own.where(ask.holds(db, PRACTITIONER.c.institution))
        keys = [PRACTITIONER.c.institution, PRACTITIONER.c.id]
        found, following = paged(db, own, keys, query)
    return {"items": [_shown(office, row, bare=bare) for row in found], "next": following}


def add_practitioner(office: Office, ask: Ask) -> dict[str, Any]:
    """One more, or other facts of the one with this number."""
    with office.writing() as db:
        row, _ = _put(office, db, ask, ask.body)
        office.note(db, ask, f"practitioner:{row['id']}", row["institution"], new=row)
        return _shown(office, row, bare=False)


def import_practitioners(office: Office, ask: Ask) -> dict[str, Any]:
    """All rows or none."""
    given = read_sheet(ask.body["csv"], _FIELDS)
    counts = {"new": 0, "changed": 0, "same": 0}
    with office.writing() as db:
        for one in given:
            counts[_put(office, db, ask, one)[1]] += 1
        office.note(db, ask, "practitioners", new=counts)
    return counts


def publish_practitioners(office: Office, ask: Ask) -> dict[str, Any]:
    """Hand those who work there to each device of the institution, sealed to it."""
    institution = ask.body["institution"]
    own = select(PRACTITIONER).where(
        PRACTITIONER.c.institution == institution, PRACTITIONER.c.status == "active"
    )
    with office.writing() as db:
        ask.scope.check(db, institution)
        found = rows(db, own.order_by(PRACTITIONER.c.id))
        office.note(db, ask, f"roster:{institution}", institution, new=len(found))
    listed = [{"id": _number(office, row), "name": _name(office, row)[:30]} for row in found]
    body = {"institution": institution, "practitioners": listed}
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    parcel = Parcel(DOCUMENT, institution, institution, payload)
    given = publish_sealed(office, parcel, institution, ask.now_ms)
    with office.reading() as db:
        lacking = sorted({*devices_of(db, institution, ask.now_ms)} - {*given})
    return {"kind": DOCUMENT, "name": institution, "devices": given, "lacking": lacking}


def list_attendance(office: Office, ask: Ask) -> dict[str, Any]:
    """Who signed in and out, from the records; the newest first."""
    query = ask.query
    since, until = day_range_ms(*asked_days(query["from"], query["to"], ask.now_ms, _DAYS))
    kept = ("id", "device", "institution", "at_unix_ms", "day", "person", "cause", "kind")
    own = select(*(RECORD.c[name] for name in kept)).where(
        RECORD.c.at_unix_ms >= since,
        RECORD.c.at_unix_ms < until,
        RECORD.c.kind.in_(_SIGNS),
        RECORD.c.demo.is_(False),
    )
    with office.looking(ask, "attendance") as (db, bare):
        own = own.where(ask.holds(db, RECORD.c.institution))
        keys = [RECORD.c.at_unix_ms, RECORD.c.id]
        found, following = paged(db, own, keys, query, newest=True)
    return {"items": [_sign(row, bare=bare) for row in found], "next": following}


def _put(
    office: Office, db: Connection, ask: Ask, given: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    institution, number = given["institution"], given["number"].upper()
    ask.scope.check(db, institution)
    mac = office.secrets.code("person", f"{institution}\n{number}".encode()).hex()
    its = (PRACTITIONER.c.institution == institution, PRACTITIONER.c.number_mac == mac)
    before = db.execute(select(PRACTITIONER).where(*its).with_for_update()).mappings().first()
    id_ = str(uuid.uuid4()) if before is None else before["id"]
    values = {
        "id": id_,
        "institution": institution,
        "number_mac": mac,
        "number": office.secrets.seal(f"number/{id_}", number),
        "name": office.secrets.seal(f"name/{id_}", given["name"]),
        "kind": given["kind"],
        "status": given["status"] or "active",
        "changed_ms": ask.now_ms,
    }
    if before is None:
        db.execute(insert(PRACTITIONER).values(**values))
        return values, "new"
    same = all(before[name] == values[name] for name in ("kind", "status"))
    if same and _name(office, dict(before)) == given["name"]:
        return dict(before), "same"
    db.execute(update(PRACTITIONER).where(*its).values(**values))
    return values, "changed"


def _number(office: Office, row: dict[str, Any]) -> str:
    return office.secrets.unseal(f"number/{row['id']}", row["number"])


def _name(office: Office, row: dict[str, Any]) -> str:
    return office.secrets.unseal(f"name/{row['id']}", row["name"])


def _shown(office: Office, row: dict[str, Any], *, bare: bool) -> dict[str, Any]:
    name, number = _name(office, row), _number(office, row)
    return {
        "id": row["id"],
        "institution": row["institution"],
        "name": name if bare else mask.name(name),
        "number": number if bare else mask.number(number),
        "kind": row["kind"],
        "status": row["status"],
        "changed_ms": row["changed_ms"],
    }


def _sign(row: dict[str, Any], *, bare: bool) -> dict[str, Any]:
    return {
        "record": row["id"],
        "device": row["device"],
        "institution": row["institution"],
        "at_ms": row["at_unix_ms"],
        "day": row["day"],
        "person": row["person"] if bare else mask.person(row["person"]),
        "cause": row["cause"],
        "made_up": row["kind"] == _MADE_UP,
    }
