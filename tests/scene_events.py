"""Events of an invented hospital, as the scenes read them from the log."""

from __future__ import annotations

from datetime import date, datetime
from itertools import count
from typing import Any

from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.scene.detail import CHINA, day_of
from yibao_face.daemon.core.scene.event import Event, Kind
from yibao_face.daemon.core.scene.ward import Stay

HOSPITAL, OTHER_HOSPITAL = "H00000000001", "H00000000002"
PHOTO = "ab" * 32
DAY1, DAY2, DAY3 = date(2025, 3, 1), date(2025, 3, 2), date(2025, 3, 3)
STAY = Stay("一病区", "骨科", "D1", "01", True)
OWN = Cause.MATCHED_SELF
_ids = count(1)


def ms(day: date, clock: str = "08:00") -> int:
    """Unix milliseconds of a wall clock in China."""
    at = datetime.fromisoformat(f"{day.isoformat()}T{clock}").replace(tzinfo=CHINA)
    return round(at.timestamp() * 1000)


def event(kind: Kind, at_ms: int, person: str = "", **given: Any) -> Event:
    """An event; its ``day`` follows from ``at_ms``, its ``id`` is new unless given."""
    facts: dict[str, Any] = {"id": f"e{next(_ids)}", "institution": HOSPITAL, **given}
    facts.setdefault("answer", Answer.FAIL)
    facts.setdefault("cause", Cause.RECORDED)
    return Event(kind=kind, at_ms=at_ms, day=day_of(at_ms), person=person, **facts)


def passed(kind: Kind, at_ms: int, person: str, **given: Any) -> Event:
    """A pass by the person's own face, unless ``cause`` says otherwise."""
    return event(kind, at_ms, person, **{"answer": Answer.PASS, "cause": OWN, **given})


def ward(kind: Kind, at_ms: int, person: str, stay: Stay = STAY, **given: Any) -> Event:
    """A passed ward call."""
    return passed(kind, at_ms, person, detail=stay.detail(), **given)


def special(at_ms: int, person: str, case: str, **given: Any) -> Event:
    """A special registration of its day, or up to ``until``."""
    day = day_of(at_ms)
    until: date = given.pop("until", day)
    detail = {"case": case, "from": day.isoformat(), "until": until.isoformat()}
    detail |= {"photos": [PHOTO], "staff": "S1", **given.pop("detail", {})}
    return event(Kind.SPECIAL, at_ms, person, detail=detail, **given)


def review(at_ms: int, of: str, approved: object) -> Event:
    """A word of the regulator."""
    detail = {"of": of, "approved": approved, "reviewer": "R1"}
    return event(Kind.REVIEW, at_ms, detail=detail)
