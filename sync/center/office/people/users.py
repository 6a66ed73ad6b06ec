"""Users and what they are granted, by an administrator of the part they work in (S4-99)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    delete,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy import cast as sql_cast

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.people import password
from yibao_face.sync.center.office.people.scope import Scope
from yibao_face.sync.center.office.people.session import end_sessions
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.office.store.tables import (
    GRANT,
    INSTITUTION,
    PASSWORD,
    REGION,
    USER,
)
from yibao_face.sync.center.store.database import put_once, rows


def list_users(office: Office, ask: Ask) -> dict[str, Any]:
    """Users all of whose grants lie where the asker may look."""
    own = select(USER).where(_within(ask.scope))
    if text := ask.query["text"]:
        found = USER.c.name.contains(text, autoescape=True)
        own = own.where(or_(found, USER.c.display.contains(text, autoescape=True)))
    with office.reading() as db:
        users, following = paged(db, own, [USER.c.name], ask.query)
        items = [_shown(db, user, ask.now_ms) for user in users]
    return {"items": items, "next": following}


def one_user(office: Office, ask: Ask) -> dict[str, Any]:
    """One of them."""
    with office.reading() as db:
        return _shown(db, _found(db, ask), ask.now_ms)


def add_user(office: Office, ask: Ask) -> dict[str, Any]:
    """A new user, who may do nothing yet and has to change the password at once."""
    name = ask.body["name"]
    _check(ask.body["password"], name)
    row = new_row(name, ask.body["display"], ask.body["password"], ask.now_ms)
    with office.writing() as db:
        if not put_once(db, USER, row, "name"):
            raise RefusedError(409, "taken", "登录名已被使用，请换一个")
        office.note(db, ask, name, new={"display": row["display"]})
        return _shown(db, row, ask.now_ms)


def change_user(office: Office, ask: Ask) -> dict[str, Any]:
    """Another display name, or shut out and let in again."""
    given = {key: value for key, value in ask.body.items() if value is not None}
    with office.writing() as db:
        before = _found(db, ask)
        if given.get("status") == "disabled":
            _not_oneself(ask)
            end_sessions(db, before["name"])
        if given:
            db.execute(update(USER).where(USER.c.name == before["name"]).values(**given))
        office.note(db, ask, before["name"], old={k: before[k] for k in given}, new=given)
        return _shown(db, {**before, **given}, ask.now_ms)


def set_grants(office: Office, ask: Ask) -> dict[str, Any]:
    """What a user may do and where, instead of what he might before."""
    wanted = sorted({(grant["role"], grant["scope"]) for grant in ask.body["grants"]})
    with office.writing() as db:
        user = _found(db, ask)
        _not_oneself(ask)
        for _, scope in wanted:
            _check_scope(db, ask.scope, scope)
        before = _grants(db, user["name"])
        db.execute(delete(GRANT).where(GRANT.c.name == user["name"]))
        if wanted:
            made = [{"name": user["name"], "role": role, "scope": s} for role, s in wanted]
            db.execute(insert(GRANT), made)
        office.note(db, ask, user["name"], old=before, new=wanted)
        return _shown(db, user, ask.now_ms)


def reset_password(office: Office, ask: Ask) -> dict[str, Any]:
    """A new first password, which unlocks and has to be changed at once."""
    with office.reading() as db:
        name = _found(db, ask)["name"]
    _not_oneself(ask)
    _check(ask.body["password"], name)
    kept = password.hashed(ask.body["password"])
    with office.writing() as db:
        user = _found(db, ask)
        values = {"password": kept, "must_change": True, "failures": 0, "locked_until_ms": 0}
        db.execute(update(USER).where(USER.c.name == name).values(**values))
        end_sessions(db, name)
        office.note(db, ask, name)
        return _shown(db, {**user, **values}, ask.now_ms)


def change_password(office: Office, ask: Ask) -> dict[str, Any]:
    """One's own; all other sessions end. The last five are not taken again."""
    name, given = ask.actor.name, ask.body["new"]
    with office.reading() as db:
        own = select(USER.c.password).where(USER.c.name == name)
        kept = str(db.execute(own).scalar_one())
        older = select(PASSWORD.c.password).where(PASSWORD.c.name == name)
        older = older.order_by(PASSWORD.c.set_ms.desc()).limit(password.KEPT)
        used = [kept, *db.execute(older).scalars()]
    if not password.fits(ask.body["old"], kept):
        raise RefusedError(422, "password", "原密码不对")
    _check(given, name)
    if any(password.fits(given, one) for one in used):
        raise RefusedError(422, "password", f"不能用最近{password.KEPT}次用过的密码")
    made = password.hashed(given)
    with office.writing() as db:
        db.execute(insert(PASSWORD).values(name=name, set_ms=ask.now_ms, password=kept))
        values = {"password": made, "must_change": False}
        db.execute(update(USER).where(USER.c.name == name).values(**values))
        end_sessions(db, name, but=ask.session)
        office.note(db, ask, name)
    return {"done": True}


