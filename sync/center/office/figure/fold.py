"""Folds the records of marked days into facts and rates, in any order of arrival the same (S0-68).

Each fact is a minimum, a maximum or a set over all records, ordered by device time and id; so it
does not matter which record came first, how often a day is folded, or by which process.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, func, select

from yibao_face.sync.center.office.figure.calendar import DAY_MS, start_ms
from yibao_face.sync.center.office.figure.fact import HIS_KINDS
from yibao_face.sync.center.office.figure.gather import gather
from yibao_face.sync.center.office.figure.rate import compute
from yibao_face.sync.center.office.office import Office
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.marks import MARK, mark
from yibao_face.sync.center.store.tables import RECORD

_LOCK = 0x59424F46
_MARKS, _DAYS = 500, 8
FOLDED = (
    *sorted(HIS_KINDS),
    *("treatment-in", "treatment-makeup", "special", "review", "settled", "agent"),
)
_READ = (
    *("id", "kind", "at_unix_ms", "institution", "device", "deal_no", "person", "code", "cause"),
    *("certificate_no", "detail"),
)


def fold(office: Office, now_ms: int) -> int:
    """Work off some marked days; how many. 0: nothing is marked, or another process is at it."""
    with office.writing() as db:
        if not _alone(db):
            return 0
        marks = rows(db, select(MARK).order_by(MARK.c.marked_ms, MARK.c.id).limit(_MARKS))
        days = [*dict.fromkeys((one["institution"], one["day"]) for one in marks)][:_DAYS]
        again: set[tuple[str, str]] = set()
        for institution, day in days:
            records = records_of(db, institution, day)
            again |= gather(db, institution, day, records)
            compute(db, institution, day, (records, now_ms))
        done = [one["id"] for one in marks if (one["institution"], one["day"]) in days]
        if done:
            db.execute(delete(MARK).where(MARK.c.id.in_(done)))
        mark(db, again, now_ms)
    return len(days)


def records_of(db: Connection, institution: str, day: str) -> list[dict[str, Any]]:
    """What of a day figures are made of, by device time; nothing of the demo."""
    begin_ms = start_ms(day)
    own = select(*(RECORD.c[name] for name in _READ)).where(
        RECORD.c.institution == institution,
        RECORD.c.at_unix_ms >= begin_ms,
        RECORD.c.at_unix_ms < begin_ms + DAY_MS,
        RECORD.c.kind.in_(FOLDED),
        RECORD.c.demo.is_(False),
    )
    return rows(db, own.order_by(RECORD.c.at_unix_ms, RECORD.c.id))


def _alone(db: Connection) -> bool:
    """Whether no other process folds; SQLite lets one write at a time anyway."""
    if db.dialect.name != "postgresql":
        return True
    return bool(db.execute(select(func.pg_try_advisory_xact_lock(_LOCK))).scalar_one())
