"""What every call of the office has at hand, and how it is written down."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select, true

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.center import Center
from yibao_face.sync.center.office.door.permission import Permission
from yibao_face.sync.center.office.people import audit
from yibao_face.sync.center.office.people.scope import Actor, Scope, region_filter
from yibao_face.sync.center.office.people.secret import Secrets
from yibao_face.sync.center.office.store.tables import SETTING

# kind, version, payload as JSON text -> the signed envelope.
Sign = Callable[[str, int, str], bytes]
# payload as JSON text, raw X25519 key of the device, kind, version -> what only it can open.
Seal = Callable[[str, bytes, str, int], dict[str, str]]

# Times in seconds; whether somebody else must look at it too: 1 or 0 (S4-100).
DEFAULTS = {
    "second_binding": 1,
    "second_special": 1,
    "second_erasure": 1,
    "offline_after_s": 300,
    "ticket_after_s": 1800,
}
FLAGS = tuple(name for name in DEFAULTS if name.startswith("second_"))


@dataclass(frozen=True, slots=True)
class OfficeLimits:
    """How often one address may call and try to sign in, and when it is shut out for a while."""

    calls_per_s: float = 20.0
    call_burst: int = 200
    logins_per_s: float = 0.5
    login_burst: int = 20
    failures: int = 20
    failures_in_s: float = 600.0
    shut_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Ask:
    """One call, checked. ``what``: name of its route; ``scope``: where the actor may do it.

    ``session``: digest of the session's secret.
    """

    what: str
    actor: Actor
    scope: Scope
    body: dict[str, Any]
    query: dict[str, Any]
    path: dict[str, str]
    source: str
    now_ms: int
    session: str = ""

    def holds(self, db: Connection, column: Any) -> ColumnElement[bool]:
        """The condition of every list: an institution the actor may look at and asks for."""
        named, region = self.query["institution"], self.query["region"]
        asked = true() if named is None else column == named
        return and_(self.scope.holds(column), asked, region_filter(db, column, region))


@dataclass(frozen=True, slots=True)
class Office:
    """``sign``: ``None`` where the centre has no key of its own: nothing is published then."""

    center: Center
    secrets: Secrets
    sign: Sign | None = None
    seal: Seal | None = None
    limits: OfficeLimits = field(default_factory=OfficeLimits)

    @contextlib.contextmanager
    def reading(self) -> Generator[Connection, None, None]:
        """A transaction that changes nothing."""
        with self.center.database.reading() as db:
            yield db

    @contextlib.contextmanager
    def writing(self) -> Generator[Connection, None, None]:
        """A transaction, on disk when the block has ended."""
        with self.center.database.writing() as db:
            yield db

    @contextlib.contextmanager
    def looking(self, ask: Ask, subject: str) -> Generator[tuple[Connection, bool], None, None]:
        """A transaction, and whether what names people is shown: that is written down first.

        Raises ``RefusedError`` for who asks for it without the permission.
        """
        if not ask.query.get("unmask"):
            with self.reading() as db:
                yield db, False
            return
        if not ask.actor.scope(Permission.UNMASK):
            raise RefusedError(403, "permission", "您没有查看原文的权限")
        with self.writing() as db:
            self.note(db, ask, subject)
            yield db, True

    def note(  # noqa: PLR0913  # what the log of the office is made of
        self,
        db: Connection,
        ask: Ask,
        subject: str,
        institution: str = "",
        *,
        old: object = None,
        new: object = None,
    ) -> None:
        """Write down what ``ask`` did, in the same transaction."""
        digests = (audit.state_digest(old), audit.state_digest(new))
        whom = (ask.actor.name, ask.what, subject[:256], institution, ask.source)
        audit.note(db, self.secrets, audit.Entry(ask.now_ms, *whom, *digests))


def open_office(
    center: Center,
    sign: Sign | None = None,
    seal: Seal | None = None,
    limits: OfficeLimits | None = None,
) -> Office:
    """The office of a centre; ``CenterError`` when its secret cannot be used."""
    return Office(center, Secrets(center.folder), sign, seal, limits or OfficeLimits())


def settings(db: Connection) -> dict[str, int]:
    """What is set, or the default."""
    found = {str(name): int(value) for name, value in db.execute(select(SETTING))}
    return {**DEFAULTS, **{name: found[name] for name in DEFAULTS if name in found}}
