"""How far a round task has come, from records: who was to be seen, and who was (S1-21)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from yibao_face.sync.center.office.figure.calendar import DAY_MS
from yibao_face.sync.center.office.figure.fact import CHECK_KINDS, MOVES, own_face
from yibao_face.sync.center.office.store.tables import CASE
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.marks import day_text
from yibao_face.sync.center.store.tables import RECORD

# Somebody who has lain there longer without any record is not looked for.
_STAY_MS = 180 * DAY_MS
_LATE_MS = 30 * DAY_MS
_READ = ("id", "kind", "at_unix_ms", "device", "person", "code", "cause", "detail")
Row = dict[str, Any]
Target = frozenset[str]


@dataclass(frozen=True, slots=True)
class Progress:
    """``received_ms``: when the first device had it. ``targets``: state, moment and digest."""

    received_ms: int | None
    targets: tuple[tuple[str, int | None, str], ...]

    def count(self, state: str) -> int:
        """How many targets are in a state."""
        return sum(found == state for found, _, _ in self.targets)

    def delay_ms(self, until_ms: int) -> int:
        """The longest delay."""
        return max((at - until_ms for _, at, _ in self.targets if at and at > until_ms), default=0)


def progress_of(db: Connection, task: Row, now_ms: int) -> Progress:
    """Each target as it stands now: done, late, missed or pending.

    A person is known by a digest of each device, so the same person has several names here.
    """
    receipts = [row for row in _records(db, task, "round-task") if _is_of(row, task)]
    received_ms = min((row["received_ms"] for row in receipts), default=None)
    targets = _listed(task, receipts) if task["scope"] == "person" else _present(db, task, now_ms)
    proofs = _proofs(db, task)
    found = [_target(task, target, proofs, now_ms) for target in targets]
    return Progress(received_ms, tuple(found))


def _records(db: Connection, task: Row, *kinds: str, since_ms: int | None = None) -> list[Row]:
    since = task["from_ms"] if since_ms is None else since_ms
    if kinds == ("round-task",):
        since = min(since, task["created_ms"]) - DAY_MS
    own = select(*(RECORD.c[name] for name in _READ), RECORD.c.received_ms).where(
        RECORD.c.institution == task["institution"],
        RECORD.c.at_unix_ms >= since,
        RECORD.c.at_unix_ms <= task["until_ms"] + _LATE_MS,
        RECORD.c.kind.in_(kinds),
        RECORD.c.demo.is_(False),
    )
    return rows(db, own.order_by(RECORD.c.at_unix_ms, RECORD.c.id))


def _is_of(row: Row, task: Row) -> bool:
    return bool(json.loads(row["detail"]).get("task") == task["id"])


def _listed(task: Row, receipts: list[Row]) -> list[Target]:
    """The persons of the task, in its order, by the digests of all devices that have it."""
    newest = {row["device"]: json.loads(row["detail"]).get("persons", []) for row in receipts}
    return [
        frozenset(persons[n] for persons in newest.values() if len(persons) == task["persons"])
        for n in range(task["persons"])
    ]


def _present(db: Connection, task: Row, now_ms: int) -> list[Target]:
    """Who lay there at some moment of the window, in the departments that are meant."""
    wanted = {*json.loads(task["departments"])}
    inside: dict[str, Row] = {}
    seen: dict[str, bool] = {}
    opened = False
    for row in _records(db, task, *sorted(MOVES), since_ms=task["from_ms"] - _STAY_MS):
        if row["at_unix_ms"] > min(task["until_ms"], now_ms):
            break
        if not opened and row["at_unix_ms"] > task["from_ms"]:
            opened = True
            seen |= {person: _meant(stay, wanted) for person, stay in inside.items()}
        _move(inside, row)
        if opened and row["person"] in inside:
            meant = _meant(inside[row["person"]], wanted)
            seen[row["person"]] = seen.get(row["person"], False) or meant
    if not opened:
        seen |= {person: _meant(stay, wanted) for person, stay in inside.items()}
    return [frozenset({person}) for person, meant in sorted(seen.items()) if meant]


def _move(inside: dict[str, Row], row: Row) -> None:
    if row["code"] not in (1, 2):
        return
    stay, person = json.loads(row["detail"]), row["person"]
    if row["kind"] == "discharge":
        inside.pop(person, None)
    elif person in inside or row["kind"] != "stay" or stay.get("in_hospital"):
        told = {key: value for key, value in stay.items() if value not in ("", None)}
        inside[person] = {**inside.get(person, {}), **told}


def _meant(stay: Row, wanted: set[str]) -> bool:
    return not wanted or not wanted.isdisjoint({stay.get("department"), stay.get("department_no")})


def _proofs(db: Connection, task: Row) -> dict[str, int]:
    """By digest: when it was first seen, or excused, from the opening of the window on."""
    found: dict[str, int] = {}
    for row in _records(db, task, *sorted(CHECK_KINDS)):
        if own_face(row):
            found.setdefault(row["person"], row["at_unix_ms"])
    own = select(CASE.c.person, CASE.c.created_ms, CASE.c.detail).where(
        CASE.c.institution == task["institution"],
        CASE.c.kind == "special",
        CASE.c.state != "rejected",
        CASE.c.day.between(day_text(task["from_ms"] - 31 * DAY_MS), day_text(task["until_ms"])),
    )
    for row in rows(db, own):
        at_ms = max(row["created_ms"], task["from_ms"])
        if row["created_ms"] >= task["from_ms"] or _covers(json.loads(row["detail"]), task):
            found[row["person"]] = min(found.get(row["person"], at_ms), at_ms)
    return found


def _covers(detail: Row, task: Row) -> bool:
    """Whether a leave covers all days of the window: registered once, not for every task."""
    first, last = day_text(task["from_ms"]), day_text(task["until_ms"])
    return bool(
        detail["case"] == "on-leave" and detail["from"] <= first and last <= detail["until"]
    )


def _target(
    task: Row, target: Target, proofs: dict[str, int], now_ms: int
) -> tuple[str, int | None, str]:
    at_ms = min((proofs[digest] for digest in target if digest in proofs), default=None)
    name = min(target, default="")
    if at_ms is not None:
        return "done" if at_ms <= task["until_ms"] else "late", at_ms, name
    return "missed" if now_ms > task["until_ms"] else "pending", None, name
