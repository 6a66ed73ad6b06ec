"""Looking at the log of the office, and at what is set."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select

from yibao_face.sync.center.office.figure.calendar import day_range_ms
from yibao_face.sync.center.office.office import FLAGS, Ask, Office, settings
from yibao_face.sync.center.office.people.audit import verify
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.office.store.tables import AUDIT, SETTING

_SHOWN = ("seq", "at_ms", "who", "what", "subject", "institution", "source", "old", "new")


def list_audit(office: Office, ask: Ask) -> dict[str, Any]:
    """The newest entries first."""
    own = select(AUDIT)
    for name in ("who", "what", "institution"):
        if ask.query[name] is not None:
            own = own.where(AUDIT.c[name] == ask.query[name])
    if not ask.scope.everything:
        own = own.where(ask.scope.holds(AUDIT.c.institution))
    since, until = day_range_ms(ask.query["from"], ask.query["to"])
    own = own.where(AUDIT.c.at_ms >= since, AUDIT.c.at_ms < until)
    with office.reading() as db:
        found, following = paged(db, own, [AUDIT.c.seq], ask.query, newest=True)
    items = [
        {**{k: row[k] for k in _SHOWN}, "result": row["result"], "hash": row["hash"].hex()}
        for row in found
    ]
    return {"items": items, "next": following}


def verify_audit(office: Office, _ask: Ask) -> dict[str, Any]:
    """Whether every entry is as it was written, and none is missing."""
    with office.reading() as db:
        report = verify(db, office.secrets)
    whole = report.broken_at is None
    return {"whole": whole, "entries": report.entries, "broken_at": report.broken_at}


def show_settings(office: Office, _ask: Ask) -> dict[str, Any]:
    """What is set."""
    with office.reading() as db:
        return _shown(office, settings(db))


def change_settings(office: Office, ask: Ask) -> dict[str, Any]:
    """Set what was given."""
    given = {name: int(value) for name, value in ask.body.items() if value is not None}
    with office.writing() as db:
        before = settings(db)
        if given:
            db.execute(delete(SETTING).where(SETTING.c.name.in_(sorted(given))))
            db.execute(insert(SETTING), [{"name": k, "value": v} for k, v in given.items()])
        office.note(db, ask, "settings", old=before, new={**before, **given})
        return _shown(office, {**before, **given})


def _shown(office: Office, found: dict[str, int]) -> dict[str, Any]:
    flags = {name: bool(found[name]) for name in FLAGS}
    return {**found, **flags, "signing": office.sign is not None}
