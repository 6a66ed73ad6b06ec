"""认证率: authentications per 100 settlements and treatments, record by record (S0-68)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum, unique
from fractions import Fraction

from yibao_face.daemon.core.encounter import Answer
from yibao_face.daemon.core.scene.detail import date_in, own_face, recorded, whole
from yibao_face.daemon.core.scene.event import HIS_KINDS, Event, Kind
from yibao_face.daemon.core.scene.special import Registration, Review, registrations


@unique
class Category(StrEnum):
    """What the institution counts per day: 医保结算人次, 诊疗人次."""

    SETTLEMENT = "settlement"
    TREATMENT = "treatment"


@unique
class What(StrEnum):
    """As what an event was considered."""

    SETTLEMENT = "settlement"
    SPECIAL = "special"
    TREATMENT = "treatment"
    EXEMPT = "exempt"


# An exempt settlement is no authentication: it has its own count beside the numerator.
_CATEGORY = {
    What.SETTLEMENT: Category.SETTLEMENT,
    What.SPECIAL: Category.SETTLEMENT,
    What.TREATMENT: Category.TREATMENT,
}
NOT_NEEDED = "not-needed"
NO_COUNT = "no-imported-count"
_COUNTED = frozenset({"first-pass", "signed-in", Review.PENDING.value, Review.APPROVED.value})


@dataclass(frozen=True, slots=True)
class Line:
    """Why one event is in the numerator or not. ``id``: of its record. ``as_what``, ``reason``:
    stable words."""

    id: str
    day: date
    counted: bool
    as_what: What
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """One day. ``settled``, ``treated``: imported counts, ``None`` where there is none.

    ``authenticated``, ``specials``, ``treatments``: what is counted, nothing of a category
    without an imported count. ``exempt``: settlements answered with code 2.
    """

    day: date
    authenticated: int
    specials: int
    treatments: int
    exempt: int
    settled: int | None
    treated: int | None

    @property
    def missing(self) -> bool:
        """Whether nothing was imported for the day: it is left out."""
        return self.settled is None and self.treated is None


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate of an institution over days. ``settled``: both imported counts together.

    ``percent``: exact, ``None`` where nothing was settled. ``missing``: days left out.
    ``warnings``: word and day, as ``settlement-exceeds-count 2025-01-31``.
    """

    rows: tuple[Row, ...]
    authenticated: int
    specials: int
    treatments: int
    settled: int
    exempt: int
    percent: Fraction | None
    missing: tuple[date, ...]
    warnings: tuple[str, ...]

    @property
    def numerator(self) -> int:
        """认证人次: special registrations included."""
        return self.authenticated + self.specials + self.treatments


@dataclass(frozen=True, slots=True)
class _Books:
    """What one event is judged by: the events of the institution, looked up."""

    counts: Mapping[tuple[date, Category], int]
    passes: Mapping[str, Event]
    exempts: Mapping[str, Event]
    specials: Mapping[str, Registration]
    settled: frozenset[tuple[str, date]]


def rate(events: Sequence[Event], institution: str, first: date, last: date) -> Rate:
    """认证率 of ``institution`` for ``first``..``last``, both included; demo events are not given.

    A category of a day without an imported count is left out above and below the line.
    """
    counts = imported(events, institution)
    lines = explain(events, institution, first, last)
    tally = Counter(
        (line.day, line.as_what) for line in lines if line.counted or line.reason == NOT_NEEDED
    )
    rows = tuple(_row(day, tally, counts) for day in _days(first, last))
    settled = sum((row.settled or 0) + (row.treated or 0) for row in rows)
    numerator = sum(row.authenticated + row.specials + row.treatments for row in rows)
    lost = {line.day for line in lines if _is_lost(line)}
    return Rate(
        rows,
        sum(row.authenticated for row in rows),
        sum(row.specials for row in rows),
        sum(row.treatments for row in rows),
        settled,
        sum(row.exempt for row in rows),
        Fraction(100 * numerator, settled) if settled else None,
        tuple(row.day for row in rows if row.missing),
        tuple(warning for row in rows for warning in _warnings(row, row.day in lost)),
    )


def explain(events: Sequence[Event], institution: str, first: date, last: date) -> list[Line]:
    """One line per event that was considered, in its order; the counted ones are the numerator.

    Which call of a settlement is its first, and what a review said, is looked up in all events:
    the sum over two ranges is that of both together.
    """
    own = [event for event in events if event.institution == institution]
    books = _books(own, imported(events, institution))
    cases: set[tuple[str, date, str]] = set()
    lines = (_line(event, books, cases) for event in own if first <= event.day <= last)
    return [line for line in lines if line is not None]


