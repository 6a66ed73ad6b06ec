"""Which days of which institution got new records: marked with them, in their transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import BigInteger, Column, Connection, Index, String, Table, insert

from yibao_face.sync.center.ingest.record import day_of_ms
from yibao_face.sync.center.store.tables import METADATA

# Rows are only ever added, and removed by whoever has worked them off: a mark made meanwhile
# stays. That is why the key means nothing.
MARK = Table(
    "office_mark",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("institution", String(256), nullable=False),
    Column("day", String(10), nullable=False),
    Column("marked_ms", BigInteger, nullable=False),
    Index("office_mark_order", "marked_ms"),
)


# 2100-01-01: what broken clocks say is later still.
_MAX_MS = 4_102_444_800_000


def day_text(at_ms: int) -> str:
    """The date in China at a Unix time, ``YYYY-MM-DD``."""
    return (date(1970, 1, 1) + timedelta(days=day_of_ms(min(at_ms, _MAX_MS)))).isoformat()


def mark(db: Connection, days: Iterable[tuple[str, str]], now_ms: int) -> None:
    """Note that the figures of these (institution, day) have to be computed anew."""
    rows = [
        {"id": secrets.token_hex(16), "institution": institution, "day": day, "marked_ms": now_ms}
        for institution, day in sorted({*days})
        if institution
    ]
    if rows:
        db.execute(insert(MARK), rows)
