"""Reading what records say in their details, and the calendar all scenes share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from typing import cast

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Event, Kind, of_kind

# One zone, no summer time: the calendar of Asia/Shanghai without a zone database.
CHINA = timezone(timedelta(hours=8))
# 2100-01-01: a later moment is a fault, and dates beyond year 9999 would not exist.
MAX_MS = 4_102_444_800_000
_EPOCH = datetime.fromtimestamp(0, CHINA)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def day_of(at_ms: int) -> date:
    """The date in China at Unix milliseconds 0..``MAX_MS``."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).date()


def recorded(events: Iterable[Event], *kinds: Kind) -> list[Event]:
    """The events of ``kinds`` that staff or the centre wrote and nothing refused."""
    return [event for event in of_kind(events, *kinds) if event.cause is Cause.RECORDED]


def own_face(event: Event) -> bool:
    """Whether the insured person was seen: a pass by an agent's face shows somebody else."""
    return event.passed and event.cause is not Cause.MATCHED_AGENT


def whole(value: object) -> int | None:
    """A whole number 0..``MAX_MS``; ``None`` for anything else, ``True`` included."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_MS else None


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list of non-empty texts; empty for anything else."""
    if not isinstance(value, list | tuple):
        return ()
    items = cast("list[object] | tuple[object, ...]", value)
    found = tuple(item for item in items if isinstance(item, str) and item)
    return found if len(found) == len(items) else ()


def date_in(value: object) -> date | None:
    """A date written ``YYYY-MM-DD``; ``None`` for anything else."""
    if not isinstance(value, str):
        return None
    try:
        found = date.fromisoformat(value)
    except ValueError:
        return None
    return found if found.isoformat() == value else None


def is_sha256(text: str) -> bool:
    """Whether ``text`` is a SHA-256 in lower-case hex: how records name pictures."""
    return _SHA256.fullmatch(text) is not None


def has_control(text: str) -> bool:
    """Whether ``text`` holds a control character or half a surrogate pair."""
    return any(ord(ch) < 0x20 or ord(ch) == 0x7F or 0xD800 <= ord(ch) < 0xE000 for ch in text)
