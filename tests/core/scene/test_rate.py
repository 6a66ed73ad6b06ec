"""认证率: a day counted by hand, and the lines that add up to every figure."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_events import (
    DAY1,
    DAY2,
    DAY3,
    HOSPITAL,
    OTHER_HOSPITAL,
    event,
    ms,
    passed,
    review,
    special,
)

from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.scene.event import HIS_KINDS, Event, Kind
from yibao_face.daemon.core.scene.rate import (
    Category,
    Line,
    Rate,
    Row,
    What,
    explain,
    imported,
    percent_text,
    rate,
)

EXEMPT: dict[str, Any] = {"answer": Answer.NOT_NEEDED, "cause": Cause.POLICY_EXEMPT}
REFUSED: dict[str, Any] = {"answer": Answer.FAIL, "cause": Cause.OTHER_PERSON}


def settled(day: date, count: object, category: str = "settlement", **given: Any) -> Event:
    detail = {"day": day.isoformat(), "category": category, "count": count, "source": "api"}
    return event(
        Kind.SETTLED, ms(DAY3, "23:00"), detail={**detail, **given.pop("detail", {})}, **given
    )


def deal(day: date, deal_no: str, person: str = "p1", **given: Any) -> Event:
    return passed(Kind.SETTLEMENT, ms(day, "09:00"), person, deal_no=deal_no, **given)


def treatment(day: date, person: str = "p1", **given: Any) -> Event:
    return passed(Kind.TREATMENT_IN, ms(day, "10:00"), person, **given)


def reasons(events: list[Event], first: date = DAY1, last: date = DAY3) -> list[str]:
    found = explain(events, HOSPITAL, first, last)
    return [f"{x.as_what} {x.reason}{' counted' if x.counted else ''}" for x in found]


def of_days(events: list[Event], first: date = DAY1, last: date = DAY1) -> Rate:
    return rate(events, HOSPITAL, first, last)


def test_a_day_counted_by_hand() -> None:
    rejected = special(ms(DAY1), "p7", "in-treatment")
    events = [
        deal(DAY1, "D1"),
        deal(DAY1, "D1"),
        deal(DAY1, "D2", "p2", cause=Cause.MATCHED_AGENT),
        deal(DAY1, "D3", "p3", **REFUSED),
        deal(DAY1, "D3", "p3"),
        deal(DAY1, "D4", "p4", **REFUSED),
        deal(DAY1, "D5", "p5", **EXEMPT),
        deal(DAY1, "D5", "p5", **EXEMPT),
        special(ms(DAY1), "p6", "on-leave"),
        special(ms(DAY1), "p1", "on-leave"),
        rejected,
        treatment(DAY1),
        treatment(DAY1, **REFUSED),
        settled(DAY1, 6),
        settled(DAY1, 1, "treatment"),
        review(ms(DAY2), rejected.id, False),
    ]

    # D1, D2, D3; the leave of p6; one treatment: 5 of 6 + 1.
    row = Row(DAY1, 3, 1, 1, 1, 6, 1)
    assert Rate((row,), 3, 1, 1, 7, 1, Fraction(500, 7), (), ()) == of_days(events)
    assert "71.43" == percent_text(of_days(events).percent)
    assert 5 == of_days(events).numerator


@pytest.mark.parametrize("kind", sorted(HIS_KINDS))
def test_a_pass_of_every_kind_of_call_authenticates_its_settlement(kind: Kind) -> None:
    call = passed(kind, ms(DAY1), "p1", deal_no="D1")

    assert ["settlement first-pass counted"] == reasons([call, settled(DAY1, 1)])


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (
            [deal(DAY1, "D1"), deal(DAY1, "D1")],
            ["settlement first-pass counted", "settlement same-settlement"],
        ),
        (
            [deal(DAY1, "D1"), deal(DAY2, "D1")],
            ["settlement first-pass counted", "settlement same-settlement"],
        ),
        (
            [deal(DAY1, "D1", **REFUSED), deal(DAY1, "D1")],
            ["settlement refused", "settlement first-pass counted"],
        ),
        ([deal(DAY1, "")], ["settlement no-deal-number"]),
        ([deal(DAY1, "", **EXEMPT)], ["exempt no-deal-number"]),
        (
            [deal(DAY1, "D1", **EXEMPT), deal(DAY1, "D1", **EXEMPT)],
            ["exempt not-needed", "exempt same-settlement"],
        ),
        (
            [deal(DAY1, "D1", **EXEMPT), deal(DAY1, "D1")],
            ["exempt authenticated", "settlement first-pass counted"],
        ),
        (
            [deal(DAY1, "D1"), deal(DAY1, "D2")],
            ["settlement first-pass counted", "settlement first-pass counted"],
        ),
        ([special(ms(DAY1), "p1", "on-leave")], ["special pending counted"]),
        ([special(ms(DAY1), "p1", "holiday")], ["special not-registered"]),
        (
            [special(ms(DAY1), "p1", "on-leave", cause=Cause.NOT_INPATIENT)],
            ["special not-registered"],
        ),
        (
            [special(ms(DAY1), "p1", "on-leave"), special(ms(DAY1), "p1", "on-leave")],
            ["special pending counted", "special same-case"],
        ),
        (
            [special(ms(DAY1), "p1", "on-leave"), special(ms(DAY1), "p1", "in-treatment")],
            ["special pending counted", "special pending counted"],
        ),
        (
            [special(ms(DAY1), "p1", "on-leave"), special(ms(DAY2), "p1", "on-leave")],
            ["special pending counted", "special pending counted"],
        ),
        (
            [special(ms(DAY1), "p1", "on-leave", until=DAY3)],
            ["special pending counted"],
        ),
        (
            [special(ms(DAY1), "p1", "on-leave"), deal(DAY1, "D1")],
            ["special settled-that-day", "settlement first-pass counted"],
        ),
        (
            [special(ms(DAY1), "p1", "on-leave"), deal(DAY2, "D1")],
            ["special pending counted", "settlement first-pass counted"],
        ),
        (
            [special(ms(DAY1), "p1", "on-leave"), deal(DAY1, "D1", **EXEMPT)],
            ["special pending counted", "exempt not-needed"],
        ),
        (
            [special(ms(DAY1), "p1", "on-leave"), deal(DAY1, "D1", **REFUSED)],
            ["special pending counted", "settlement refused"],
        ),
        ([treatment(DAY1), treatment(DAY1)], ["treatment signed-in counted"] * 2),
        ([treatment(DAY1, **REFUSED)], ["treatment refused"]),
        ([treatment(DAY1, cause=Cause.MATCHED_AGENT)], ["treatment refused"]),
        (
            [event(Kind.TREATMENT_MAKEUP, ms(DAY1), "p1", detail={"sign": "in"})],
            ["treatment made-up"],
        ),
        ([event(Kind.TREATMENT_MAKEUP, ms(DAY1), "p1", detail={"sign": "out"})], []),
        ([passed(Kind.ROUND, ms(DAY1), "p1")], []),
        ([deal(DAY1, "D1", institution=OTHER_HOSPITAL)], []),
        ([deal(DAY1 - timedelta(days=1), "D1")], []),
    ],
)
def test_every_event_has_its_reason(events: list[Event], expected: list[str]) -> None:
    counts = [
        settled(DAY1 + timedelta(days=n), 9, category)
        for n in range(3)
        for category in ("settlement", "treatment")
    ]

    assert expected == reasons([*events, *counts])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([True], "special approved counted"),
        ([False], "special rejected"),
        ([False, True], "special approved counted"),
    ],
)
def test_a_special_registration_counts_unless_it_is_rejected(
    words: list[bool], expected: str
) -> None:
    made = special(ms(DAY1), "p1", "on-leave")
    said = [review(ms(DAY3) + 86_400_000, made.id, word) for word in words]

    assert [expected] == reasons([made, settled(DAY1, 1), *said])


def test_a_rejected_registration_does_not_stand_in_the_way_of_the_next() -> None:
    first, second = (special(ms(DAY1), "p1", "on-leave") for _ in range(2))
    events = [first, second, settled(DAY1, 1), review(ms(DAY2), first.id, False)]

    assert ["special rejected", "special pending counted"] == reasons(events)


def test_a_line_names_its_event_and_day() -> None:
    call = deal(DAY1, "D1", id="e-1")

    expected = Line("e-1", DAY1, True, What.SETTLEMENT, "first-pass")
    assert [expected] == explain([call, settled(DAY1, 1)], HOSPITAL, DAY1, DAY1)


def test_a_day_without_a_count_is_left_out_above_and_below_the_line() -> None:
    events = [
        deal(DAY1, "D1"),
        deal(DAY2, "D2"),
        special(ms(DAY2), "p2", "on-leave"),
        treatment(DAY2),
        deal(DAY2, "D4", **EXEMPT),
        deal(DAY3, "D3"),
        settled(DAY1, 2),
        settled(DAY3, 1),
    ]
    found = of_days(events, DAY1, DAY3)

    assert (2, 0, 0, 3) == (found.authenticated, found.specials, found.treatments, found.settled)
    assert (1, Fraction(200, 3), (DAY2,)) == (found.exempt, found.percent, found.missing)
    assert ["settlement no-imported-count", "special no-imported-count"] == reasons(
        events, DAY2, DAY2
    )[:2]


@pytest.mark.parametrize(
    ("events", "percent", "warnings"),
    [
        ([], None, []),
        ([settled(DAY1, 0)], None, []),
        ([settled(DAY1, 4)], Fraction(0), []),
        ([settled(DAY1, 1), deal(DAY1, "D1")], Fraction(100), []),
        (
            [settled(DAY1, 1), deal(DAY1, "D1"), deal(DAY1, "D2")],
            Fraction(200),
            ["settlement-exceeds-count 2025-03-01"],
        ),
        (
            [settled(DAY1, 1), deal(DAY1, "D1"), special(ms(DAY1), "p2", "on-leave")],
            Fraction(200),
            ["settlement-exceeds-count 2025-03-01"],
        ),
        (
            [settled(DAY1, 0), deal(DAY1, "D1")],
            None,
            ["settlement-exceeds-count 2025-03-01"],
        ),
        (
            [settled(DAY1, 3), settled(DAY1, 1, "treatment"), treatment(DAY1), treatment(DAY1)],
            Fraction(50),
            ["treatment-exceeds-count 2025-03-01"],
        ),
        (
            [settled(DAY1, 2), deal(DAY1, "D1"), treatment(DAY1)],
            Fraction(50),
            ["treatment-count-missing 2025-03-01"],
        ),
        ([settled(DAY1, 2), treatment(DAY1, **REFUSED)], Fraction(0), []),
        (
            [settled(DAY1, 2, "treatment"), deal(DAY1, "D1"), treatment(DAY1)],
            Fraction(50),
            ["settlement-count-missing 2025-03-01"],
        ),
    ],
    ids=[
        "nothing",
        "nothing-settled",
        "nobody-authenticated",
        "all",
        "too-many",
        "too-many-by-special",
        "none-settled",
        "too-many-treatments",
        "no-treatment-count",
        "refused-treatment",
        "no-settlement-count",
    ],
)
def test_a_count_that_cannot_be_right_is_warned_of(
    events: list[Event], percent: Fraction | None, warnings: list[str]
) -> None:
    found = of_days(events)

    assert (percent, warnings) == (found.percent, list(found.warnings))


def test_the_last_import_of_a_day_and_category_wins() -> None:
    events = [
        settled(DAY1, 5),
        settled(DAY1, 2, "treatment"),
        settled(DAY1, 7),
        settled(DAY2, 1),
        settled(DAY1, 9, institution=OTHER_HOSPITAL),
    ]

    expected = {
        (DAY1, Category.SETTLEMENT): 7,
        (DAY1, Category.TREATMENT): 2,
        (DAY2, Category.SETTLEMENT): 1,
    }
    assert expected == imported(events, HOSPITAL)


@pytest.mark.parametrize(
    "broken",
    [
        settled(DAY1, -1),
        settled(DAY1, "5"),
        settled(DAY1, True),
        settled(DAY1, 5.0),
        settled(DAY1, 5, "visits"),
        settled(DAY1, 5, detail={"day": "20250301"}),
        settled(DAY1, 5, cause=Cause.BAD_REQUEST),
    ],
)
def test_an_import_that_cannot_be_read_counts_nothing(broken: Event) -> None:
    assert {} == imported([broken], HOSPITAL)


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (None, "-"),
        (Fraction(0), "0.00"),
        (Fraction(100), "100.00"),
        (Fraction(200, 3), "66.67"),
        (Fraction(1, 200), "0.00"),
        (Fraction(3, 200), "0.02"),
        (Fraction(19997, 200), "99.98"),
        (Fraction(19999, 200), "100.00"),
        (Fraction(1003, 10), "100.30"),
    ],
)
def test_a_percentage_has_two_decimals_half_to_even(
    percent: Fraction | None, expected: str
) -> None:
    assert expected == percent_text(percent)


DAYS = st.sampled_from([DAY1, DAY2, DAY3])
PERSONS, DEALS = st.sampled_from(["p1", "p2"]), st.sampled_from(["D1", "D2", "D3", ""])
EVENTS = st.one_of(
    st.builds(deal, DAYS, DEALS, PERSONS, answer=st.sampled_from(Answer)),
    st.builds(treatment, DAYS, PERSONS, answer=st.sampled_from(Answer)),
    st.builds(
        special, DAYS.map(ms), PERSONS, st.sampled_from(["on-leave", "in-treatment", "holiday"])
    ),
    st.builds(settled, DAYS, st.integers(0, 3), st.sampled_from(["settlement", "treatment"])),
)
LOGS = st.lists(EVENTS, max_size=20).map(lambda events: sorted(events, key=lambda e: e.at_ms))
PROPERTY = settings(max_examples=200, deadline=None)


@PROPERTY
@given(LOGS)
def test_the_counted_lines_add_up_to_the_numerator(log: list[Event]) -> None:
    found, lines = of_days(log, DAY1, DAY3), explain(log, HOSPITAL, DAY1, DAY3)

    counted = Counter(line.as_what for line in lines if line.counted)
    assert found.numerator == sum(counted.values())
    assert found.authenticated == counted[What.SETTLEMENT]
    assert found.specials == counted[What.SPECIAL]
    assert found.treatments == counted[What.TREATMENT]
    assert 0 == counted[What.EXEMPT]
    assert len(lines) == len({line.id for line in lines})


@PROPERTY
@given(LOGS)
def test_the_numerator_is_what_a_plain_count_gives(log: list[Event]) -> None:
    counts = imported(log, HOSPITAL)
    firsts = {e.deal_no: e for e in reversed(log) if e.kind is Kind.SETTLEMENT and e.passed}
    firsts.pop("", None)
    paid = {(e.person, e.day) for e in firsts.values()}
    cases = {
        (e.person, e.day, e.text("case"))
        for e in log
        if e.kind is Kind.SPECIAL and e.text("case") != "holiday" and (e.person, e.day) not in paid
    }
    treated = [e.day for e in log if e.kind is Kind.TREATMENT_IN and e.passed]

    days = [e.day for e in firsts.values()] + [day for _, day, _ in cases]
    expected = sum((day, Category.SETTLEMENT) in counts for day in days)
    expected += sum((day, Category.TREATMENT) in counts for day in treated)
    assert expected == of_days(log, DAY1, DAY3).numerator


@PROPERTY
@given(LOGS)
def test_a_range_is_the_sum_of_its_days(log: list[Event]) -> None:
    whole = of_days(log, DAY1, DAY3)
    days = [of_days(log, day, day) for day in (DAY1, DAY2, DAY3)]

    assert whole.rows == tuple(row for day in days for row in day.rows)
    assert whole.warnings == tuple(word for day in days for word in day.warnings)
    assert whole.settled == sum(day.settled for day in days)
    assert whole.exempt == sum(day.exempt for day in days)
    if whole.percent is not None:
        assert whole.percent == Fraction(100 * whole.numerator, whole.settled)


@PROPERTY
@given(LOGS)
def test_more_than_was_settled_is_never_without_a_warning(log: list[Event]) -> None:
    found = of_days(log, DAY1, DAY3)

    if found.numerator > found.settled:
        assert any("exceeds-count" in warning for warning in found.warnings)
