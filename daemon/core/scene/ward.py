"""The ward: who lies where, from the calls of the HIS (S0-14, S0-16)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from yibao_face.daemon.core.encounter import Answer
from yibao_face.daemon.core.scene.detail import has_control
from yibao_face.daemon.core.scene.event import Event, Kind

# National codes: 普通住院, 外伤住院, 转外诊治住院, 急诊转住院, 生育住院.
INPATIENT_MED_TYPES = frozenset({"21", "22", "23", "24", "52"})
MAX_CHARS = 100
_MOVES = frozenset({Kind.ADMISSION, Kind.BED_CHANGE, Kind.STAY, Kind.DISCHARGE})
# Name in problems, key of ``exp_content`` in lower case, whether it must be filled (S0-16).
_PLACES = (
    ("ward", "patward", True),
    ("department", "dep", True),
    ("department-no", "depno", False),
    ("bed", "bedid", True),
)
_STATUS = "insho_stas"
_KEYS = frozenset({_STATUS, *(key for _, key, _ in _PLACES)})


@dataclass(frozen=True, slots=True)
class Stay:
    """Where a patient lies. Texts <= 100 characters, empty = not told; ``in_hospital``: so too."""

    ward: str
    department: str
    department_no: str
    bed: str
    in_hospital: bool | None

    def detail(self) -> dict[str, Any]:
        """The detail of a ward record; ``stay_of`` reads it back."""
        return {
            "ward": self.ward,
            "department": self.department,
            "department_no": self.department_no,
            "bed": self.bed,
            "in_hospital": self.in_hospital,
        }


@dataclass(frozen=True, slots=True)
class Inpatient:
    """Somebody in hospital. ``person``: digest. ``since``: day of admission. ``moves``: changes
    of ward, department or bed since then."""

    person: str
    institution: str
    since: date
    stay: Stay
    moves: int


def parse_stay(expansion: Mapping[str, Any]) -> tuple[Stay | None, tuple[str, ...]]:
    """The stay in ``exp_content``, and what is wrong with it as stable words (S0-16).

    Never raises: a wrong value is left out and named, an over-long one is cut and named.
    ``None`` with ``stay-missing`` when no key of a stay was sent. The diagnosis is not taken.
    """
    given: dict[str, list[Any]] = {}
    for key, value in expansion.items():
        if key.strip().lower() in _KEYS:
            given.setdefault(key.strip().lower(), []).append(value)
    if not given:
        return None, ("stay-missing",)
    places = [_place(name, must, given.get(key, [])) for name, key, must in _PLACES]
    in_hospital = _status(given.get(_STATUS, []))
    problems = [problem for _, problem in places if problem]
    if in_hospital is None:
        problems.append("insho-stas")
    ward, department, department_no, bed = (text for text, _ in places)
    return Stay(ward, department, department_no, bed, in_hospital), tuple(problems)


def stay_of(event: Event) -> Stay:
    """The stay a ward record tells."""
    names = ("ward", "department", "department_no", "bed")
    ward, department, department_no, bed = (event.text(name) for name in names)
    told = event.detail.get("in_hospital")
    in_hospital = told if isinstance(told, bool) else None
    return Stay(ward, department, department_no, bed, in_hospital)


def movement(current: Inpatient | None, stay: Stay) -> Kind:
    """What a call of inpatient kind is, for somebody who is ``current``ly in or not (S0-14).

    A place that was not told is no move; a status that was not told admits and moves nobody.
    """
    if stay.in_hospital is False:
        return Kind.DISCHARGE
    if stay.in_hospital is None:
        return Kind.STAY
    if current is None:
        return Kind.ADMISSION
    return Kind.BED_CHANGE if _differs(current.stay, stay) else Kind.STAY


def roster(events: Iterable[Event]) -> dict[str, Inpatient]:
    """Inpatients by person after ``events``, in order of admission.

    Only answers that let the HIS go on count. An admission elsewhere moves the person there; a
    discharge elsewhere changes nothing.
    """
    inside: dict[str, Inpatient] = {}
    for event in _moves(events):
        _step(inside, event)
    return inside


def presences(
    before: Iterable[Event], during: Iterable[Event]
) -> dict[str, tuple[Inpatient, ...]]:
    """Everybody who was an inpatient at some moment of ``during``, which follows ``before``.

    By person: each state in its order; the last one is the latest known.
    """
    inside = roster(before)
    seen: dict[str, tuple[Inpatient, ...]] = {person: (now,) for person, now in inside.items()}
    for event in _moves(during):
        _step(inside, event)
        if event.person in inside:
            seen[event.person] = (*seen.get(event.person, ()), inside[event.person])
    return seen


def _moves(events: Iterable[Event]) -> Iterable[Event]:
    return (e for e in events if e.kind in _MOVES and e.answer in (Answer.PASS, Answer.NOT_NEEDED))


def _step(inside: dict[str, Inpatient], event: Event) -> None:
    current = inside.get(event.person)
    here = current if current and current.institution == event.institution else None
    stay = stay_of(event)
    if event.kind is Kind.DISCHARGE:
        if here:
            del inside[event.person]
    elif here:
        inside[event.person] = _moved(here, stay)
    elif event.kind is not Kind.STAY or stay.in_hospital:
        inside.pop(event.person, None)
        new = Inpatient(event.person, event.institution, event.day, stay, 0)
        inside[event.person] = new


def _moved(current: Inpatient, stay: Stay) -> Inpatient:
    """``current`` after ``stay``: what was not told stays, unless it went with the old place."""
    old = current.stay
    moved = _differs(old, stay)
    department = stay.department or old.department
    same_department = department == old.department
    same_ward = (stay.ward or old.ward) == old.ward
    merged = Stay(
        stay.ward or old.ward,
        department,
        stay.department_no or (old.department_no if same_department else ""),
        stay.bed or (old.bed if same_department and same_ward else ""),
        True,
    )
    return replace(current, stay=merged, moves=current.moves + moved)


def _differs(old: Stay, new: Stay) -> bool:
    pairs = ((old.ward, new.ward), (old.department, new.department), (old.bed, new.bed))
    return any(told and told != known for known, told in pairs)


def _place(name: str, required: bool, given: list[Any]) -> tuple[str, str]:
    """The text of one key and its problem; empty: none."""
    if len(given) > 1:
        return "", f"{name}-twice"
    value = given[0] if given else None
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
        return "", f"{name}-wrong-type"
    text = "" if value is None else str(value).strip()
    if not text:
        return "", f"{name}-missing" if required else ""
    if has_control(text):
        return "", f"{name}-control-character"
    return text[:MAX_CHARS], f"{name}-too-long" if len(text) > MAX_CHARS else ""


def _status(given: list[Any]) -> bool | None:
    """``insho_stas``: 0 discharged, 1 in hospital, as number or text; else unknown."""
    if len(given) != 1 or isinstance(given[0], bool) or not isinstance(given[0], str | int):
        return None
    return {"0": False, "1": True}.get(str(given[0]).strip())
