"""What a record says is read strictly: whole numbers, texts, dates, digests, the day in China."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_events import DAY1, DAY2, PHOTO, event, ms, passed

from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.scene.detail import (
    MAX_MS,
    date_in,
    day_of,
    has_control,
    is_sha256,
    own_face,
    recorded,
    texts,
    whole,
)
from yibao_face.daemon.core.scene.event import Event, Kind


@pytest.mark.parametrize(
    ("at_ms", "expected"),
    [
        (0, date(1970, 1, 1)),
        (ms(DAY2, "00:00"), DAY2),
        (ms(DAY2, "00:00") - 1, DAY1),
        (ms(DAY1, "23:59"), DAY1),
    ],
)
def test_a_day_begins_at_midnight_in_china(at_ms: int, expected: date) -> None:
    assert expected == day_of(at_ms)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, MAX_MS))
def test_the_day_is_the_date_eight_hours_later_in_utc(at_ms: int) -> None:
    assert (datetime(1970, 1, 1, 8) + timedelta(milliseconds=at_ms)).date() == day_of(at_ms)  # noqa: DTZ001  # counted without any zone


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (MAX_MS, MAX_MS),
        (MAX_MS + 1, None),
        (-1, None),
        (True, None),
        (1.0, None),
        ("1", None),
        (None, None),
    ],
)
def test_only_a_whole_number_within_bounds_is_one(value: object, expected: int | None) -> None:
    assert expected == whole(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", "b"], ("a", "b")),
        (("a",), ("a",)),
        ([], ()),
        (["a", ""], ()),
        (["a", 1], ()),
        ("ab", ()),
        (None, ()),
        ({"a": 1}, ()),
    ],
)
def test_a_list_with_anything_but_texts_is_none(value: object, expected: tuple[str, ...]) -> None:
    assert expected == texts(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-03-01", DAY1),
        ("20250301", None),
        ("2025-W09-6", None),
        ("2025-02-30", None),
        ("2025-03-01T00:00", None),
        ("", None),
        (20250301, None),
        (DAY1, None),
    ],
)
def test_a_date_has_one_form(value: object, expected: date | None) -> None:
    assert expected == date_in(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PHOTO, True),
        (PHOTO.upper(), False),
        (PHOTO[1:], False),
        (PHOTO + "\n", False),
        ("g" * 64, False),
        ("", False),
    ],
)
def test_a_digest_is_64_hex_digits(text: str, expected: bool) -> None:
    assert expected is is_sha256(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("骨科", False),
        ("𠮷\u3000王·明", False),
        ("a\n", True),
        ("\x7f", True),
        ("\ud800", True),
        ("\udfff", True),
    ],
)
def test_control_characters_and_half_characters_are_seen(text: str, expected: bool) -> None:
    assert expected is has_control(text)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (passed(Kind.STAY, 0, "p1"), True),
        (passed(Kind.STAY, 0, "p1", cause=Cause.MATCHED_AGENT), False),
        (passed(Kind.STAY, 0, "p1", answer=Answer.NOT_NEEDED), False),
        (passed(Kind.STAY, 0, "p1", answer=Answer.FAIL), False),
    ],
)
def test_an_agents_face_is_not_the_patients(seen: Event, expected: bool) -> None:
    assert expected is own_face(seen)


def test_only_what_was_written_down_is_recorded() -> None:
    kept = event(Kind.SPECIAL, 0)
    others = [event(Kind.SPECIAL, 0, cause=Cause.NOT_INPATIENT), event(Kind.REVIEW, 0)]

    assert [kept] == recorded([kept, *others], Kind.SPECIAL)
