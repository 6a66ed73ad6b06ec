"""What can be seen of the whole centre at one moment: for its metrics, and to share out rates."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, func, select

from yibao_face.sync.center.store.database import Database
from yibao_face.sync.center.store.tables import GAP, PROGRESS

ACTIVE_MS = 5 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Sight:
    """``active``: devices seen in the last 5 min, of ``devices`` that ever sent something.

    ``behind``: records devices have written, by their heads, that have not come; ``holes``:
    numbers missing between those that have. ``behind_s``: the longest that a device with records
    to send was not heard of.
    """

    devices: int
    active: int
    behind: int
    behind_s: float
    holes: int


def active_devices(database: Database, since_ms: int) -> list[str]:
    """Names of the devices seen since then."""
    with database.reading() as db:
        return [
            *db.execute(select(PROGRESS.c.device).where(PROGRESS.c.seen_ms > since_ms)).scalars()
        ]


def look(database: Database, now_ms: int) -> Sight:
    """One look, in two questions."""
    behind = PROGRESS.c.head_seq - PROGRESS.c.top
    of_all = select(
        func.count(),
        func.coalesce(func.sum(case((PROGRESS.c.seen_ms > now_ms - ACTIVE_MS, 1), else_=0)), 0),
        func.coalesce(func.sum(case((behind > 0, behind), else_=0)), 0),
        func.coalesce(func.max(case((behind > 0, now_ms - PROGRESS.c.seen_ms), else_=0)), 0),
    )
    with database.reading() as db:
        devices, active, records, behind_ms = db.execute(of_all.select_from(PROGRESS)).one()
        missing = func.coalesce(func.sum(GAP.c.last - GAP.c.first + 1), 0)
        holes = db.execute(select(missing)).scalar_one()
    return Sight(devices, int(active), int(records), int(behind_ms) / 1000, int(holes))
