"""What the centre found that does not fit, by device."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from yibao_face.sync.center.office.fleet.state import newest_certificates
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.organisation.sheet import write_sheet
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.tables import ALARM

_CELLS = ("device", "institution", "kind", "subject", "first_ms", "last_ms", "times")


def list_alarms(office: Office, ask: Ask) -> dict[str, Any]:
    """The latest first."""
    keys = [ALARM.c.last_ms, ALARM.c.device, ALARM.c.kind, ALARM.c.subject]
    with office.reading() as db:
        own = _asked(db, ask)
        for name in ("device", "kind"):
            if ask.query[name] is not None:
                own = own.where(ALARM.c[name] == ask.query[name])
        found, following = paged(db, own, keys, ask.query, newest=True)
    return {"items": found, "next": following}


def export_alarms(office: Office, ask: Ask) -> str:
    """The same as CSV."""
    with office.reading() as db:
        found = rows(db, _asked(db, ask).order_by(ALARM.c.last_ms.desc(), ALARM.c.device))
    return write_sheet(_CELLS, found)


def _asked(db: Connection, ask: Ask) -> Any:
    held = newest_certificates()
    own = select(*ALARM.c, held.c.institution).join(held, held.c.device == ALARM.c.device)
    return own.where(held.c.place == 1, ask.holds(db, held.c.institution))
