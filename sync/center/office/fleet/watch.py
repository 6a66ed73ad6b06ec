"""Looks for faults, opens a ticket for each, and looks again before one is closed (F32)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from yibao_face.sync.center.office.fleet.fault import STATES, Faults, faults, is_gone
from yibao_face.sync.center.office.fleet.tickets import (
    SYSTEM,
    add_step,
    changed,
    new_ticket,
    settle_open,
)
from yibao_face.sync.center.office.office import Office
from yibao_face.sync.center.office.store.tables import TICKET, TICKET_OPEN
from yibao_face.sync.center.store.database import put_once, rows

# What is called solved is looked at again after so long.
SECOND_LOOK_MS = 10 * 60 * 1000
_NOTES = {
    "offline": "设备长时间未上报",
    "covered": "镜头被遮挡",
    "faulty": "摄像头异常",
    "clock-skew": "设备时钟偏差过大",
    "conflict": "同号记录内容不同",
    "chain-broken": "记录链不连续",
    "chain-fork": "记录链分叉",
    "head-mismatch": "设备所报链头与收到的不符",
    "health": "健康数据不合格式",
}


def look(office: Office, now_ms: int) -> tuple[int, int]:
    """One round; how many tickets were opened and how many closed."""
    with office.reading() as db:
        found = faults(db, now_ms)
        running = _running(db)
        heard = _heard(db)
    opened = closed = 0
    for (device, cause), (institution, at_ms) in sorted(found.items()):
        if (device, cause) in running or at_ms <= heard.get((device, cause), -1):
            continue
        with office.writing() as db:
            opened += _open(db, cause, (device, institution), (at_ms, now_ms))
    for ticket in running.values():
        with office.writing() as db:
            closed += _again(db, ticket, found, now_ms)
    return opened, closed


def _running(db: Connection) -> dict[tuple[str, str], dict[str, Any]]:
    own = select(TICKET).join(TICKET_OPEN, TICKET_OPEN.c.ticket == TICKET.c.id)
    return {(row["device"], row["cause"]): row for row in rows(db, own)}


def _heard(db: Connection) -> dict[tuple[str, str], int]:
    """Up to when the alarms of a device were dealt with in tickets."""
    own = select(TICKET.c.device, TICKET.c.cause, func.max(TICKET.c.heard_ms))
    own = own.where(TICKET.c.device.is_not(None), TICKET.c.cause.not_in(STATES))
    found = db.execute(own.group_by(TICKET.c.device, TICKET.c.cause))
    return {(device, cause): heard_ms for device, cause, heard_ms in found}


def _open(db: Connection, cause: str, whose: tuple[str, str], when: tuple[int, int]) -> bool:
    heard_ms, now_ms = when
    note = _NOTES.get(cause, cause)
    row: dict[str, Any] = {**new_ticket(cause, whose, SYSTEM, note, now_ms), "heard_ms": heard_ms}
    held = {"device": whose[0], "cause": cause, "ticket": row["id"]}
    if not put_once(db, TICKET_OPEN, held, "ticket"):
        return False
    db.execute(insert(TICKET).values(**row))
    add_step(db, row["id"], "open", SYSTEM, (note, now_ms))
    return True


def _again(db: Connection, seen: dict[str, Any], found: Faults, now_ms: int) -> bool:
    """Look at a ticket that runs; whether that closed it."""
    own = select(TICKET).where(TICKET.c.id == seen["id"]).with_for_update()
    row = dict(db.execute(own).mappings().one())
    fault = found.get((row["device"], row["cause"]))
    if row["state"] == "closed":
        return False
    if row["state"] == "solved":
        return _second_look(db, row, fault[1] if fault else 0, now_ms)
    if fault is None and row["cause"] in STATES:
        _step(db, row, "solved", "故障已消失，待复看", now_ms)
    elif fault is not None:
        db.execute(update(TICKET).where(TICKET.c.id == row["id"]).values(heard_ms=fault[1]))
    return False


def _second_look(db: Connection, row: dict[str, Any], heard_ms: int, now_ms: int) -> bool:
    if row["solved_ms"] + SECOND_LOOK_MS > now_ms:
        return False
    if is_gone(db, row, now_ms):
        _step(db, row, "closed", "复看：故障已消失", now_ms)
        return True
    db.execute(update(TICKET).where(TICKET.c.id == row["id"]).values(heard_ms=heard_ms))
    _step(db, row, "responded", "复看：故障仍在，退回", now_ms)
    return False


def _step(db: Connection, row: dict[str, Any], state: str, why: str, now_ms: int) -> None:
    values = changed(row, state, SYSTEM, now_ms)
    db.execute(update(TICKET).where(TICKET.c.id == row["id"]).values(**values))
    settle_open(db, {**row, **values})
    act = {"solved": "solve", "closed": "close", "responded": "reopen"}[state]
    add_step(db, row["id"], act, SYSTEM, (why, now_ms))
