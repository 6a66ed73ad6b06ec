"""Hospitals, clinics and pharmacies (S4-17), as S1-02 has them registered."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update

from yibao_face.sync.api import INSTITUTION as CODE
from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.door.field import choice, text
from yibao_face.sync.center.office.door.form import INSTITUTION_KINDS
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.organisation.sheet import read_sheet, write_sheet
from yibao_face.sync.center.office.people.scope import Scope, region_filter
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.office.store.tables import INSTITUTION, REGION
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.tables import CERTIFICATE

COLUMNS = ("code", "name", "kind", "region", "contact", "phone", "status")
_DEFAULTS = {"contact": "", "phone": "", "status": "active"}
_FIELDS = (
    text("code", "机构编号", 32, CODE.pattern).need(),
    text("name", "名称", 100).need(),
    choice("kind", "类别", *INSTITUTION_KINDS).need(),
    text("region", "区划编码", 12, r"[0-9]{2,12}").need(),
    text("contact", "联系人", 50),
    text("phone", "联系电话", 30, r"[0-9+() -]*"),
    choice("status", "状态", "active", "suspended", "closed"),
)


def list_institutions(office: Office, ask: Ask) -> dict[str, Any]:
    """Those the asker may look at."""
    own, query = select(INSTITUTION).where(ask.scope.holds(INSTITUTION.c.code)), ask.query
    for name in ("kind", "status"):
        if query[name] is not None:
            own = own.where(INSTITUTION.c[name] == query[name])
    if query["text"]:
        named = INSTITUTION.c.name.contains(query["text"], autoescape=True)
        own = own.where(or_(named, INSTITUTION.c.code.contains(query["text"], autoescape=True)))
    with office.reading() as db:
        own = own.where(region_filter(db, INSTITUTION.c.code, query["region"]))
        found, following = paged(db, own, [INSTITUTION.c.code], query)
        items = _shown(db, found, ask.now_ms)
    return {"items": items, "next": following}


def one_institution(office: Office, ask: Ask) -> dict[str, Any]:
    """One of them."""
    own = select(INSTITUTION).where(INSTITUTION.c.code == ask.path["code"])
    with office.reading() as db:
        row = db.execute(own.where(ask.scope.holds(INSTITUTION.c.code))).mappings().first()
        if row is None:
            raise RefusedError(404, "institution", "没有这个机构，或不在您的授权范围内")
        return _shown(db, [dict(row)], ask.now_ms)[0]


def put_institution(office: Office, ask: Ask) -> dict[str, Any]:
    """A new institution, or other facts of one."""
    code = ask.path["code"]
    if not CODE.fullmatch(code):
        raise RefusedError(422, "field", "机构编号(code)只含字母和数字，不超过32位")
    with office.writing() as db:
        before = _stored(db, code)
        given = {"code": code, **ask.body}
        _put(db, ask.scope, given)
        after = _stored(db, code)
        office.note(db, ask, f"institution:{code}", code, old=before, new=after)
        return _shown(db, [after or given], ask.now_ms)[0]


def import_institutions(office: Office, ask: Ask) -> dict[str, Any]:
    """All rows or none."""
    given = read_sheet(ask.body["csv"], _FIELDS)
    counts = {"new": 0, "changed": 0, "same": 0}
    with office.writing() as db:
        for row in given:
            counts[_put(db, ask.scope, row)] += 1
        office.note(db, ask, "institutions", new=given)
    return counts


def export_institutions(office: Office, ask: Ask) -> str:
    """As ``import_institutions`` takes it."""
    own = select(INSTITUTION).where(ask.scope.holds(INSTITUTION.c.code))
    with office.reading() as db:
        found = rows(db, own.order_by(INSTITUTION.c.code))
    return write_sheet(COLUMNS, found)


def names_of(db: Connection, codes: set[str]) -> dict[str, str]:
    """The names of those that are registered."""
    own = select(INSTITUTION.c.code, INSTITUTION.c.name)
    found = db.execute(own.where(INSTITUTION.c.code.in_(sorted(codes))))
    return {str(code): str(name) for code, name in found}


def _put(db: Connection, scope: Scope, given: dict[str, Any]) -> str:
    code, before = given["code"], _stored(db, given["code"])
    path = db.execute(select(REGION.c.path).where(REGION.c.code == given["region"])).scalar()
    if path is None:
        raise RefusedError(422, "field", f"机构{code}的区划(region)未登记")
    if not scope.has_path(path):
        raise RefusedError(403, "scope", f"机构{code}的区划不在您的授权范围内")
    if before is None:
        values = {**_DEFAULTS, **{k: v for k, v in given.items() if v is not None}}
        db.execute(insert(INSTITUTION).values(**values))
        return "new"
    scope.check(db, code)
    values = {**before, **{k: v for k, v in given.items() if v is not None}}
    if values == before:
        return "same"
    db.execute(update(INSTITUTION).where(INSTITUTION.c.code == code).values(**values))
    return "changed"


def _stored(db: Connection, code: str) -> dict[str, Any] | None:
    row = db.execute(select(INSTITUTION).where(INSTITUTION.c.code == code)).mappings().first()
    return None if row is None else dict(row)


def _shown(db: Connection, found: list[dict[str, Any]], now_ms: int) -> list[dict[str, Any]]:
    own = select(CERTIFICATE.c.institution, func.count(CERTIFICATE.c.device.distinct()))
    live = own.where(
        CERTIFICATE.c.institution.in_([row["code"] for row in found]),
        CERTIFICATE.c.revoked_ms.is_(None),
        CERTIFICATE.c.not_after_ms > now_ms,
    )
    counts = {
        str(code): int(n) for code, n in db.execute(live.group_by(CERTIFICATE.c.institution))
    }
    return [
        {**{name: row[name] for name in COLUMNS}, "devices": counts.get(row["code"], 0)}
        for row in found
    ]
