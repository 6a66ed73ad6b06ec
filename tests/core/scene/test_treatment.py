"""Treatments: sign-in, sign-out, make-up signs, missing sign-outs and overlaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_events import DAY1, DAY2, event, ms, passed

from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.scene.event import Event, Kind
from yibao_face.daemon.core.scene.treatment import (
    DEFAULT_RULES,
    TITLES,
    Item,
    ItemRule,
    Session,
    findings,
    may_make_up,
    may_sign_in,
    may_sign_out,
    missing_sign_outs,
    open_session,
    overlaps,
    sessions,
)

RULES = {"tuina": ItemRule(20, 60), "other": ItemRule(1, 120)}
MINUTE = 60_000
START = ms(DAY1, "09:00")


def sign_in(at_ms: int, person: str = "p1", item: str = "tuina", **given: Any) -> Event:
    return passed(Kind.TREATMENT_IN, at_ms, person, detail={"item": item, "staff": "S"}, **given)


def sign_out(at_ms: int, session: str, person: str = "p1", **given: Any) -> Event:
    detail = {"session": session, "item": "tuina"}
    return passed(Kind.TREATMENT_OUT, at_ms, person, detail=detail, **given)


def makeup(at_ms: int, sign: str, claimed: object, session: str = "", **given: Any) -> Event:
    detail = {"session": session, "item": "tuina", "sign": sign, "at_ms": claimed}
    return event(Kind.TREATMENT_MAKEUP, at_ms, given.pop("person", "p1"), detail=detail, **given)


def lasting(minutes: float | None, in_ms: int = START, **changed: Any) -> Session:
    out_ms = None if minutes is None else round(in_ms + minutes * MINUTE)
    return replace(Session("s1", "p1", "tuina", in_ms, out_ms, False, 0), **changed)


def test_every_item_has_a_title_and_a_rule_that_can_be_kept() -> None:
    assert set(Item) == set(TITLES) == set(DEFAULT_RULES)
    assert all(0 < r.min_minutes < r.max_minutes for r in DEFAULT_RULES.values())


def test_a_session_is_from_sign_in_to_sign_out() -> None:
    begin = sign_in(START)
    end = sign_out(START + 30 * MINUTE, begin.id)

    expected = Session(begin.id, "p1", "tuina", START, START + 30 * MINUTE, False, 0)
    assert [expected] == sessions([begin, end])


@pytest.mark.parametrize(
    "given",
    [
        {"answer": Answer.FAIL, "cause": Cause.OTHER_PERSON},
        {"answer": Answer.NOT_NEEDED, "cause": Cause.POLICY_EXEMPT},
        {"cause": Cause.MATCHED_AGENT},
    ],
)
def test_a_sign_without_the_patients_own_face_is_none(given: dict[str, Any]) -> None:
    begin = sign_in(START)

    assert [] == sessions([sign_in(START, **given)])
    assert [None] == [s.out_ms for s in sessions([begin, sign_out(START, begin.id, **given)])]


@pytest.mark.parametrize(
    "end",
    [
        sign_out(START + MINUTE, "another"),
        sign_out(START + MINUTE, "s1", person="p2"),
        sign_out(START - MINUTE, "s1"),
        makeup(START + MINUTE, "out", START - 1, "s1"),
        makeup(START + MINUTE, "out", START + 1, ""),
        makeup(START + MINUTE, "out", "noon", "s1"),
        makeup(START + MINUTE, "off", START + 1, "s1"),
        makeup(START + MINUTE, "out", START + 1, "s1", person="p2"),
        makeup(START + MINUTE, "out", START + 1, "s1", cause=Cause.MAKEUP_LATE),
    ],
    ids=[
        "another-session",
        "another-person",
        "before-sign-in",
        "claimed-before-sign-in",
        "no-session",
        "no-time",
        "no-sign",
        "make-up-of-another-person",
        "refused",
    ],
)
def test_a_sign_out_that_does_not_fit_closes_nothing(end: Event) -> None:
    assert [None] == [s.out_ms for s in sessions([sign_in(START, id="s1"), end])]


def test_the_first_sign_out_stays() -> None:
    begin = sign_in(START)
    events = [begin, sign_out(START + 5, begin.id), makeup(START + 9, "out", START + 7, begin.id)]

    assert [(START + 5, False)] == [(s.out_ms, s.made_up) for s in sessions(events)]


def test_a_nurse_makes_up_a_sign_out() -> None:
    begin = sign_in(START)
    events = [begin, makeup(START + 90 * MINUTE, "out", START + 30 * MINUTE, begin.id)]

    assert [(START + 30 * MINUTE, True)] == [(s.out_ms, s.made_up) for s in sessions(events)]


def test_a_nurse_makes_up_a_sign_in_and_the_patient_signs_out() -> None:
    begin = makeup(START + 10 * MINUTE, "in", START)
    events = [begin, sign_out(START + 30 * MINUTE, begin.id)]

    expected = Session(begin.id, "p1", "tuina", START, START + 30 * MINUTE, True, 0)
    assert [expected] == sessions(events)


def test_uploads_are_counted_with_their_session() -> None:
    begin = sign_in(START)
    data = {"session": begin.id, "sections": ["device"]}
    events = [
        begin,
        event(Kind.TREATMENT_DATA, START, "p1", detail=data),
        event(Kind.TREATMENT_DATA, START, "p1", detail=data),
        event(Kind.TREATMENT_DATA, START, "p2", detail=data),
        event(Kind.TREATMENT_DATA, START, "p1", detail={"session": "another"}),
    ]

    assert [2] == [s.data for s in sessions(events)]


def test_the_open_session_is_the_last_one_unless_it_is_closed() -> None:
    left_open, second = sign_in(START), sign_in(START + 90 * MINUTE)
    events = [left_open, second]

    found = open_session(events, "p1")
    assert second.id == (found.id if found else None)
    assert open_session(events, "p2") is None
    assert open_session([*events, sign_out(START + 99 * MINUTE, second.id)], "p1") is None


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(0, Cause.TREATMENT_OPEN), (60, Cause.TREATMENT_OPEN), (60.01, None), (24 * 60, None)],
)
def test_an_open_session_blocks_a_sign_in_up_to_its_maximum(
    minutes: float, expected: Cause | None
) -> None:
    now_ms = round(START + minutes * MINUTE)

    assert expected is may_sign_in([sign_in(START)], "p1", now_ms, RULES)
    assert may_sign_in([sign_in(START)], "p2", now_ms, RULES) is None


def test_a_session_over_midnight_blocks_and_may_be_signed_out() -> None:
    late = ms(DAY1, "23:50")
    events, after = [sign_in(late)], ms(DAY2, "00:20")

    assert Cause.TREATMENT_OPEN is may_sign_in(events, "p1", after, RULES)
    assert may_sign_out(events, "p1", after, RULES) is None


@pytest.mark.parametrize(
    ("now_ms", "expected"),
    [
        (START, None),
        (START + 30 * MINUTE, None),
        (ms(DAY1, "23:59"), None),
        (ms(DAY2, "00:00"), Cause.TREATMENT_NOT_OPEN),
        (START - 1, Cause.CLOCK_SET_BACK),
    ],
    ids=["at-once", "in-time", "too-long-today", "next-day", "before"],
)
def test_a_sign_out_is_for_today(now_ms: int, expected: Cause | None) -> None:
    assert expected is may_sign_out([sign_in(START)], "p1", now_ms, RULES)


def test_nobody_signs_out_of_what_was_not_begun_or_is_closed() -> None:
    begin = sign_in(START)
    closed = [begin, sign_out(START + 1, begin.id)]

    assert Cause.TREATMENT_NOT_OPEN is may_sign_out([], "p1", START, RULES)
    assert Cause.TREATMENT_NOT_OPEN is may_sign_out(closed, "p1", START + 2, RULES)


def test_an_open_session_beyond_its_maximum_lacks_its_sign_out() -> None:
    old, closed, running = (
        sign_in(START, "p1"),
        sign_in(START, "p2"),
        sign_in(START + 50 * MINUTE, "p3"),
    )
    events = [old, closed, sign_out(START + 5, closed.id, "p2"), running]

    found = missing_sign_outs(events, START + 61 * MINUTE, RULES)
    assert [old.id] == [s.id for s in found]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (lasting(20), ()),
        (lasting(60), ()),
        (lasting(19.99), ("too-short",)),
        (lasting(60.01), ("too-long",)),
        (lasting(30, made_up=True), ("made-up",)),
        (lasting(5, made_up=True), ("too-short", "made-up")),
        (lasting(None), ()),
        (lasting(None, made_up=True), ("made-up",)),
        (lasting(90, item="unheard-of"), ()),
        (lasting(121, item="unheard-of"), ("too-long",)),
    ],
)
def test_findings_of_a_session(session: Session, expected: tuple[str, ...]) -> None:
    assert expected == findings(session, RULES)


def test_rules_without_a_fallback_use_the_wide_one() -> None:
    assert () == findings(lasting(480, item="unheard-of"), {})
    assert ("too-long",) == findings(lasting(481, item="unheard-of"), {})


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        (lasting(30), lasting(30, START + 29 * MINUTE), True),
        (lasting(30), lasting(30, START + 30 * MINUTE), False),
        (lasting(30), lasting(5, START + MINUTE), True),
        (lasting(30), lasting(None, START + MINUTE), True),
        (lasting(30), lasting(None, START), True),
        (lasting(None), lasting(30, START + MINUTE), False),
        (lasting(30), lasting(30, START + MINUTE, person="p2"), False),
    ],
    ids=["end", "touching", "within", "open-within", "open-at-start", "after-open", "two-persons"],
)
def test_overlaps_are_of_one_person_and_one_moment(
    first: Session, second: Session, overlap: bool
) -> None:
    expected = [(first, second)] if overlap else []

    assert expected == overlaps([first, second])
    assert overlap is bool(overlaps([second, first]))


@pytest.mark.parametrize(
    ("claimed_ms", "expected"),
    [
        (START, None),
        (START - 1000, None),
        (START - 1001, Cause.MAKEUP_LATE),
        (START + 1, Cause.MAKEUP_LATE),
    ],
)
def test_a_make_up_is_for_the_recent_past(claimed_ms: int, expected: Cause | None) -> None:
    assert expected is may_make_up(claimed_ms, START, 1000)


def test_a_make_up_may_reach_back_a_day() -> None:
    assert may_make_up(START, ms(DAY2, "09:00")) is None
    assert Cause.MAKEUP_LATE is may_make_up(START, ms(DAY2, "09:00") + 1)


STEPS = st.lists(st.tuples(st.sampled_from(["in", "out"]), st.integers(1, 90)), max_size=20)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_signs_of_the_patient_alone_never_overlap(steps: list[tuple[str, int]]) -> None:
    events: list[Event] = []
    now_ms = START
    for sign, minutes in steps:
        now_ms += minutes * MINUTE
        session = open_session(events, "p1")
        if sign == "in" and may_sign_in(events, "p1", now_ms, RULES) is None:
            events.append(sign_in(now_ms))
        elif sign == "out" and may_sign_out(events, "p1", now_ms, RULES) is None:
            assert session is not None
            events.append(sign_out(now_ms, session.id))
            assert open_session(events, "p1") is None

    found = sessions(events)
    closed = sum(s.out_ms is not None for s in found)
    assert [] == overlaps(found)
    assert closed == sum(e.kind is Kind.TREATMENT_OUT for e in events)
    assert len(missing_sign_outs(events, now_ms + 61 * MINUTE, RULES)) == len(found) - closed
