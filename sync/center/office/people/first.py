"""A user made at the console of the centre: the first administrator has nobody to ask."""

from __future__ import annotations

import re

from sqlalchemy import insert

from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.office.door.table import USER_NAME
from yibao_face.sync.center.office.office import Office
from yibao_face.sync.center.office.people import audit
from yibao_face.sync.center.office.people.scope import scope_of
from yibao_face.sync.center.office.people.users import new_row
from yibao_face.sync.center.office.store.tables import GRANT, USER
from yibao_face.sync.center.store.database import put_once


def add_first(
    office: Office, whom: tuple[str, str, str], grant: tuple[str, str], source: str, now_ms: int
) -> None:
    """Add ``whom`` (login name, display name, first password) with one (role, scope).

    ``CenterError`` for a name that is taken or none, and for a scope that is not there.
    """
    name, display, password = whom
    role, scope = grant
    if not re.fullmatch(USER_NAME, name):
        raise CenterError("a login name has 2 to 32 small letters, digits and ._- only")
    with office.writing() as db:
        if not scope_of(db, scope):
            raise CenterError(f"scope {scope} is neither * nor a region or institution")
        if not put_once(db, USER, new_row(name, display[:50], password, now_ms), "name"):
            raise CenterError(f"user {name} exists")
        db.execute(insert(GRANT).values(name=name, role=role, scope=scope))
        entry = audit.Entry(now_ms, "console", "user_add", name, "", source)
        audit.note(db, office.secrets, entry)