def imported(events: Iterable[Event], institution: str) -> dict[tuple[date, Category], int]:
    """The counts of the institution by day and category; the last import of each wins."""
    found: dict[tuple[date, Category], int] = {}
    for event in recorded(events, Kind.SETTLED):
        day, count = date_in(event.detail.get("day")), whole(event.detail.get("count"))
        category = {c.value: c for c in Category}.get(event.text("category"))
        if event.institution == institution and day and category and count is not None:
            found[day, category] = count
    return found


def percent_text(percent: Fraction | None) -> str:
    """Two decimals, half to even, without a sign: ``98.77``; ``-`` where there is none."""
    if percent is None:
        return "-"
    hundredths = round(percent * 100)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _row(
    day: date,
    tally: Mapping[tuple[date, What], int],
    counts: Mapping[tuple[date, Category], int],
) -> Row:
    settlement, special, treatment, exempt = (tally.get((day, what), 0) for what in What)
    settled, treated = (counts.get((day, category)) for category in Category)
    return Row(day, settlement, special, treatment, exempt, settled, treated)


def _warnings(row: Row, lost_treatment: bool) -> list[str]:
    found: list[str] = []
    if row.settled is None and row.treated is not None:
        found.append("settlement-count-missing")
    if row.settled is not None and row.treated is None and lost_treatment:
        found.append("treatment-count-missing")
    if row.settled is not None and row.authenticated + row.specials > row.settled:
        found.append("settlement-exceeds-count")
    if row.treated is not None and row.treatments > row.treated:
        found.append("treatment-exceeds-count")
    return [f"{word} {row.day}" for word in found]


def _is_lost(line: Line) -> bool:
    return line.as_what is What.TREATMENT and line.reason == NO_COUNT


def _books(own: Sequence[Event], counts: Mapping[tuple[date, Category], int]) -> _Books:
    passes: dict[str, Event] = {}
    exempts: dict[str, Event] = {}
    for event in own:
        if event.kind in HIS_KINDS and event.deal_no:
            if event.passed:
                passes.setdefault(event.deal_no, event)
            elif event.answer is Answer.NOT_NEEDED:
                exempts.setdefault(event.deal_no, event)
    return _Books(
        counts,
        passes,
        exempts,
        {registration.id: registration for registration in registrations(own)},
        frozenset((event.person, event.day) for event in passes.values()),
    )


def _line(event: Event, books: _Books, cases: set[tuple[str, date, str]]) -> Line | None:
    if event.kind in HIS_KINDS:
        exempt = event.answer is Answer.NOT_NEEDED
        what = What.EXEMPT if exempt else What.SETTLEMENT
        reason = _exempt(event, books) if exempt else _settlement(event, books)
    elif event.kind is Kind.SPECIAL:
        what, reason = What.SPECIAL, _special(event, books, cases)
    elif event.kind is Kind.TREATMENT_IN:
        what, reason = What.TREATMENT, "signed-in" if own_face(event) else "refused"
    elif event.kind is Kind.TREATMENT_MAKEUP and event.text("sign") == "in":
        what, reason = What.TREATMENT, "made-up"
    else:
        return None
    counted = reason in _COUNTED
    if counted and (event.day, _CATEGORY[what]) not in books.counts:
        counted, reason = False, NO_COUNT
    return Line(event.id, event.day, counted, what, reason)


def _settlement(event: Event, books: _Books) -> str:
    if not event.passed:
        return "refused"
    if not event.deal_no:
        return "no-deal-number"
    return "first-pass" if books.passes[event.deal_no].id == event.id else "same-settlement"


def _exempt(event: Event, books: _Books) -> str:
    if not event.deal_no:
        return "no-deal-number"
    if event.deal_no in books.passes:
        return "authenticated"
    return NOT_NEEDED if books.exempts[event.deal_no].id == event.id else "same-settlement"


def _special(event: Event, books: _Books, cases: set[tuple[str, date, str]]) -> str:
    """Its review state when it counts; one per person, day and case without a settlement."""
    registration = books.specials.get(event.id)
    if registration is None:
        return "not-registered"
    if registration.review is Review.REJECTED:
        return registration.review.value
    if (event.person, event.day) in books.settled:
        return "settled-that-day"
    if (event.person, event.day, registration.case) in cases:
        return "same-case"
    cases.add((event.person, event.day, registration.case))
    return registration.review.value
