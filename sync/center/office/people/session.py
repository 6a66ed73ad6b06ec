"""Signing in and staying signed in: signed secrets with an end, locked after failures (S4-96)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.people import audit, password
from yibao_face.sync.center.office.people.scope import Actor, scopes_of
from yibao_face.sync.center.office.people.secret import Secrets
from yibao_face.sync.center.office.store.tables import GRANT, SESSION, USER

LIFE_MS, IDLE_MS = 12 * 3600 * 1000, 30 * 60 * 1000
FAILURES, LOCKED_MS = 5, 15 * 60 * 1000
_SEEN_EVERY_MS = 60 * 1000
_TOKEN_BYTES = 32
_WRONG = "登录名或密码不对"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. ``token``: given out once, when it was made; else empty."""

    actor: Actor
    csrf: str
    expires_ms: int
    sha256: str
    token: str = ""

    def shown(self) -> dict[str, Any]:
        """As the office answers it."""
        grants = [{"role": role, "scope": scope} for role, scope in self.actor.grants]
        return {
            "name": self.actor.name,
            "display": self.actor.display,
            "grants": grants,
            "permissions": sorted(self.actor.scopes),
            "csrf": self.csrf,
            "must_change": self.actor.must_change,
            "expires_ms": self.expires_ms,
            "token": None,
        }


def sign_in(office: Office, name: str, given: str, source: str, now_ms: int) -> Session:
    """A new session; ``RefusedError`` 401 or, while locked, 429."""
    kept = _reserved(office, name, source, now_ms)
    if not password.fits(given, kept or password.NOBODY) or kept is None:
        with office.writing() as db:
            _told(db, office, now_ms, (name, source), audit.REFUSED)
        raise RefusedError(401, "login", _WRONG)
    with office.writing() as db:
        free = {"failures": 0, "locked_until_ms": 0, "last_login_ms": now_ms}
        db.execute(update(USER).where(USER.c.name == name).values(**free))
        db.execute(delete(SESSION).where(SESSION.c.expires_ms <= now_ms))
        token, row = _new(office.secrets, name, source, now_ms)
        db.execute(insert(SESSION).values(**row))
        _told(db, office, now_ms, (name, source), audit.DONE)
        actor = _actor(db, name)
    if actor is None:
        raise RefusedError(401, "login", _WRONG)
    return Session(actor, row["csrf"], row["expires_ms"], row["sha256"], token)


def session_of(office: Office, token: str, now_ms: int) -> Session:
    """The session of a token; ``RefusedError`` 401 when it is forged, over or ended."""
    if not _genuine(office.secrets, token, now_ms):
        raise _signed_out()
    sha256 = hashlib.sha256(token.encode()).hexdigest()
    with office.reading() as db:
        row = db.execute(select(SESSION).where(SESSION.c.sha256 == sha256)).mappings().first()
        if row is None or row["expires_ms"] <= now_ms or row["seen_ms"] + IDLE_MS <= now_ms:
            raise _signed_out()
        actor = _actor(db, row["name"])
    if actor is None:
        raise _signed_out()
    if row["seen_ms"] + _SEEN_EVERY_MS <= now_ms:
        with office.writing() as db:
            own = update(SESSION).where(SESSION.c.sha256 == sha256)
            db.execute(own.values(seen_ms=now_ms))
    return Session(actor, row["csrf"], row["expires_ms"], sha256)


def end_sessions(db: Connection, name: str, but: str = "") -> None:
    """Sign a user out everywhere, except in the session ``but``."""
    db.execute(delete(SESSION).where(SESSION.c.name == name, SESSION.c.sha256 != but))


def sign_out(office: Office, ask: Ask) -> dict[str, Any]:
    """End the session that asks."""
    with office.writing() as db:
        db.execute(delete(SESSION).where(SESSION.c.sha256 == ask.session))
        office.note(db, ask, ask.actor.name)
    return {"done": True}


def _reserved(office: Office, name: str, source: str, now_ms: int) -> str | None:
    """What is kept of the password, after counting this attempt as failed; ``None``: nobody.

    Counted first, so that attempts side by side are not more than attempts one by one.
    """
    with office.writing() as db:
        own = select(USER).where(USER.c.name == name, USER.c.status == "active")
        row = db.execute(own.with_for_update()).mappings().first()
        if row is None:
            return None
        locked = row["locked_until_ms"] > now_ms
        if not locked:
            failures = 1 + (0 if row["locked_until_ms"] else row["failures"])
            until_ms = now_ms + LOCKED_MS if failures >= FAILURES else 0
            values = {"failures": failures, "locked_until_ms": until_ms}
            db.execute(update(USER).where(USER.c.name == name).values(**values))
        else:
            _told(db, office, now_ms, (name, source), audit.REFUSED)
    if locked:
        wait_s = (row["locked_until_ms"] - now_ms) // 1000 + 1
        raise RefusedError(429, "locked", f"输错次数太多，请{wait_s // 60 + 1}分钟后再试", wait_s)
    return str(row["password"])


def _actor(db: Connection, name: str) -> Actor | None:
    own = select(USER).where(USER.c.name == name, USER.c.status == "active")
    row = db.execute(own).mappings().first()
    if row is None:
        return None
    held = select(GRANT.c.role, GRANT.c.scope).where(GRANT.c.name == name)
    grants = tuple(
        (role, scope) for role, scope in db.execute(held.order_by(GRANT.c.role, GRANT.c.scope))
    )
    return Actor(name, row["display"], grants, row["must_change"], scopes_of(db, grants))


def _new(keys: Secrets, name: str, source: str, now_ms: int) -> tuple[str, dict[str, Any]]:
    expires_ms = now_ms + LIFE_MS
    plain = f"{secrets.token_urlsafe(_TOKEN_BYTES)}.{expires_ms}"
    token = f"{plain}.{_signature(keys, plain)}"
    row = {
        "sha256": hashlib.sha256(token.encode()).hexdigest(),
        "name": name,
        "csrf": secrets.token_urlsafe(_TOKEN_BYTES),
        "source": source,
        "made_ms": now_ms,
        "seen_ms": now_ms,
        "expires_ms": expires_ms,
    }
    return token, row


def _genuine(keys: Secrets, token: str, now_ms: int) -> bool:
    plain, _, signature = token.rpartition(".")
    if not token.isascii() or not hmac.compare_digest(_signature(keys, plain), signature):
        return False
    return int(plain.rpartition(".")[2]) > now_ms


def _signature(keys: Secrets, plain: str) -> str:
    code = keys.code("session", plain.encode())
    return base64.urlsafe_b64encode(code).decode().rstrip("=")


def _told(db: Connection, office: Office, now_ms: int, whom: tuple[str, str], result: str) -> None:
    name, source = whom
    entry = audit.Entry(now_ms, name, "login", name, "", source, result=result)
    audit.note(db, office.secrets, entry)


def _signed_out() -> RefusedError:
    return RefusedError(401, "signed-out", "请重新登录")
