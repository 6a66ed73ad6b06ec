"""Ward rounds: the daily check of every inpatient and the tasks of the centre (S0-50, S0-51)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum, unique
from typing import Any, cast

from yibao_face.daemon.core.scene.detail import (
    CHINA,
    MAX_MS,
    day_of,
    has_control,
    own_face,
    recorded,
)
from yibao_face.daemon.core.scene.event import CHECK_KINDS, Event, Kind
from yibao_face.daemon.core.scene.special import Case, Registration, Review, registrations
from yibao_face.daemon.core.scene.ward import Inpatient, presences

MAX_TARGETS = 10_000
_MAX_CHARS = 128
_KEYS = frozenset(
    {"task", "institution", "scope", "departments", "persons", "from_ms", "until_ms"}
)


class TaskError(Exception):
    """A round task of the centre cannot be understood; the message names the key."""


@unique
class DayState(StrEnum):
    """How an inpatient stands with the one check a day (S0-50)."""

    CHECKED = "checked"
    EXCUSED = "excused"
    DUE = "due"
    OVERDUE = "overdue"


@unique
class Scope(StrEnum):
    """Whom a task names (S0-51)."""

    HOSPITAL = "hospital"
    DEPARTMENT = "department"
    PERSON = "person"


@unique
class TaskState(StrEnum):
    """How a target stands with its task."""

    DONE = "done"
    LATE = "late"
    MISSED = "missed"
    PENDING = "pending"
    NOT_IN_HOSPITAL = "not-in-hospital"


@dataclass(frozen=True, slots=True)
class InpatientDay:
    """One inpatient on one day. ``at_ms``: the first check of the day, Unix milliseconds."""

    inpatient: Inpatient
    state: DayState
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RoundTask:
    """A round the centre asks for. Window ``from_ms``..``until_ms``, both included, Unix
    milliseconds. ``departments``: names or numbers. ``persons``: digests."""

    id: str
    institution: str
    scope: Scope
    departments: tuple[str, ...]
    persons: tuple[str, ...]
    from_ms: int
    until_ms: int

    def detail(self) -> dict[str, Any]:
        """The detail of its record; ``tasks`` reads it back."""
        return {
            "task": self.id,
            "scope": self.scope.value,
            "departments": list(self.departments),
            "persons": list(self.persons),
            "from_ms": self.from_ms,
            "until_ms": self.until_ms,
        }


@dataclass(frozen=True, slots=True)
class TaskTarget:
    """One target of a task. ``at_ms``: when it was done. ``left_ms``: until the window closes,
    0 unless pending."""

    person: str
    state: TaskState
    at_ms: int | None = None
    left_ms: int = 0


def is_check(event: Event) -> bool:
    """Whether the patient's own face was seen: an agent's face is no check of a ward (S0-50)."""
    return event.kind in CHECK_KINDS and own_face(event)


def day_states(
    events: Sequence[Event], day: date, now: datetime, cutoff: time
) -> list[InpatientDay]:
    """Everybody who was an inpatient on ``day``, by ward, department, bed; one state each.

    ``now``: aware. ``cutoff``: time in China from which a missing check of today is overdue. Who
    was discharged on ``day`` is listed too: the check at discharge counts, a discharge by code 2
    showed no face and stays a gap. Raises ``ValueError`` for a ``now`` without a zone.
    """
    missing = _missing_state(day, now, cutoff)
    before = [event for event in events if event.day < day]
    during = [event for event in events if event.day == day]
    seen = presences(before, during)
    checks = _first_checks(during)
    excused = {(r.institution, r.person) for r in registrations(events) if r.covers(day)}
    latest = sorted((states[-1] for states in seen.values()), key=_place)
    return [_day_of_one(inpatient, checks, excused, missing) for inpatient in latest]


def parse_task(raw: object) -> RoundTask:
    """A task from decoded JSON, keys as in its record and ``institution``.

    Raises ``TaskError`` that names the key: unknown, missing, of a wrong type, or not fitting the
    scope. Persons are digests already.
    """
    if not isinstance(raw, Mapping):
        raise TaskError("task is not an object")
    given = cast("Mapping[object, object]", raw)
    if not given.keys() <= _KEYS:
        raise TaskError(f"task has a key other than {', '.join(sorted(_KEYS))}")
    scope = given.get("scope")
    if not isinstance(scope, str) or scope not in [known.value for known in Scope]:
        raise TaskError("scope is none of hospital, department, person")
    departments, persons = _names(given, "departments"), _names(given, "persons")
    for key, names, meant in (
        ("departments", departments, scope == Scope.DEPARTMENT),
        ("persons", persons, scope == Scope.PERSON),
    ):
        if bool(names) is not meant:
            raise TaskError(f"{key} does not fit the scope {scope}")
    from_ms, until_ms = _moment(given, "from_ms"), _moment(given, "until_ms")
    if until_ms <= from_ms:
        raise TaskError("until_ms is not after from_ms")
    identifiers = (
        _name(given.get("task"), "task"),
        _name(given.get("institution"), "institution"),
    )
    return RoundTask(*identifiers, Scope(scope), departments, persons, from_ms, until_ms)


def tasks(events: Iterable[Event]) -> list[RoundTask]:
    """All tasks in the order they first came; the last record of a task wins.

    Raises ``TaskError`` for a record that cannot be read: a task must not vanish from the list.
    """
    found: dict[tuple[str, str], RoundTask] = {}
    for event in recorded(events, Kind.ROUND_TASK):
        known = {key: value for key, value in event.detail.items() if key in _KEYS}
        task = parse_task({**known, "institution": event.institution})
        found[task.institution, task.id] = task
    return list(found.values())


def task_progress(task: RoundTask, events: Sequence[Event], now_ms: int) -> list[TaskTarget]:
    """How each target stands at ``now_ms``, Unix milliseconds.

    Hospital and department: who was an inpatient there when the window opened or came while it
    was open, by ward, department, bed. Person: as the task lists them. Done by a check or a
    special registration inside the window, or by a leave that covers all days of it.
    """
    known = [event for event in events if event.at_ms <= now_ms]
    inside = _inside(task, known)
    proofs = _proofs(task, known)
    persons = list(task.persons)
    if task.scope is not Scope.PERSON:
        named = [states[-1] for states in inside.values() if _meant(task, states)]
        persons = [inpatient.person for inpatient in sorted(named, key=_place)]
    return [
        _target(task, person, proofs.get(person, []), now_ms)
        if person in inside
        else TaskTarget(person, TaskState.NOT_IN_HOSPITAL)
        for person in persons
    ]


def _missing_state(day: date, now: datetime, cutoff: time) -> DayState:
    if now.tzinfo is None:
        raise ValueError("now has no time zone")
    here = now.astimezone(CHINA)
    over = here.date() > day or (here.date() == day and here.time() >= cutoff)
    return DayState.OVERDUE if over else DayState.DUE


def _first_checks(events: Iterable[Event]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for event in events:
        if is_check(event):
            found.setdefault((event.institution, event.person), event.at_ms)
    return found


def _day_of_one(
    inpatient: Inpatient,
    checks: Mapping[tuple[str, str], int],
    excused: set[tuple[str, str]],
    missing: DayState,
) -> InpatientDay:
    key = (inpatient.institution, inpatient.person)
    if key in checks:
        return InpatientDay(inpatient, DayState.CHECKED, checks[key])
    return InpatientDay(inpatient, DayState.EXCUSED if key in excused else missing)


def _place(inpatient: Inpatient) -> tuple[str, str, str, str]:
    stay = inpatient.stay
    return stay.ward, stay.department, stay.bed, inpatient.person


def _inside(task: RoundTask, events: Sequence[Event]) -> dict[str, tuple[Inpatient, ...]]:
    """Everybody in the task's hospital at some moment of the window, each with all states."""
    before = [e for e in events if e.at_ms <= task.from_ms]
    during = [e for e in events if task.from_ms < e.at_ms <= task.until_ms]
    here = {
        person: tuple(state for state in states if state.institution == task.institution)
        for person, states in presences(before, during).items()
    }
    return {person: states for person, states in here.items() if states}


