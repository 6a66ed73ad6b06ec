"""A whole call: which person, which settlement, or one sentence that says what to mend."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from wire_calls import CALL, NUMBER, his_call

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
    body = json.loads(his_call())
    del body[code]
    text = json.dumps(body, ensure_ascii=False)[:-1] + f', "{code}": {raw}'
    return (text + (",}" if lenient else "}")).encode()


def test_a_complete_call_says_who_and_which_settlement() -> None:
    request = parse_request(his_call(deal_no="A1", psn="P9", fixmedins_code="H7"))

    assert (NUMBER, "P9", "演示", "A1", "H7", "utf-8") == (
        request.id_number,
        request.person_number,
        request.name,
        request.deal_no,
        request.institution_code,
        request.charset,
    )
    assert ({}, {}) == (request.expansion, request.extra)
    assert (Finding("deal_no", "deal-form"),) == request.findings


def test_a_call_as_the_document_wants_it_has_no_finding() -> None:
    assert () == parse_request(his_call(psn="P9")).findings


@pytest.mark.parametrize("body", [b"", b" ", b"\x00", b"\r\n\t \x00\x00"])
def test_an_empty_call_is_told_to_send_json(body: bytes) -> None:
    assert "为空" in advice(body)


@pytest.mark.parametrize("body", [b"hello", b"[]", b"null", b"\xef\xbb\xbf", b"id=1", b"{" * 99])
def test_a_call_that_is_no_json_object_is_told_so(body: bytes) -> None:
    assert "JSON" in advice(body)


def test_a_call_of_no_charset_is_told_which_to_use() -> None:
    assert "UTF-8或GBK" in advice(b'{"name": "\xff\xfe"}')


def test_a_call_of_64_kib_is_read() -> None:
    body = his_call().ljust(MAX_BODY_BYTES)

    assert MAX_BODY_BYTES == len(body) == 64 * 1024
    assert NUMBER == parse_request(body).id_number


def test_a_call_of_one_byte_more_is_too_large() -> None:
    with pytest.raises(TooLargeError, match="过大"):
        parse_request(his_call().ljust(MAX_BODY_BYTES + 1))


@pytest.mark.parametrize(("codec", "charset"), [("utf-8", "utf-8"), ("gbk", "gb18030")])
def test_a_refusal_is_told_in_the_charset_of_the_call(codec: str, charset: str) -> None:
    body = his_call(name="张三", deal_no="").decode().encode(codec)

    with pytest.raises(BadRequestError) as caught:
        parse_request(body)

    assert charset == caught.value.charset


@pytest.mark.parametrize("known", [{"id": NUMBER, "psn": ""}, {"id": "", "psn": "P1"}])
def test_one_of_the_two_numbers_is_enough(known: dict[str, str]) -> None:
    request = parse_request(his_call(**known))

    assert (known["id"], known["psn"]) == (request.id_number, request.person_number)


@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_without_both_numbers_nobody_is_meant(nothing: str | None) -> None:
    said = advice(his_call(id=nothing, psn=nothing))

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
    assert read == parse_request(his_call(id=sent)).id_number


@pytest.mark.parametrize("lenient", [False, True], ids=["strict", "lenient"])
@pytest.mark.parametrize("code", ["id", "psn", "deal_no", "fixmedins_code"])
@pytest.mark.parametrize("raw", ["3.2010119420215674E+17", "320101194202156744.0", "1e3"])
def test_a_number_that_went_through_a_float_is_refused(code: str, raw: str, lenient: bool) -> None:
    base = his_call(**{"psn": "P1", code: "@"}).decode()
    body = base.replace('"@"', raw)

    said = advice((body[:-1] + ",}" if lenient else body).encode())

    assert f"({code})类型不对" in said


@pytest.mark.parametrize("key", ["ID", "Id", " id ", "iD\t"])
def test_a_key_counts_whatever_its_case(key: str) -> None:
    body = json.loads(his_call())
    body[key] = body.pop("id")

    assert NUMBER == parse_request(json.dumps(body).encode()).id_number


@pytest.mark.parametrize(
    "extra",
    [{"ID": NUMBER}, {"Id ": ""}, {"NAME": "李四"}, {"Deal_No": None}, {"inscp_sep_amt": "0.0"}],
)
def test_a_field_given_twice_is_refused_though_its_keys_differ(extra: dict[str, Any]) -> None:
    assert "重复" in advice(his_call(**extra))


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_person_named_twice_is_refused(quote: str) -> None:
    second = f"{quote}id{quote}: {quote}{NUMBER}{quote}, "

    assert "JSON" in advice(his_call().replace(b"{", b"{" + second.encode(), 1))


@pytest.mark.parametrize("key", ["inscp_scp_amt", "inscp_sep_amt", "INSCP_SEP_AMT"])
def test_both_spellings_of_one_amount_are_known(key: str) -> None:
    body = json.loads(his_call())
    del body["inscp_scp_amt"]
    body[key] = "450.23"

    request = parse_request(json.dumps(body).encode())

    assert ("450.23", {}) == (request.fields["inscp_scp_amt"], request.extra)


def test_what_the_interface_does_not_know_is_kept() -> None:
    request = parse_request(his_call(PatNo="7", list=[1, {"a": None}]))

    assert {"patno": "7", "list": [1, {"a": None}]} == request.extra
    assert () == request.findings


def test_leniency_is_noted() -> None:
    request = parse_request(his_call()[:-1] + b",}")

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
    request = parse_request(his_call(exp_content=sent))

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
    assert kept == parse_request(his_call(exp_content=sent)).fields["exp_content"]


@pytest.mark.parametrize(
    "junk", ["非住院", "{", "[1]", "null", '{"a": 1, "a": 2}', [1, 2], ["BedID"], 36, 1.5, True]
)
def test_an_expansion_nobody_can_read_is_noted_and_the_patient_served(junk: Any) -> None:
    request = parse_request(his_call(exp_content=junk))

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
    body = his_call(exp_content={"DiagnosisText": "骨折"}, ward="七病区", dise_name="高血压")

    shown = repr(parse_request(body))

    assert [] == [word for word in ("骨折", "七病区", "高血压") if word in shown]


NAMES = ["联通", "王·明", "阿依古丽·买买提", "㐂", "𠮷", "王䶮"]


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
@pytest.mark.parametrize("escaped", [False, True], ids=["raw", "escaped"])
@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_survives_on_its_way(name: str, quote: str, escaped: bool, codec: str) -> None:
    shown = json.dumps(name, ensure_ascii=escaped)[1:-1]
    body = his_call(name="@").decode().replace('"@"', f"{quote}{shown}{quote}").encode(codec)

    request = parse_request(body)

    assert (name, name) == (request.name, request.fields["name"])


@pytest.mark.parametrize("name", ["联通", "王·明", "阿依古丽·买买提"])
def test_a_name_of_gbk_survives_on_its_way(name: str) -> None:
    request = parse_request(his_call(name=name).decode().encode("gbk"))

    assert (name, "gb18030") == (request.name, request.charset)


@pytest.mark.parametrize(
    ("codec", "declared", "forced", "charset", "mismatch"),
    [
        ("utf-8", None, None, "utf-8", False),
        ("utf-8", "utf-8", None, "utf-8", False),
        ("utf-8", "gb18030", None, "utf-8", True),
        ("utf-8", "GBK", None, "utf-8", True),
        ("gbk", None, None, "gb18030", False),
        ("gbk", "gbk", None, "gb18030", False),
        ("gbk", "utf-8", None, "gb18030", True),
        ("gbk", "latin-1", None, "gb18030", False),
        ("gbk", "utf-8", "gbk", "gb18030", True),
        ("gbk", None, "gbk", "gb18030", False),
        ("utf-8", "utf-8", "utf-8", "utf-8", False),
    ],
)
def test_a_header_the_bytes_contradict_is_noted(
    codec: str, declared: str | None, forced: str | None, charset: str, mismatch: bool
) -> None:
    request = parse_request(his_call(name="张三").decode().encode(codec), declared, forced)

    assert ("张三", charset) == (request.name, request.charset)
    assert (Finding("", "charset-mismatch"),) * mismatch == request.findings


@pytest.mark.parametrize(
    ("declared", "forced", "charset"),
    [
        (None, None, "utf-8"),
        ("gbk", None, "gb18030"),
        ("gbk", "utf-8", "utf-8"),
        (None, "936", "gb18030"),
    ],
)
def test_a_call_of_plain_ascii_contradicts_no_header(
    declared: str | None, forced: str | None, charset: str
) -> None:
    body = json.dumps(json.loads(his_call())).encode()

    request = parse_request(body, declared, forced)

    assert (charset, ()) == (request.charset, request.findings)


@pytest.mark.parametrize(
    ("body", "forced", "said", "charset"),
    [
        (b"", "gbk", "为空", "gb18030"),
        (b"{" * 70_000, "gbk", "过大", "gb18030"),
        (b"hello", "gbk", "JSON", "gb18030"),
        (his_call(name="张三").decode().encode("gbk"), "utf-8", "本机设定的UTF-8", "utf-8"),
        (b'{"name": "\x80"}', "gbk", "本机设定的GBK", "gb18030"),
    ],
    ids=["empty", "large", "no-json", "not-utf-8", "not-gbk"],
)
def test_a_refusal_is_told_in_the_charset_of_the_site(
    body: bytes, forced: str, said: str, charset: str
) -> None:
    with pytest.raises(BadRequestError, match=said) as caught:
        parse_request(body, "utf-8", forced)

    assert charset == caught.value.charset


def test_a_setting_that_is_no_charset_is_a_fault_of_the_site() -> None:
    with pytest.raises(LookupError):
        parse_request(his_call(), None, "latin-1")


@pytest.mark.parametrize("body", [json.dumps(his_call().decode()), f"'{his_call().decode()}'"])
def test_an_object_encoded_a_second_time_is_read_and_noted(body: str) -> None:
    request = parse_request(body.encode())

    assert CALL == {code: text for code, text in request.fields.items() if code != "psn"}
    assert Finding("", "double-encoded") == request.findings[0]


@pytest.mark.parametrize("times", [2, 3])
def test_an_object_encoded_a_third_time_is_refused(times: int) -> None:
    text = his_call().decode()
    for _ in range(times):
        text = json.dumps(text)

    assert "JSON" in advice(text.encode())


PLAIN = {**CALL, "begntime": "2022-01-11T12:30:59+08:00", "dise_name": "A & B = 100%"}


@pytest.mark.parametrize("key", ["inputJson", "INPUTJSON", "json", "hisMsg"])
@pytest.mark.parametrize("codec", ["utf-8", "gbk"])
@pytest.mark.parametrize("encoder", [quote, quote_plus], ids=["percent", "plus"])
def test_a_form_of_one_json_is_read_and_noted(
    encoder: Callable[..., str], codec: str, key: str
) -> None:
    text = json.dumps(PLAIN, ensure_ascii=False)

    request = parse_request(f"{key}={encoder(text, safe='', encoding=codec)}".encode())

    assert PLAIN == {code: text for code, text in request.fields.items() if code != "psn"}
    assert (Finding("", "lenient-form"),) == request.findings


@pytest.mark.parametrize("form", ["inputJson={}", "json = {}", "inputJson={};"])
def test_a_form_that_is_not_encoded_is_read_as_it_stands(form: str) -> None:
    text = his_call(dise_name="A & B").decode()

    request = parse_request(form.replace("{}", text).encode())

    assert "A & B" == request.fields["dise_name"]
    assert Finding("", "lenient-form") == request.findings[0]


@pytest.mark.parametrize(
    "body",
    [
        b"inputJson=%7B%22id%22%3A%221%22%7D&json=%7B%7D",
        b"inputJson=%7B%22id%22%3A%22a+b%20c%22%7D",
        b'inputJson=%7B"id":"a+b"%7D',
        b"inputJson=%7B%22id%22%3A%22100%%22%7D",
        b'inputJson={"name":"%E5%BC%A0"}',
        b'inputJson={"name":"a+b"}',
        b"inputJson=%7B%22name%22%3A%22\xe5\xbc\xa0%22%7D",
        b"inputJson=%u007B",
    ],
)
def test_a_form_that_could_be_read_in_two_ways_is_refused(body: bytes) -> None:
    assert "入参的表单编码有歧义，请HIS直接传JSON" == advice(body)


@pytest.mark.parametrize(
    "body", [b"other=%7B%7D", b"a=1&inputJson=%7B%7D", b"inputJson=", b"id=1"]
)
def test_a_form_of_something_else_is_no_json(body: bytes) -> None:
    assert "JSON" in advice(body)


def test_a_key_in_full_width_letters_is_read_and_noted() -> None:
    body = his_call().replace(b'"name"', '"ｎａｍｅ"'.encode())

    request = parse_request(body)

    assert ("演示", (Finding("", "lenient-json"),)) == (request.name, request.findings)


def test_a_key_in_full_width_letters_is_the_same_key() -> None:
    assert "字段name重复" in advice(his_call(**{"ｎａｍｅ": "李四"}))


def test_a_key_that_is_no_word_of_an_interface_is_not_shown() -> None:
    assert "字段名重复，请HIS只传一次" == advice(his_call(**{"张三": 1, " 张三": 2}))


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        ("1300.56", Decimal("1300.56")),
        (0, Decimal(0)),
        ("0.0", Decimal(0)),
        ("", None),
        (None, None),
        ("-5", None),
        (True, None),
        (["1"], None),
        ("1e3", None),
        ("1" + "0" * 20, None),
        ("医疗费总额", None),
    ],
)
def test_an_amount_that_is_missing_or_odd_is_none(sent: Any, amount: Decimal | None) -> None:
    assert amount == parse_request(his_call(medfee_sumamt=sent)).amount


@pytest.mark.parametrize(
    ("sent", "begins"),
    [
        ("20220111123059", datetime(2022, 1, 11, 12, 30, 59, tzinfo=timezone(timedelta(hours=8)))),
        ("", None),
        (20220111.5, None),
        ({"a": "20220111"}, None),
    ],
)
def test_a_start_that_is_missing_or_odd_is_none(sent: Any, begins: datetime | None) -> None:
    assert begins == parse_request(his_call(begntime=sent)).begins
