"""Treatment sessions: sign-in, sign-out, make-up signs and their findings (S0-53, S0-54)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum, unique
from itertools import combinations

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.detail import day_of, own_face, recorded, whole
from yibao_face.daemon.core.scene.event import Event, Kind

MAKEUP_WITHIN_MS = 24 * 3_600_000
_MINUTE_MS = 60_000


@unique
class Item(StrEnum):
    """What is treated (S0-53): stable, stored."""

    ACUPUNCTURE = "acupuncture"
    TUINA = "tuina"
    HAEMODIALYSIS = "haemodialysis"
    PSYCHIATRIC = "psychiatric"
    OTHER = "other"


TITLES = {
    Item.ACUPUNCTURE: "针灸",
    Item.TUINA: "推拿",
    Item.HAEMODIALYSIS: "血液透析",
    Item.PSYCHIATRIC: "精神治疗",
    Item.OTHER: "其他治疗",
}


@dataclass(frozen=True, slots=True)
class ItemRule:
    """How long a session of an item lasts, minutes; beyond the maximum the sign-out is missing."""

    min_minutes: int
    max_minutes: int


Rules = Mapping[str, ItemRule]
# No document gives figures: wide enough for every usual session, a site narrows them.
DEFAULT_RULES: Rules = {
    Item.ACUPUNCTURE: ItemRule(10, 120),
    Item.TUINA: ItemRule(10, 120),
    Item.HAEMODIALYSIS: ItemRule(120, 360),
    Item.PSYCHIATRIC: ItemRule(10, 480),
    Item.OTHER: ItemRule(1, 480),
}


@dataclass(frozen=True, slots=True)
class Session:
    """One treatment. ``id``: of the record that opened it. Times: Unix milliseconds, ``out_ms``
    ``None`` while open. ``made_up``: a nurse signed one of them. ``data``: process uploads."""

    id: str
    person: str
    item: str
    in_ms: int
    out_ms: int | None
    made_up: bool
    data: int


def sessions(events: Iterable[Event]) -> list[Session]:
    """All sessions by their sign-in.

    A make-up sign in opens a session of its own; a make-up sign out names the session. A sign-out
    for no open session of that person, or before its sign-in, closes nothing.
    """
    found: dict[str, Session] = {}
    for event in events:
        _step(found, event)
    return sorted(found.values(), key=lambda session: session.in_ms)


def open_session(events: Iterable[Event], person: str) -> Session | None:
    """The last session of ``person`` if it lacks its sign-out, however old it is.

    An earlier one that was left open is a missing sign-out: only a make-up closes it.
    """
    own = [session for session in sessions(events) if session.person == person]
    return own[-1] if own and own[-1].out_ms is None else None


def may_sign_in(
    events: Iterable[Event], person: str, now_ms: int, rules: Rules = DEFAULT_RULES
) -> Cause | None:
    """``TREATMENT_OPEN`` while the last session runs within its maximum, past midnight too.

    One beyond it is a missing sign-out and blocks nobody.
    """
    session = open_session(events, person)
    blocked = session is not None and not _expired(session, now_ms, rules)
    return Cause.TREATMENT_OPEN if blocked else None


def may_sign_out(
    events: Iterable[Event], person: str, now_ms: int, rules: Rules = DEFAULT_RULES
) -> Cause | None:
    """Whether ``open_session`` may be closed now.

    ``TREATMENT_NOT_OPEN`` when there is none, or it is of another day and beyond its maximum; one
    of today may always be closed, and is found too long. ``CLOCK_SET_BACK`` before its sign-in.
    """
    session = open_session(events, person)
    if session is None:
        return Cause.TREATMENT_NOT_OPEN
    if session.in_ms > now_ms:
        return Cause.CLOCK_SET_BACK
    today = day_of(session.in_ms) == day_of(now_ms)
    return None if today or not _expired(session, now_ms, rules) else Cause.TREATMENT_NOT_OPEN


def missing_sign_outs(
    events: Iterable[Event], now_ms: int, rules: Rules = DEFAULT_RULES
) -> list[Session]:
    """Open sessions beyond their maximum, oldest first."""
    return [s for s in sessions(events) if s.out_ms is None and _expired(s, now_ms, rules)]


def findings(session: Session, rules: Rules = DEFAULT_RULES) -> tuple[str, ...]:
    """What the regulator should see: ``too-short``, ``too-long``, ``made-up``."""
    found: list[str] = []
    if session.out_ms is not None:
        rule, lasted_ms = _rule(rules, session.item), session.out_ms - session.in_ms
        if lasted_ms < rule.min_minutes * _MINUTE_MS:
            found.append("too-short")
        if lasted_ms > rule.max_minutes * _MINUTE_MS:
            found.append("too-long")
    return (*found, "made-up") if session.made_up else tuple(found)


def overlaps(listed: Sequence[Session]) -> list[tuple[Session, Session]]:
    """Pairs of one person that ran at the same moment: what make-up signs may claim.

    An open session counts with its sign-in alone: nobody knows how long it lasted.
    """
    by_person: dict[str, list[Session]] = {}
    for session in sorted(listed, key=lambda s: (s.in_ms, -_end_ms(s))):
        by_person.setdefault(session.person, []).append(session)
    pairs = (pair for own in by_person.values() for pair in combinations(own, 2))
    return [(first, second) for first, second in pairs if second.in_ms < _end_ms(first)]


def may_make_up(claimed_ms: int, now_ms: int, within_ms: int = MAKEUP_WITHIN_MS) -> Cause | None:
    """``MAKEUP_LATE`` for a time in the future or longer ago than ``within_ms`` (S0-54)."""
    return None if 0 <= now_ms - claimed_ms <= within_ms else Cause.MAKEUP_LATE


def _step(found: dict[str, Session], event: Event) -> None:
    if event.kind is Kind.TREATMENT_IN and own_face(event):
        _open(found, event, event.at_ms, made_up=False)
    elif event.kind is Kind.TREATMENT_OUT and own_face(event):
        _close(found, event, event.at_ms, made_up=False)
    elif recorded([event], Kind.TREATMENT_MAKEUP):
        claimed = whole(event.detail.get("at_ms"))
        sign = {"in": _open, "out": _close}.get(event.text("sign"))
        if claimed is not None and sign is not None:
            sign(found, event, claimed, made_up=True)
    elif recorded([event], Kind.TREATMENT_DATA):
        session = found.get(event.text("session"))
        if session is not None and session.person == event.person:
            found[session.id] = replace(session, data=session.data + 1)


def _open(found: dict[str, Session], event: Event, at_ms: int, *, made_up: bool) -> None:
    item = event.text("item") or Item.OTHER.value
    found[event.id] = Session(event.id, event.person, item, at_ms, None, made_up, 0)


def _close(found: dict[str, Session], event: Event, at_ms: int, *, made_up: bool) -> None:
    session = found.get(event.text("session"))
    if session is None or session.person != event.person:
        return
    if session.out_ms is None and at_ms >= session.in_ms:
        closed = replace(session, out_ms=at_ms, made_up=session.made_up or made_up)
        found[session.id] = closed


def _expired(session: Session, now_ms: int, rules: Rules) -> bool:
    return now_ms - session.in_ms > _rule(rules, session.item).max_minutes * _MINUTE_MS


def _rule(rules: Rules, item: str) -> ItemRule:
    return rules.get(item) or rules.get(Item.OTHER) or DEFAULT_RULES[Item.OTHER]


def _end_ms(session: Session) -> int:
    return session.in_ms if session.out_ms is None else session.out_ms
