"""One field at a time: within its bounds, or a Chinese sentence that names it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.codes import cause_of
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.detail import CHINA
from yibao_face.daemon.core.scene.special import Case
from yibao_face.daemon.desk.form import Form, FormError

NAN = float("nan")
TODAY = date(2026, 12, 1)
Reader = Callable[[Form], Any]


def advice(read: Reader, value: Any) -> str:
    """What the clerk is told about ``value`` under the key ``k``."""
    with pytest.raises(FormError) as refused:
        read(Form({"k": value}))
    return refused.value.advice


def text(form: Form) -> str:
    return form.text("k", "工号", 5)


def text_or_empty(form: Form) -> str:
    return form.text_or_empty("k", "工号", 5)


def choice(form: Form) -> Case:
    return form.choice("k", "登记类型", Case)


def flag(form: Form) -> bool:
    return form.flag("k", "是否通过")


def count(form: Form) -> int:
    return form.count("k", "人次")


def day(form: Form) -> date:
    return form.day("k", "日期")


def day_or_today(form: Form) -> date:
    return form.day("k", "日期", TODAY)


def moment_ms(form: Form) -> int:
    return form.moment_ms("k", "时间")


def photos(form: Form) -> list[bytes]:
    return form.photos("k", "照片")


def rows(form: Form) -> list[Form]:
    return form.rows("k", "名单")


@pytest.mark.parametrize("value", ["1001", " 1001 ", "护士 01", "a" * 5, f"  {'a' * 5}  "])
def test_a_text_is_taken_without_the_blanks_around_it(value: str) -> None:
    assert value.strip() == text(Form({"k": value})) == text_or_empty(Form({"k": value}))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a" * 6, "工号(k)超过5个字符"),
        (7, "工号(k)须为文字"),
        (True, "工号(k)须为文字"),
        (["1001"], "工号(k)须为文字"),
        ({}, "工号(k)须为文字"),
        ("a\nb", "工号(k)须为文字"),
        ("a\x00", "工号(k)须为文字"),
        ("\ud800", "工号(k)须为文字"),
        ("\u202e1", "工号(k)须为文字"),
    ],
)
def test_what_is_no_such_text_is_refused_by_name(value: Any, said: str) -> None:
    assert said == advice(text, value) == advice(text_or_empty, value)


@pytest.mark.parametrize("raw", [{}, {"k": None}, {"k": ""}, {"k": "   "}, {"K": "1001"}])
def test_a_text_that_is_needed_is_asked_for(raw: dict[str, Any]) -> None:
    with pytest.raises(FormError) as refused:
        text(Form(raw))

    assert "请填写工号(k)" == refused.value.advice
    assert "" == text_or_empty(Form(raw))


def test_a_choice_is_one_of_its_values() -> None:
    assert list(Case) == [choice(Form({"k": case.value})) for case in Case]
    for value in ("On-Leave", "请假", "on leave"):
        assert f"登记类型(k)须为{'、'.join(Case)}之一" == advice(choice, value)


@pytest.mark.parametrize("value", [0, 1, "true", "", None, [], {}])
def test_only_true_and_false_are_a_flag(value: Any) -> None:
    assert (True, False) == (flag(Form({"k": True})), flag(Form({"k": False})))
    assert "是否通过(k)须为true或false" == advice(flag, value)


@pytest.mark.parametrize("value", [0, 1, 10_000_000])
def test_a_count_is_a_whole_number(value: int) -> None:
    assert value == count(Form({"k": value}))


@pytest.mark.parametrize("value", [-1, 10_000_001, 1.0, NAN, True, "1", "", None, [1]])
def test_what_is_no_count_is_refused(value: Any) -> None:
    assert "人次(k)须为0以上的整数" == advice(count, value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2026-12-31", date(2026, 12, 31)), (" 2024-02-29 ", date(2024, 2, 29))],
)
def test_a_day_is_a_date_of_the_calendar(value: str, expected: date) -> None:
    assert expected == day(Form({"k": value})) == day_or_today(Form({"k": value}))


@pytest.mark.parametrize("value", ["2026-02-30", "2026-1-1", "today", "31.12.2026", "2026-13-01"])
def test_what_is_no_day_is_refused_with_an_example(value: str) -> None:
    said = "日期(k)须为日期，如2026-12-31"

    assert said == advice(day, value) == advice(day_or_today, value)


def test_a_day_that_is_not_given_is_the_default_where_there_is_one() -> None:
    assert TODAY == day_or_today(Form({})) == day_or_today(Form({"k": ""}))
    assert "请填写日期(k)" == advice(day, "")


@pytest.mark.parametrize(
    "value",
    ["2026-12-31T09:30", "2026-12-31T09:30:00", "2026-12-31T01:30+00:00", "2026-12-31 09:30"],
)
def test_a_time_is_that_of_china_unless_it_names_another_zone(value: str) -> None:
    there = datetime(2026, 12, 31, 9, 30, tzinfo=CHINA)

    assert round(there.timestamp() * 1000) == moment_ms(Form({"k": value}))


@pytest.mark.parametrize("value", ["09:30", "2026-12-31T24:30", "now", "2026-12-31T9", "1790000"])
def test_what_is_no_time_is_refused_with_an_example(value: str) -> None:
    assert "时间(k)须为时间，如2026-12-31T09:30" == advice(moment_ms, value)


def test_photos_are_a_list_of_pictures_in_base64() -> None:
    sent = [base64.b64encode(data).decode() for data in (b"one", b"two")]

    assert [b"one", b"two"] == photos(Form({"k": sent}))
    assert [] == photos(Form({})) == photos(Form({"k": []}))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("b25l", "照片(k)须为列表，最多9项"),
        (None, "照片(k)须为列表，最多9项"),
        ({}, "照片(k)须为列表，最多9项"),
        (["b25l"] * 10, "照片(k)须为列表，最多9项"),
        (["b25"], "照片(k)须为base64编码的图片"),
        (["data:image/png;base64,b25l"], "照片(k)须为base64编码的图片"),
        (["照片"], "照片(k)须为base64编码的图片"),
        ([None], "照片(k)须为base64编码的图片"),
        ([[98]], "照片(k)须为base64编码的图片"),
        ([True], "照片(k)须为base64编码的图片"),
        (["b25l", 7], "照片(k)须为base64编码的图片"),
    ],
)
def test_what_is_no_list_of_pictures_is_refused(value: Any, said: str) -> None:
    assert said == advice(photos, value)


def test_rows_are_forms_of_their_own() -> None:
    listed = [{"id": "1"}, {}]

    assert listed == [row.raw for row in rows(Form({"k": listed}))]
    assert [] == rows(Form({})) == rows(Form({"k": []}))
    assert 20_000 == len(rows(Form({"k": [{}] * 20_000})))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[]", "名单(k)须为列表，最多20000项"),
        (None, "名单(k)须为列表，最多20000项"),
        (["x"] * 20_001, "名单(k)须为列表，最多20000项"),
        ([{"id": "1"}, "x"], "名单(k)的每一项须为对象"),
        ([["x"]], "名单(k)的每一项须为对象"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_is_no_list_of_rows_is_refused(value: Any, said: str) -> None:
    assert said == advice(rows, value)


def test_a_form_that_is_wrong_is_a_bad_request() -> None:
    assert Cause.BAD_REQUEST is cause_of(FormError("请填写工号(staff)"))


LIMITS: dict[Reader, Callable[[Any], bool]] = {
    text: lambda found: 1 <= len(found) <= 5 and found.isprintable(),
    text_or_empty: lambda found: len(found) <= 5 and found.isprintable(),
    choice: lambda found: found in Case,
    flag: lambda found: isinstance(found, bool),
    count: lambda found: type(found) is int and 0 <= found <= 10_000_000,
    day: lambda found: date.min <= found <= date.max,
    day_or_today: lambda found: date.min <= found <= date.max,
    moment_ms: lambda found: type(found) is int,
    photos: lambda found: len(found) <= 9 and all(isinstance(p, bytes) for p in found),
    rows: lambda found: all(isinstance(row, Form) for row in found),
}
WORDS = st.text(max_size=8) | st.sampled_from(
    [*Case, "2026-12-31", "0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59", "b25l"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize("read", LIMITS, ids=lambda read: read.__name__)
@settings(max_examples=300, deadline=None)
@given(value=JSON)
def test_whatever_is_sent_is_within_bounds_or_told_in_chinese(read: Reader, value: Any) -> None:
    try:
        found = read(Form({"k": value}))
    except FormError as refused:
        assert re.search("[\u4e00-\u9fff]", refused.advice)
        assert "(k)" in refused.advice
        assert len(refused.advice) < 100
    else:
        assert LIMITS[read](found)
