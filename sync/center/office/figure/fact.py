"""What a stored record says, read as the counter reads it (daemon/core/scene)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, cast

HIS_KINDS = frozenset({"settlement", "admission", "bed-change", "stay", "discharge"})
CHECK_KINDS = HIS_KINDS | {"round", "treatment-in", "treatment-out"}
MOVES = HIS_KINDS - {"settlement"}
RECORDED = "recorded"
CATEGORIES = ("settlement", "treatment")
CASES = ("transferred", "in-treatment", "face-unrecognised", "on-leave")
PASS, NOT_NEEDED = 1, 2
_MAX_COUNT = 4_102_444_800_000
Row = Mapping[str, Any]


def own_face(row: Row) -> bool:
    """Whether the insured person was seen: a pass by an agent's face shows somebody else."""
    return bool(row["code"] == PASS and row["cause"] != "matched-agent")


def count_of(row: Row) -> tuple[str, str, int] | None:
    """Day, category and number of a settled record; ``None`` for one that says nothing."""
    if row["cause"] != RECORDED:
        return None
    detail = detail_of(row)
    day, category, n = detail.get("day"), detail.get("category"), detail.get("count")
    if not is_day(day) or category not in CATEGORIES:
        return None
    if type(n) is not int or not 0 <= n <= _MAX_COUNT:
        return None
    return cast(str, day), cast(str, category), n


def registration_of(row: Row) -> dict[str, Any] | None:
    """The facts of a special registration; ``None`` where nothing is registered."""
    detail = detail_of(row)
    photos, since, until = (detail.get(name) for name in ("photos", "from", "until"))
    sound = row["cause"] == RECORDED and detail.get("case") in CASES and _texts(photos)
    if not sound or not is_day(since) or not is_day(until) or str(until) < str(since):
        return None
    kept = ("case", "from", "until", "photos", "staff")
    return {name: detail.get(name, "") for name in kept}


def relation_of(row: Row) -> dict[str, Any] | None:
    """The facts of an agent a counter registered; ``None`` for what the centre sent itself."""
    detail = detail_of(row)
    ours = "document_sha256" in detail
    if row["cause"] != RECORDED or detail.get("event") != "register" or ours:
        return None
    kept = ("agent", "relation", "until", "documents", "staff")
    return {name: detail.get(name, "") for name in kept}


def review_of(row: Row) -> tuple[str, bool] | None:
    """Of which registration the desk said what; what does not plainly approve rejects."""
    detail = detail_of(row)
    of = detail.get("of")
    if row["cause"] != RECORDED or not isinstance(of, str) or not 0 < len(of) <= 64:
        return None
    return of, detail.get("approved") is True


def detail_of(row: Row) -> dict[str, Any]:
    """The decoded detail."""
    return cast(dict[str, Any], json.loads(row["detail"]))


def is_day(value: object) -> bool:
    """Whether it is a date ``YYYY-MM-DD``."""
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _texts(value: object) -> bool:
    """Whether it is a list of texts, none empty, with at least one."""
    if not isinstance(value, list):
        return False
    items = cast(list[object], value)
    return bool(items) and all(isinstance(item, str) and item for item in items)
