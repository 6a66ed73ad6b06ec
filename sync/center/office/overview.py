"""The figures somebody looks at first in the morning."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from yibao_face.sync.center.office.door.form import DEVICE_STATES
from yibao_face.sync.center.office.figure.calendar import DAY_MS
from yibao_face.sync.center.office.figure.rate import percent_on
from yibao_face.sync.center.office.fleet.state import fleet
from yibao_face.sync.center.office.fleet.tickets import overdue
from yibao_face.sync.center.office.office import Ask, Office, settings
from yibao_face.sync.center.office.review import bindings, erasures, specials
from yibao_face.sync.center.office.store.tables import CASE, TASK, TICKET
from yibao_face.sync.center.store.marks import day_text


def overview(office: Office, ask: Ask) -> dict[str, Any]:
    """Of everything the asker may look at; the rate is yesterday's, the last whole day."""
    day, scope, now_ms = day_text(ask.now_ms - DAY_MS), ask.scope, ask.now_ms
    with office.reading() as db:
        all_ = fleet(now_ms, settings(db)["offline_after_s"] * 1000)
        states = select(all_.c.state, func.count()).where(scope.holds(all_.c.institution))
        counted = {str(state): int(n) for state, n in db.execute(states.group_by(all_.c.state))}
        tickets = scope.holds(TICKET.c.institution)
        running = (TASK.c.from_ms <= now_ms, TASK.c.until_ms >= now_ms)
        return {
            "devices": {state: counted.get(state, 0) for state in DEVICE_STATES},
            "tickets_open": _count(db, TICKET, tickets, TICKET.c.state != "closed"),
            "tickets_overdue": _count(db, TICKET, tickets, overdue(now_ms)),
            "bindings_waiting": _waiting(db, ask, bindings.KINDS),
            "specials_waiting": _waiting(db, ask, specials.KINDS),
            "erasures_waiting": _waiting(db, ask, erasures.KINDS),
            "tasks_running": _count(db, TASK, scope.holds(TASK.c.institution), *running),
            "day": day,
            "rate_percent": percent_on(db, scope, day),
        }


def _waiting(db: Connection, ask: Ask, kinds: tuple[str, ...]) -> int:
    its = (CASE.c.kind.in_(kinds), CASE.c.state.in_(("pending", "proposed")))
    return _count(db, CASE, ask.scope.holds(CASE.c.institution), *its)


def _count(db: Connection, table: Any, *conditions: Any) -> int:
    return int(db.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one())
