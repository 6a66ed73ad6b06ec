"""Which faults there are now: states of devices that last, and alarms that came."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from yibao_face.sync.center.office.fleet.state import fleet
from yibao_face.sync.center.office.office import settings
from yibao_face.sync.center.store.tables import ALARM

# Faults that are there or not; any other cause is an alarm, which is heard once.
STATES = ("offline", "covered", "faulty")
Faults = dict[tuple[str, str], tuple[str, int]]


def faults(db: Connection, now_ms: int) -> Faults:
    """By device and cause: the institution, and when it was last heard of."""
    found: Faults = {}
    all_ = fleet(now_ms, settings(db)["ticket_after_s"] * 1000)
    own = select(all_.c.device, all_.c.institution, all_.c.state)
    institutions: dict[str, str] = {}
    for device, institution, state in db.execute(own):
        institutions[device] = institution
        if state in STATES:
            found[device, state] = (institution, now_ms)
    heard = select(ALARM.c.device, ALARM.c.kind, func.max(ALARM.c.last_ms))
    for device, kind, last_ms in db.execute(heard.group_by(ALARM.c.device, ALARM.c.kind)):
        if device in institutions:
            found[device, kind] = (institutions[device], last_ms)
    return found


def is_gone(db: Connection, ticket: dict[str, Any], now_ms: int) -> bool:
    """Whether the fault of a ticket has not been heard of since it was called solved."""
    if ticket["cause"] in STATES:
        all_ = fleet(now_ms, settings(db)["ticket_after_s"] * 1000)
        own = select(all_.c.state).where(all_.c.device == ticket["device"])
        return bool(db.execute(own).scalar() != ticket["cause"])
    its = (ALARM.c.device == ticket["device"], ALARM.c.kind == ticket["cause"])
    last_ms = db.execute(select(func.max(ALARM.c.last_ms)).where(*its)).scalar()
    return last_ms is None or last_ms <= (ticket["solved_ms"] or now_ms)
