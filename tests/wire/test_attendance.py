"""A sign-in call: four fields, an extension of ours, the same parser and the same messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_calls import ATTENDANCE, NUMBER, attendance_call

from yibao_face.daemon.wire.attendance import AttendanceRequest, parse_attendance
from yibao_face.daemon.wire.body import MAX_BODY_BYTES, BadRequestError, Finding, TooLargeError
from yibao_face.daemon.wire.field import ATTENDANCE_FIELDS, ATTENDANCE_IDENTITY

# As the second table of the interface document has them (S0-43), and our own last one.
LONGEST = {"ID": 30, "name": 30, "fixmedins_code": 20, "fixmedins_name": 100, "action": 10}
TITLES = {known.code: known.title for known in ATTENDANCE_FIELDS}
REQUIRED = ["ID", "name", "fixmedins_code"]
OPTIONAL = ["fixmedins_name", "action"]


def advice(body: bytes) -> str:
    with pytest.raises(BadRequestError) as caught:
        parse_attendance(body)
    return caught.value.advice


def test_the_fields_are_those_of_the_document_and_our_own() -> None:
    assert LONGEST == {known.code: known.max_chars for known in ATTENDANCE_FIELDS}
    assert REQUIRED == [known.code for known in ATTENDANCE_FIELDS if known.required]
    assert REQUIRED == list(ATTENDANCE_IDENTITY)


def test_a_complete_call_says_who_signs_where() -> None:
    request = parse_attendance(attendance_call())

    assert (NUMBER, "演示", "001000200030", "演示大药房", "utf-8") == (
        request.id_number,
        request.name,
        request.institution_code,
        request.institution_name,
        request.charset,
    )
    assert ({**ATTENDANCE, "action": ""}, {}, ()) == (
        request.fields,
        request.extra,
        request.findings,
    )


@pytest.mark.parametrize("nothing", ["", " ", None, "absent"])
@pytest.mark.parametrize("code", REQUIRED)
def test_a_required_field_must_not_be_empty(code: str, nothing: str | None) -> None:
    body = {**ATTENDANCE, code: nothing}
    if nothing == "absent":
        del body[code]

    assert f"{TITLES[code]}({code})不能为空，请HIS补填" == advice(json.dumps(body).encode())


@pytest.mark.parametrize("nothing", ["", None])
@pytest.mark.parametrize("code", OPTIONAL)
def test_an_optional_field_may_be_empty(code: str, nothing: str | None) -> None:
    request = parse_attendance(attendance_call(**{code: nothing}))

    assert ("", ()) == (request.fields[code], request.findings)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "类型不对，请HIS按字符串传入"),
        (["1"], "类型不对，请HIS按字符串传入"),
        ({"a": 1}, "类型不对，请HIS按字符串传入"),
        ("a\x01b", "含有非法字符，请HIS核对"),
        ("null", "不是实际内容，请HIS填写实际值"),
        ("无", "不是实际内容，请HIS填写实际值"),
        ("0", "不是实际内容，请HIS填写实际值"),
    ],
)
@pytest.mark.parametrize("code", REQUIRED)
def test_a_fault_in_who_or_where_is_refused_by_name(code: str, value: Any, said: str) -> None:
    assert f"{TITLES[code]}({code}){said}" == advice(attendance_call(**{code: value}))


@pytest.mark.parametrize("code", REQUIRED)
def test_the_title_in_place_of_a_value_is_refused(code: str) -> None:
    assert "不是实际内容" in advice(attendance_call(**{code: TITLES[code]}))


@pytest.mark.parametrize("code", ["ID", "fixmedins_code"])
@pytest.mark.parametrize(("value", "said"), [(1.5, "类型不对"), ("１２３", "含有全角字符")])
def test_a_number_that_is_no_plain_digits_is_refused(code: str, value: Any, said: str) -> None:
    assert f"({code}){said}" in advice(attendance_call(**{code: value}))


@pytest.mark.parametrize(
    ("value", "problem", "kept"),
    [
        (True, "wrong-type", "true"),
        (["1"], "wrong-type", '["1"]'),
        ("a\x7fb", "control-character", "a\x7fb"),
        ("定点医药机构名称", "placeholder", "定点医药机构名称"),
        ("测试", "placeholder", "测试"),
    ],
)
def test_a_fault_in_the_name_of_the_institution_is_noted(
    value: Any, problem: str, kept: str
) -> None:
    request = parse_attendance(attendance_call(fixmedins_name=value))

    assert kept == request.institution_name
    assert (Finding("fixmedins_name", problem),) == request.findings


@pytest.mark.parametrize("code", REQUIRED)
def test_a_required_field_is_read_to_its_length_and_no_further(code: str) -> None:
    longest = "7" * LONGEST[code]

    assert longest == parse_attendance(attendance_call(**{code: longest})).fields[code]
    assert f"({code})超过{LONGEST[code]}个字符" in advice(attendance_call(**{code: longest + "7"}))


@pytest.mark.parametrize("code", OPTIONAL)
def test_an_optional_field_is_kept_beyond_its_length_and_noted(code: str) -> None:
    longest = "张" * LONGEST[code]
    request = parse_attendance(attendance_call(**{code: longest + "张"}))

    assert longest + "张" == request.fields[code]
    assert (Finding(code, "too-long"),) == request.findings
    assert (
        Finding(code, "too-long")
        not in parse_attendance(attendance_call(**{code: longest})).findings
    )


@pytest.mark.parametrize(
    ("sent", "action", "findings"),
    [
        ("in", "in", ()),
        ("out", "out", ()),
        ("", "", ()),
        (None, "", ()),
        ("away", "", (Finding("action", "unknown-code"),)),
        ("签到", "", (Finding("action", "unknown-code"),)),
        (1, "", (Finding("action", "unknown-code"),)),
        (True, "", (Finding("action", "wrong-type"),)),
        ("null", "", (Finding("action", "placeholder"),)),
    ],
)
def test_an_action_we_do_not_know_is_left_open_and_noted(
    sent: Any, action: str, findings: tuple[Finding, ...]
) -> None:
    request = parse_attendance(attendance_call(action=sent))

    assert (action, findings) == (request.action, request.findings)


@pytest.mark.parametrize("key", ["id", "Id", "ID", " id "])
def test_a_key_counts_whatever_its_case(key: str) -> None:
    body = {code: text for code, text in ATTENDANCE.items() if code != "ID"}

    request = parse_attendance(json.dumps({**body, key: NUMBER.lower()}).encode())

    assert (NUMBER, NUMBER.lower()) == (request.id_number, request.fields["ID"])


def test_a_field_given_twice_is_refused() -> None:
    assert "字段id重复，请HIS只传一次" == advice(attendance_call(id=NUMBER))


def test_an_odd_id_number_is_noted() -> None:
    request = parse_attendance(attendance_call(ID="320101194202156744"))

    assert (Finding("ID", "check-digit"),) == request.findings


def test_what_the_interface_does_not_know_is_kept() -> None:
    assert {"dep": ["7"]} == parse_attendance(attendance_call(Dep=["7"])).extra


@pytest.mark.parametrize("name", ["联通", "王·明", "阿依古丽·买买提", "㐂", "𠮷"])
@pytest.mark.parametrize(("codec", "charset"), [("utf-8", "utf-8"), ("gb18030", "gb18030")])
def test_a_name_survives_on_its_way(name: str, codec: str, charset: str) -> None:
    request = parse_attendance(attendance_call(name=name).decode().encode(codec))

    assert (name, charset) == (request.name, request.charset)


def test_the_setting_of_a_site_decides_over_the_header() -> None:
    request = parse_attendance(attendance_call().decode().encode("gbk"), "utf-8", "gbk")

    assert ("演示", "gb18030") == (request.name, request.charset)
    assert (Finding("", "charset-mismatch"),) == request.findings


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (attendance_call().replace(b'"', b"'"), "lenient-json"),
        (json.dumps(attendance_call().decode()).encode(), "double-encoded"),
        (b"hisMsg=" + attendance_call(), "lenient-form"),
    ],
    ids=["quotes", "twice", "form"],
)
def test_what_is_read_of_a_face_check_is_read_of_an_attendance(body: bytes, word: str) -> None:
    request = parse_attendance(body)

    assert (NUMBER, (Finding("", word),)) == (request.id_number, request.findings)


@pytest.mark.parametrize(
    ("body", "said"), [(b"", "为空"), (b"[]", "JSON"), (b'{"ID": "\xff"}', "字符集")]
)
def test_what_is_no_call_is_told_so(body: bytes, said: str) -> None:
    assert said in advice(body)


def test_a_call_of_more_than_64_kib_is_too_large() -> None:
    with pytest.raises(TooLargeError, match="过大"):
        parse_attendance(attendance_call().ljust(MAX_BODY_BYTES + 1))


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.floats()


def understood(body: bytes) -> AttendanceRequest | None:
    """The request, or ``None`` where it was refused as it should be."""
    try:
        return parse_attendance(body)
    except BadRequestError as refusal:
        assert refusal.advice
        return None


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(list(LONGEST)), VALUES, max_size=4))
def test_what_was_read_reads_the_same_when_sent_again(changed: dict[str, Any]) -> None:
    first = understood(json.dumps({**ATTENDANCE, **changed}).encode())

    again = first and understood(json.dumps(dict(first.fields)).encode())

    assert (first is None) == (again is None)
    if first is not None and again is not None:
        assert (first.fields, first.id_number) == (again.fields, again.id_number)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_a_request_or_refused(body: bytes) -> None:
    request = understood(body)

    assert request is None or (request.id_number and request.name and request.institution_code)
