"""Days of the centre: dates in China, as ranges of Unix milliseconds and of record partitions."""

from __future__ import annotations

from datetime import date, timedelta

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.ingest.record import day_of_ms
from yibao_face.sync.center.store.marks import day_text

DAY_MS = 24 * 3600 * 1000
_CHINA_MS = 8 * 3600 * 1000
_FOREVER_MS = 1 << 50
# Ten years: a longer range is a slip of the pen.
MAX_DAYS = 3660
_EPOCH = date(1970, 1, 1)


def start_ms(day: str) -> int:
    """When a date begins in China."""
    return (date.fromisoformat(day) - _EPOCH).days * DAY_MS - _CHINA_MS


def day_range_ms(first: str | None, last: str | None) -> tuple[int, int]:
    """From the first moment of ``first`` to the one after ``last``; open where not given."""
    since = start_ms(first) if first else 0
    return since, start_ms(last) + DAY_MS if last else _FOREVER_MS


def asked_days(first: str | None, last: str | None, now_ms: int, before: int) -> tuple[str, str]:
    """The days asked for, or the last ``before`` ones; ``RefusedError`` for no range."""
    end = last or day_text(now_ms)
    begin = first or (date.fromisoformat(end) - timedelta(days=before)).isoformat()
    if not 0 <= (date.fromisoformat(end) - date.fromisoformat(begin)).days <= MAX_DAYS:
        raise RefusedError(422, "field", f"结束日期不能早于开始日期，且不超过{MAX_DAYS}天")
    return begin, end


def part_of(day: str) -> int:
    """The partition of the records whose ids were made on a date."""
    return day_of_ms(start_ms(day))
