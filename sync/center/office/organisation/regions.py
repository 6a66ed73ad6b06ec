"""Provinces, cities and counties, each in the one above."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, true, update

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.door.field import choice, text
from yibao_face.sync.center.office.door.form import LEVELS
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.organisation.sheet import read_sheet, write_sheet
from yibao_face.sync.center.office.people.scope import Scope
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.office.store.tables import GRANT, INSTITUTION, REGION
from yibao_face.sync.center.store.database import rows

COLUMNS = ("code", "name", "level", "parent")
_FIELDS = (
    text("code", "区划编码", 12, r"[0-9]{2,12}").need(),
    text("name", "名称", 100).need(),
    choice("level", "级别", *LEVELS).need(),
    text("parent", "上级编码", 12, r"[0-9]{2,12}"),
)


def list_regions(office: Office, ask: Ask) -> dict[str, Any]:
    """Those the asker may look at, with what lies above them."""
    own = select(REGION)
    if ask.query["parent"] is not None:
        own = own.where(REGION.c.parent == ask.query["parent"])
    with office.reading() as db:
        own = own.where(_seen(db, ask.scope))
        found, following = paged(db, own, [REGION.c.code], ask.query)
        items = [_shown(db, row) for row in found]
    return {"items": items, "next": following}


def put_region(office: Office, ask: Ask) -> dict[str, Any]:
    """A new region, or other facts of one; what lies below moves with it."""
    given = {"code": ask.path["code"], **ask.body}
    with office.writing() as db:
        before = _stored(db, given["code"])
        _put(db, ask.scope, given)
        office.note(db, ask, f"region:{given['code']}", old=before, new=given)
        return _shown(db, given)


def delete_region(office: Office, ask: Ask) -> dict[str, Any]:
    """Only of a region that nothing lies in and nobody is granted."""
    code = ask.path["code"]
    with office.writing() as db:
        before = _stored(db, code)
        if before is None or not ask.scope.has_path(before["path"]):
            raise RefusedError(404, "region", "没有这个区划")
        used = (
            select(REGION.c.code).where(REGION.c.parent == code),
            select(INSTITUTION.c.code).where(INSTITUTION.c.region == code),
            select(GRANT.c.name).where(GRANT.c.scope == f"region:{code}"),
        )
        if any(db.execute(one.limit(1)).first() for one in used):
            raise RefusedError(409, "state", "区划内还有下级、机构或授权，不能删除")
        db.execute(delete(REGION).where(REGION.c.code == code))
        office.note(db, ask, f"region:{code}", old=before)
    return {"done": True}


def import_regions(office: Office, ask: Ask) -> dict[str, Any]:
    """All rows or none; a region stands below its parent."""
    given = read_sheet(ask.body["csv"], _FIELDS)
    counts = {"new": 0, "changed": 0, "same": 0}
    with office.writing() as db:
        for row in given:
            counts[_put(db, ask.scope, row)] += 1
        office.note(db, ask, "regions", new=given)
    return counts


def export_regions(office: Office, ask: Ask) -> str:
    """As ``import_regions`` takes it: parents first."""
    with office.reading() as db:
        own = select(REGION).where(_seen(db, ask.scope))
        found = rows(db, own.order_by(REGION.c.path))
    return write_sheet(COLUMNS, found)


def _put(db: Connection, scope: Scope, given: dict[str, Any]) -> str:
    code, before = given["code"], _stored(db, given["code"])
    path = f"{_parent_path(db, given)}{code}/"
    if not scope.has_path(path) or (before is not None and not scope.has_path(before["path"])):
        raise RefusedError(403, "scope", f"区划{code}不在您的授权范围内")
    values = {name: given[name] for name in COLUMNS} | {"path": path}
    if before is None:
        db.execute(insert(REGION).values(**values))
        return "new"
    if before == values:
        return "same"
    db.execute(update(REGION).where(REGION.c.code == code).values(**values))
    _move(db, before["path"], path)
    return "changed"


def _parent_path(db: Connection, given: dict[str, Any]) -> str:
    """``RefusedError`` unless the parent is one level above; a province has none."""
    code, level, parent = given["code"], given["level"], given["parent"]
    if parent is None:
        if level != LEVELS[0]:
            raise RefusedError(422, "field", f"区划{code}须有上级(parent)")
        return "/"
    above = _stored(db, parent)
    if above is None or LEVELS.index(level) != LEVELS.index(above["level"]) + 1:
        raise RefusedError(422, "field", f"区划{code}的上级(parent)不存在或级别不对")
    return str(above["path"])


def _move(db: Connection, old: str, new: str) -> None:
    below = REGION.c.path.startswith(old, autoescape=True)
    moved = new + func.substr(REGION.c.path, len(old) + 1)
    if old != new:
        db.execute(update(REGION).where(below).values(path=moved))


def _stored(db: Connection, code: str) -> dict[str, Any] | None:
    row = db.execute(select(REGION).where(REGION.c.code == code)).mappings().first()
    return None if row is None else dict(row)


def _seen(db: Connection, scope: Scope) -> ColumnElement[bool]:
    """Regions inside, the regions of single institutions, and all above them."""
    if scope.everything:
        return true()
    single = select(REGION.c.path).join(INSTITUTION, INSTITUTION.c.region == REGION.c.code)
    single = single.where(INSTITUTION.c.code.in_(sorted(scope.institutions)))
    paths = {*scope.paths, *db.execute(single).scalars()}
    above = {code for path in paths for code in path.strip("/").split("/")}
    inside = [REGION.c.path.startswith(path, autoescape=True) for path in sorted(scope.paths)]
    return or_(REGION.c.code.in_(sorted(above)), *inside)


def _shown(db: Connection, row: dict[str, Any]) -> dict[str, Any]:
    own = select(func.count()).select_from(INSTITUTION)
    count = db.execute(own.where(INSTITUTION.c.region == row["code"])).scalar_one()
    return {**{name: row[name] for name in COLUMNS}, "institutions": count}
