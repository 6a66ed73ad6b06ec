"""A whole call: which person, which settlement, or one sentence that says what to mend."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import FIRST, his_call

from yibao_face.daemon.wire.request import (
    MAX_BODY_BYTES,
    BadRequestError,
    Finding,
    TooLargeError,
    parse_request,
)


def advice(body: bytes, declared: str | None = None) -> str:
    """What the HIS vendor is told about a call that is refused."""
    with pytest.raises(BadRequestError) as caught:
        parse_request(body, declared)
    return caught.value.advice


def with_raw(code: str, raw: str, *, lenient: bool = False) -> bytes:
    """A call whose field ``code`` holds the bare characters ``raw``."""
    body = json.loads(his_call(FIRST))
    del body[code]
    text = json.dumps(body, ensure_ascii=False)[:-1] + f', "{code}": {raw}'
    return (text + (",}" if lenient else "}")).encode()


def test_a_complete_call_says_who_and_which_settlement() -> None:
    request = parse_request(his_call(FIRST, deal_no="A1", psn="P9", fixmedins_code="H7"))

    assert (FIRST, "P9", "演示", "A1", "H7", "utf-8") == (
        request.id_number,
        request.person_number,
        request.name,
        request.deal_no,
        request.institution_code,
        request.charset,
    )
    assert ((), {}, {}) == (request.findings, request.expansion, request.extra)


@pytest.mark.parametrize("body", [b"", b" ", b"\x00", b"\r\n\t \x00\x00"])
def test_an_empty_call_is_told_to_send_json(body: bytes) -> None:
    assert "为空" in advice(body)


@pytest.mark.parametrize("body", [b"hello", b"[]", b"null", b"\xef\xbb\xbf", b"id=1", b"{" * 99])
def test_a_call_that_is_no_json_object_is_told_so(body: bytes) -> None:
    assert "JSON" in advice(body)


def test_a_call_of_no_charset_is_told_which_to_use() -> None:
    assert "UTF-8或GBK" in advice(b'{"name": "\xff\xfe"}')


def test_a_call_of_64_kib_is_read() -> None:
    body = his_call(FIRST).ljust(MAX_BODY_BYTES)

    assert MAX_BODY_BYTES == len(body) == 64 * 1024
    assert FIRST == parse_request(body).id_number


def test_a_call_of_one_byte_more_is_too_large() -> None:
    with pytest.raises(TooLargeError, match="过大"):
        parse_request(his_call(FIRST).ljust(MAX_BODY_BYTES + 1))


@pytest.mark.parametrize(("codec", "charset"), [("utf-8", "utf-8"), ("gbk", "gb18030")])
def test_a_refusal_is_told_in_the_charset_of_the_call(codec: str, charset: str) -> None:
    body = his_call(FIRST, name="张三", deal_no="").decode().encode(codec)

    with pytest.raises(BadRequestError) as caught:
        parse_request(body)

    assert charset == caught.value.charset


@pytest.mark.parametrize("known", [{"id": FIRST, "psn": ""}, {"id": "", "psn": "P1"}])
def test_one_of_the_two_numbers_is_enough(known: dict[str, str]) -> None:
    request = parse_request(his_call(FIRST, **known))

    assert (known["id"], known["psn"]) == (request.id_number, request.person_number)


@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_without_both_numbers_nobody_is_meant(nothing: str | None) -> None:
    said = advice(his_call(FIRST, id=nothing, psn=nothing))

    assert "证件号码(id)和个人编号(psn)不能同时为空" == said


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (320101194202156744, "320101194202156744"),
        (" 320101194202156744 ", "320101194202156744"),
        ("11010119900307001x", "11010119900307001X"),
        ("h12345678", "H12345678"),
    ],
)
def test_an_id_is_read_as_text_in_capitals(sent: str | int, read: str) -> None:
    assert read == parse_request(his_call(FIRST, id=sent)).id_number


@pytest.mark.parametrize("lenient", [False, True], ids=["strict", "lenient"])
@pytest.mark.parametrize("code", ["id", "psn", "deal_no", "fixmedins_code"])
@pytest.mark.parametrize("raw", ["3.2010119420215674E+17", "320101194202156744.0", "1e3"])
def test_a_number_that_went_through_a_float_is_refused(code: str, raw: str, lenient: bool) -> None:
    base = his_call(FIRST, **{"psn": "P1", code: "@"}).decode()
    body = base.replace('"@"', raw)

    said = advice((body[:-1] + ",}" if lenient else body).encode())

    assert f"({code})类型不对" in said


@pytest.mark.parametrize("key", ["ID", "Id", " id ", "iD\t"])
def test_a_key_counts_whatever_its_case(key: str) -> None:
    body = json.loads(his_call(FIRST))
    body[key] = body.pop("id")

    assert FIRST == parse_request(json.dumps(body).encode()).id_number


@pytest.mark.parametrize(
    "extra",
    [{"ID": FIRST}, {"Id ": ""}, {"NAME": "李四"}, {"Deal_No": None}, {"inscp_sep_amt": "0.0"}],
)
def test_a_field_given_twice_is_refused_though_its_keys_differ(extra: dict[str, Any]) -> None:
    assert "重复" in advice(his_call(FIRST, **extra))


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_person_named_twice_is_refused(quote: str) -> None:
    second = f"{quote}id{quote}: {quote}{FIRST}{quote}, "

    assert "JSON" in advice(his_call(FIRST).replace(b"{", b"{" + second.encode(), 1))


@pytest.mark.parametrize("key", ["inscp_scp_amt", "inscp_sep_amt", "INSCP_SEP_AMT"])
def test_both_spellings_of_one_amount_are_known(key: str) -> None:
    body = json.loads(his_call(FIRST))
    del body["inscp_scp_amt"]
    body[key] = "450.23"

    request = parse_request(json.dumps(body).encode())

    assert ("450.23", {}) == (request.fields["inscp_scp_amt"], request.extra)


def test_what_the_interface_does_not_know_is_kept() -> None:
    request = parse_request(his_call(FIRST, PatNo="7", list=[1, {"a": None}]))

    assert {"patno": "7", "list": [1, {"a": None}]} == request.extra
    assert () == request.findings


def test_leniency_is_noted() -> None:
    request = parse_request(his_call(FIRST)[:-1] + b",}")

    assert (Finding("", "lenient-json"),) == request.findings


@pytest.mark.parametrize(
    ("sent", "expansion"),
    [
        ({"BedID": "036", "insho_stas": 1}, {"BedID": "036", "insho_stas": 1}),
        ('{"BedID": "036"}', {"BedID": "036"}),
        ("{'BedID': '036',}", {"BedID": "036"}),
        ("{“Dep”：“胸外科”}", {"Dep": "胸外科"}),
        ({}, {}),
        ("", {}),
        ("  ", {}),
        (None, {}),
    ],
)
def test_the_expansion_is_an_object_or_holds_one(
    sent: str | dict[str, Any] | None, expansion: dict[str, Any]
) -> None:
    request = parse_request(his_call(FIRST, exp_content=sent))

    assert (expansion, ()) == (request.expansion, request.findings)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"Dep": "胸外科", "insho_stas": 1}, '{"Dep": "胸外科", "insho_stas": 1}'),
        ("{'BedID': '036',}", "{'BedID': '036',}"),
        ("非住院", "非住院"),
    ],
)
def test_the_expansion_is_kept_as_the_text_that_was_sent(
    sent: str | dict[str, Any], kept: str
) -> None:
    assert kept == parse_request(his_call(FIRST, exp_content=sent)).fields["exp_content"]


@pytest.mark.parametrize(
    "junk", ["非住院", "{", "[1]", "null", '{"a": 1, "a": 2}', [1, 2], ["BedID"], 36, 1.5, True]
)
def test_an_expansion_nobody_can_read_is_noted_and_the_patient_served(junk: Any) -> None:
    request = parse_request(his_call(FIRST, exp_content=junk))

    assert {} == request.expansion
    assert ["exp_content"] == [found.field for found in request.findings]


@pytest.mark.parametrize("lenient", [False, True], ids=["strict", "lenient"])
@pytest.mark.parametrize("raw", ["1e99999999999999999999999", "9" * 5000, "NaN", "-Infinity"])
def test_a_number_no_computer_holds_is_refused_or_noted(raw: str, lenient: bool) -> None:
    body = with_raw("medfee_sumamt", raw, lenient=lenient)

    try:
        findings = parse_request(body).findings
    except BadRequestError as error:
        assert "JSON" in error.advice
    else:
        assert "medfee_sumamt" in {found.field for found in findings}


def test_what_a_patient_has_stays_out_of_logs() -> None:
    body = his_call(
        FIRST, exp_content={"DiagnosisText": "骨折"}, ward="七病区", dise_name="高血压"
    )

    shown = repr(parse_request(body))

    assert [] == [word for word in ("骨折", "七病区", "高血压") if word in shown]
