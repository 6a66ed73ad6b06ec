"""Attendance: the state of the day toggles, repeats are none, a clock set back forges nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_events import DAY1, DAY2, event, ms, passed

from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.scene.attendance import (
    DayRecord,
    Sign,
    Witness,
    clock_doubt,
    clock_set_back,
    day_record,
    next_sign,
    on_duty,
)
from yibao_face.daemon.core.scene.event import Event, Kind

MINUTE = 60_000
CAUSES = {Sign.IN: Cause.SIGNED_IN, Sign.OUT: Cause.SIGNED_OUT}
SIGNS = [None, *Sign]


def sign(which: Sign, at_ms: int, person: str = "d1", **given: Any) -> Event:
    return passed(Kind.ATTENDANCE, at_ms, person, **{"cause": CAUSES[which], **given})


def makeup(which: object, claimed: object, **given: Any) -> Event:
    detail = {"sign": which, "at_ms": claimed, "staff": "S", "reason": "忘记打卡"}
    return event(Kind.ATTENDANCE_MAKEUP, ms(DAY1, "18:00"), "d1", detail=detail, **given)


IN_8, OUT_12 = sign(Sign.IN, ms(DAY1, "08:00")), sign(Sign.OUT, ms(DAY1, "12:00"))


@pytest.mark.parametrize(
    ("events", "clock", "wanted", "expected"),
    [
        ([], "08:00", None, Sign.IN),
        ([], "08:00", Sign.IN, Sign.IN),
        ([], "08:00", Sign.OUT, Cause.NOT_SIGNED_IN),
        ([IN_8], "12:00", None, Sign.OUT),
        ([IN_8], "12:00", Sign.OUT, Sign.OUT),
        ([IN_8], "12:00", Sign.IN, Cause.ALREADY_SIGNED),
        ([IN_8], "08:00", None, Cause.ALREADY_SIGNED),
        ([IN_8], "08:04:59", None, Cause.ALREADY_SIGNED),
        ([IN_8], "08:05", None, Sign.OUT),
        ([IN_8], "08:01", Sign.OUT, Sign.OUT),
        ([IN_8], "08:01", Sign.IN, Cause.ALREADY_SIGNED),
        ([IN_8], "07:59", None, Cause.ALREADY_SIGNED),
        ([IN_8], "07:59", Sign.IN, Cause.ALREADY_SIGNED),
        ([IN_8], "07:59", Sign.OUT, Cause.CLOCK_SET_BACK),
        ([IN_8], "07:54", None, Cause.CLOCK_SET_BACK),
        ([IN_8], "07:54", Sign.IN, Cause.CLOCK_SET_BACK),
        ([IN_8, OUT_12], "13:00", None, Sign.IN),
        ([IN_8, OUT_12], "13:00", Sign.IN, Sign.IN),
        ([IN_8, OUT_12], "13:00", Sign.OUT, Cause.ALREADY_SIGNED),
        ([IN_8, OUT_12], "12:01", None, Cause.ALREADY_SIGNED),
        ([IN_8, OUT_12], "12:01", Sign.IN, Sign.IN),
    ],
)
def test_the_next_sign_follows_from_the_day(
    events: list[Event], clock: str, wanted: Sign | None, expected: Sign | Cause
) -> None:
    assert expected is next_sign(events, "d1", ms(DAY1, clock), 5 * MINUTE, wanted)


@pytest.mark.parametrize(
    ("now_ms", "expected"),
    [(ms(DAY2, "00:00") - 1, Sign.OUT), (ms(DAY2, "00:00"), Sign.IN)],
    ids=["before-midnight", "midnight"],
)
def test_a_sign_is_valid_for_its_day_in_china(now_ms: int, expected: Sign) -> None:
    assert expected is next_sign([IN_8], "d1", now_ms, 5 * MINUTE)


def test_a_sign_at_midnight_is_no_repeat_of_the_day_before() -> None:
    last = sign(Sign.IN, ms(DAY2, "00:00") - 1)

    assert Sign.IN is next_sign([last], "d1", ms(DAY2, "00:00"), 5 * MINUTE)


@pytest.mark.parametrize(
    "other",
    [
        sign(Sign.IN, ms(DAY1), "d2"),
        sign(Sign.IN, ms(DAY1), answer=Answer.FAIL, cause=Cause.OTHER_PERSON),
        sign(Sign.IN, ms(DAY1), answer=Answer.FAIL),
        sign(Sign.IN, ms(DAY1), cause=Cause.MATCHED_SELF),
        makeup("in", "08:00"),
        makeup("in", True),
        makeup("in", -1),
        makeup("on", ms(DAY1)),
        makeup(None, ms(DAY1)),
        makeup("in", ms(DAY1), cause=Cause.MAKEUP_LATE),
        passed(Kind.TREATMENT_IN, ms(DAY1), "d1", cause=Cause.SIGNED_IN),
    ],
)
def test_what_is_no_sign_of_this_person_changes_nothing(other: Event) -> None:
    assert DayRecord("d1", DAY1, (), False, False) == day_record([other], "d1", DAY1)


@pytest.mark.parametrize(
    ("events", "signs", "missing_out", "made_up"),
    [
        ([IN_8], ["in 08:00"], True, False),
        ([IN_8, OUT_12], ["in 08:00", "out 12:00"], False, False),
        ([IN_8, makeup("out", ms(DAY1, "17:00"))], ["in 08:00", "out 17:00"], False, True),
        ([OUT_12, makeup("in", ms(DAY1, "07:00"))], ["in 07:00", "out 12:00"], False, True),
        ([IN_8, makeup("out", ms(DAY2))], ["in 08:00"], True, False),
    ],
    ids=["on-duty", "done", "made-up-out", "made-up-in", "make-up-of-another-day"],
)
def test_the_record_of_a_day_is_by_time(
    events: list[Event], signs: list[str], missing_out: bool, made_up: bool
) -> None:
    listed = [text.split() for text in signs]
    expected = tuple((Sign(which), ms(DAY1, clock)) for which, clock in listed)

    record = DayRecord("d1", DAY1, expected, missing_out, made_up)
    assert record == day_record(events, "d1", DAY1)
    assert missing_out is on_duty(events, "d1", DAY1)


@pytest.mark.parametrize(("day", "expected"), [(DAY1, True), (DAY2, False)])
def test_who_signed_in_is_on_duty_that_day_only(day: date, expected: bool) -> None:
    assert expected is on_duty([IN_8], "d1", day)


@pytest.mark.parametrize(
    ("now_ms", "expected"), [(1000, False), (901, False), (900, False), (899, True), (0, True)]
)
def test_a_clock_before_the_log_beyond_the_tolerance_was_set_back(
    now_ms: int, expected: bool
) -> None:
    assert expected is clock_set_back(1000, now_ms, 100)


NOW, SLACK, APART = 100 * MINUTE, 2 * MINUTE, 5 * MINUTE


@pytest.mark.parametrize(
    ("witness", "expected"),
    [
        (Witness(NOW), None),
        (Witness(NOW + SLACK), None),
        (Witness(NOW + SLACK + 1), Cause.CLOCK_SET_BACK),
        (Witness(0, NOW + APART), None),
        (Witness(0, NOW + APART + 1), Cause.CLOCK_SET_BACK),
        (Witness(0, 0, APART), None),
        (Witness(0, 0, APART + 1), Cause.CLOCK_SET_BACK),
        (Witness(0, 0, -APART), None),
        (Witness(0, 0, -APART - 1), Cause.CLOCK_AHEAD),
        (Witness(NOW + SLACK + 1, 0, -APART - 1), Cause.CLOCK_AHEAD),
    ],
)
def test_a_clock_is_doubted_by_the_log_and_by_the_centre(
    witness: Witness, expected: Cause | None
) -> None:
    assert expected is clock_doubt(witness, NOW, SLACK, APART)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 600), st.sampled_from(SIGNS)), max_size=25))
def test_signs_alternate_within_each_day_and_begin_with_an_in(
    calls: list[tuple[int, Sign | None]],
) -> None:
    events: list[Event] = []
    now_ms = ms(DAY1)
    for minutes, wanted in calls:
        now_ms += minutes * MINUTE
        found = next_sign(events, "d1", now_ms, 5 * MINUTE, wanted)
        if isinstance(found, Sign):
            assert wanted in (None, found)
            events.append(sign(found, now_ms))

    for n in range(-1, 15):
        signs = [s for s, _ in day_record(events, "d1", DAY1 + timedelta(days=n)).signs]
        assert [Sign.IN, Sign.OUT] * (len(signs) // 2) + [Sign.IN] * (len(signs) % 2) == signs