def new_row(name: str, display: str, given: str, now_ms: int) -> dict[str, Any]:
    """The row of a user who was just made."""
    return {
        "name": name,
        "display": display,
        "status": "active",
        "password": password.hashed(given),
        "must_change": True,
        "failures": 0,
        "locked_until_ms": 0,
        "last_login_ms": None,
        "created_ms": now_ms,
    }


def _within(scope: Scope) -> ColumnElement[bool]:
    """No grant reaches beyond ``scope``."""
    if scope.everything:
        return literal(True)
    regions = [REGION.c.path.startswith(path, autoescape=True) for path in sorted(scope.paths)]
    named = sql_cast(GRANT.c.scope, String)
    inside: ColumnElement[bool] = named.in_(
        select(literal("institution:") + INSTITUTION.c.code).where(scope.holds(INSTITUTION.c.code))
    )
    if regions:
        codes = select(literal("region:") + REGION.c.code).where(or_(*regions))
        inside = or_(inside, named.in_(codes))
    return USER.c.name.not_in(select(GRANT.c.name).where(~inside))


def _found(db: Connection, ask: Ask) -> dict[str, Any]:
    own = select(USER).where(USER.c.name == ask.path["name"], _within(ask.scope))
    row = db.execute(own).mappings().first()
    if row is None:
        raise RefusedError(404, "user", "没有这个用户，或不在您的授权范围内")
    return dict(row)


def _check_scope(db: Connection, held: Scope, wanted: str) -> None:
    """Raise ``RefusedError`` unless what is granted lies in what the giver holds."""
    kind, _, code = wanted.partition(":")
    if kind == "institution":
        held.check(db, code)
        return
    path = db.execute(select(REGION.c.path).where(REGION.c.code == code)).scalar()
    fits = held.everything if wanted == "*" else path is not None and held.has_path(path)
    if not fits:
        raise RefusedError(403, "scope", "不能授予自己范围以外的权限")


def _not_oneself(ask: Ask) -> None:
    if ask.path["name"] == ask.actor.name:
        raise RefusedError(403, "scope", "不能对自己做这项操作，请由其他管理员办理")


def _check(given: str, name: str) -> None:
    if problem := password.weakness(given, name):
        raise RefusedError(422, "password", problem)


def _grants(db: Connection, name: str) -> list[dict[str, Any]]:
    own = select(GRANT.c.role, GRANT.c.scope).where(GRANT.c.name == name)
    return rows(db, own.order_by(GRANT.c.role, GRANT.c.scope))


def _shown(db: Connection, user: dict[str, Any], now_ms: int) -> dict[str, Any]:
    kept = ("name", "display", "status", "must_change", "last_login_ms", "created_ms")
    locked = user["locked_until_ms"] > now_ms
    shown = {key: user[key] for key in kept}
    return {**shown, "locked": locked, "grants": _grants(db, user["name"])}