def _meant(task: RoundTask, states: tuple[Inpatient, ...]) -> bool:
    if task.scope is Scope.HOSPITAL:
        return True
    places = {name for s in states for name in (s.stay.department, s.stay.department_no)}
    return not places.isdisjoint(task.departments)


def _proofs(task: RoundTask, events: Sequence[Event]) -> dict[str, list[int]]:
    """By person: when a check or a special registration answered the task, from its opening on."""
    found = [
        (event.at_ms, event.person)
        for event in events
        if is_check(event) and event.institution == task.institution
    ]
    found += [
        (max(r.at_ms, task.from_ms) if _on_leave(task, r) else r.at_ms, r.person)
        for r in registrations(events)
        if r.institution == task.institution and r.review is not Review.REJECTED
    ]
    by_person: dict[str, list[int]] = {}
    for at_ms, person in sorted(found):
        if at_ms >= task.from_ms:
            by_person.setdefault(person, []).append(at_ms)
    return by_person


def _on_leave(task: RoundTask, registration: Registration) -> bool:
    """Whether a leave covers the whole window: registered once, not again for every task."""
    first, last = day_of(task.from_ms), day_of(task.until_ms)
    return registration.case is Case.ON_LEAVE and (
        registration.covers(first) and registration.covers(last)
    )


def _target(task: RoundTask, person: str, proofs: Sequence[int], now_ms: int) -> TaskTarget:
    first = next((at_ms for at_ms in proofs if at_ms <= now_ms), None)
    if first is not None:
        in_time = first <= task.until_ms
        return TaskTarget(person, TaskState.DONE if in_time else TaskState.LATE, first)
    if now_ms > task.until_ms:
        return TaskTarget(person, TaskState.MISSED)
    return TaskTarget(person, TaskState.PENDING, None, task.until_ms - now_ms)


def _names(given: Mapping[object, object], key: str) -> tuple[str, ...]:
    """A list of distinct names; absent is empty."""
    value = given.get(key, [])
    if not isinstance(value, list) or len(cast("list[object]", value)) > MAX_TARGETS:
        raise TaskError(f"{key} is not a list of at most {MAX_TARGETS}")
    return tuple(dict.fromkeys(_name(item, key) for item in cast("list[object]", value)))


def _name(value: object, key: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_CHARS:
        raise TaskError(f"{key} is not a text of 1 to {_MAX_CHARS} characters")
    if has_control(value):
        raise TaskError(f"{key} has a control character")
    return value


def _moment(given: Mapping[object, object], key: str) -> int:
    value = given.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_MS:
        raise TaskError(f"{key} is no moment in unix milliseconds")
    return value
