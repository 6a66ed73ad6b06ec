"""Each of the 26 fields: who and which settlement must be right, the rest is noted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import FIRST, his_call

from yibao_face.daemon.wire.field import FIELDS, IDENTITY, Field, Kind
from yibao_face.daemon.wire.request import BadRequestError, Finding, parse_request

# As the table of the interface document has them (S0-17…S0-41): what the code must agree with.
LONGEST = {
    "id": 30, "psn": 50, "name": 30, "deal_no": 50, "mdtrtarea_admvs": 6, "insuplc_admdvs": 6,
    "infver": 6, "opter_type": 3, "opter": 30, "opter_name": 50, "fixmedins_code": 20,
    "fixmedins_name": 100, "mdtrt_cert_type": 3, "invono": 20, "insutype": 6, "dise_codg": 30,
    "dise_name": 500, "acct_used_flag": 1, "med_type": 6,
}  # fmt: skip
REQUIRED = [
    "name", "deal_no", "mdtrtarea_admvs", "infver", "opter_type", "opter", "opter_name",
    "fixmedins_code", "fixmedins_name", "mdtrt_cert_type", "begntime", "medfee_sumamt",
    "insutype", "dise_codg", "acct_used_flag", "med_type",
]  # fmt: skip
OPTIONAL = [known.code for known in FIELDS if known.code not in REQUIRED]
AMOUNTS = ["medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt",
           "inscp_scp_amt"]  # fmt: skip
BY_CODE = {known.code: known for known in FIELDS}


def call(**changed: Any) -> bytes:
    """A complete call with a person number too, so that one number may be missing."""
    return his_call(FIRST, **{"psn": "P1", **changed})


def assert_told(body: bytes, known: Field, problem: str, said: str) -> None:
    """Identity: refused with advice that names the field. Any other: noted, the patient served."""
    if known.code in IDENTITY:
        with pytest.raises(BadRequestError) as caught:
            parse_request(body)
        assert f"{known.title}({known.code}){said}" in caught.value.advice
    else:
        assert Finding(known.code, problem) in parse_request(body).findings


def test_the_fields_are_those_of_the_document() -> None:
    texts = {known.code: known.max_chars for known in FIELDS if known.kind is Kind.TEXT}

    assert texts == LONGEST
    assert [known.code for known in FIELDS if known.required] == REQUIRED
    assert [known.code for known in FIELDS if known.kind is Kind.AMOUNT] == AMOUNTS
    assert (26, 4000) == (len(FIELDS), BY_CODE["exp_content"].max_chars)
    assert {"id", "psn", "name", "deal_no", "fixmedins_code"} == set(IDENTITY)


@pytest.mark.parametrize("nothing", ["", " \t", None], ids=["empty", "blank", "null"])
@pytest.mark.parametrize("code", REQUIRED)
def test_a_required_field_must_not_be_empty(code: str, nothing: str | None) -> None:
    assert_told(call(**{code: nothing}), BY_CODE[code], "missing", "不能为空")


@pytest.mark.parametrize("code", REQUIRED)
def test_a_required_field_must_not_be_left_out(code: str) -> None:
    body = json.loads(call())
    del body[code]

    assert_told(json.dumps(body).encode(), BY_CODE[code], "missing", "不能为空")


@pytest.mark.parametrize("nothing", ["", None], ids=["empty", "null"])
@pytest.mark.parametrize("code", OPTIONAL)
def test_an_optional_field_may_be_empty(code: str, nothing: str | None) -> None:
    request = parse_request(call(**{code: nothing}))

    assert ("", ()) == (request.fields[code], request.findings)


@pytest.mark.parametrize("char", ["1", "张", "𠮷"])
@pytest.mark.parametrize("code", list(LONGEST))
def test_a_field_may_be_as_long_as_the_document_says(code: str, char: str) -> None:
    longest = char * LONGEST[code]

    request = parse_request(call(**{code: longest}))

    assert (longest, ()) == (request.fields[code], request.findings)


@pytest.mark.parametrize("char", ["1", "张", "𠮷"])
@pytest.mark.parametrize("code", list(LONGEST))
def test_a_field_must_not_be_a_character_longer(code: str, char: str) -> None:
    body = call(**{code: char * (LONGEST[code] + 1)})

    assert_told(body, BY_CODE[code], "too-long", f"超过{LONGEST[code]}个字符")


@pytest.mark.parametrize(
    ("code", "value"),
    [("begntime", "2" * 31), ("exp_content", "x" * 4001), *[(code, "1" * 21) for code in AMOUNTS]],
)
def test_moments_amounts_and_the_expansion_have_an_end_too(code: str, value: str) -> None:
    assert Finding(code, "too-long") in parse_request(call(**{code: value})).findings


@pytest.mark.parametrize("wrong", [True, False, [], ["1"], {}, {"a": "1"}], ids=repr)
@pytest.mark.parametrize("code", [code for code in BY_CODE if code != "exp_content"])
def test_a_field_is_one_text_or_number(code: str, wrong: object) -> None:
    assert_told(call(**{code: wrong}), BY_CODE[code], "wrong-type", "类型不对")


@pytest.mark.parametrize("wrong", ["张\u0001三", "张\x7f三", "张\n三", "\ud800"], ids=ascii)
@pytest.mark.parametrize("code", ["id", "psn", "name", "deal_no", "opter_name", "dise_name"])
def test_a_field_holds_no_control_characters(code: str, wrong: str) -> None:
    body = json.loads(call())
    body[code] = wrong

    assert_told(json.dumps(body).encode(), BY_CODE[code], "control-character", "含有非法字符")


@pytest.mark.parametrize("code", list(LONGEST))
def test_a_whole_number_is_read_as_its_digits(code: str) -> None:
    request = parse_request(call(**{code: 7}))

    assert ("7", ()) == (request.fields[code], request.findings)


@pytest.mark.parametrize(
    "moment",
    [
        "20220111",
        20220111,
        "20220111123059",
        "2022-01-11",
        "2022-01-11 12:30:59",
        "2022-01-11T12:30:59",
        "2022-01-11T12:30:59+08:00",
        "2022-01-11 12:30:59.123",
        "20240229",
    ],
)
def test_a_moment_has_8_digits_14_digits_or_iso_form(moment: str | int) -> None:
    request = parse_request(call(begntime=moment))

    assert (str(moment), ()) == (request.fields["begntime"], request.findings)


@pytest.mark.parametrize(
    "moment",
    [
        "昨天",
        "2022011",
        "20221301",
        "20230229",
        "202201111230",
        "20220111250000",
        "2022/01/11",
        "11.01.2022",
        "２０２２０１１１",
        "2022-13-01",
        "12:30",
        0,
        1.5,
    ],
)
def test_what_is_no_moment_is_noted(moment: str | float) -> None:
    request = parse_request(call(begntime=moment))

    assert (Finding("begntime", "wrong-value"),) == request.findings


@pytest.mark.parametrize("code", AMOUNTS)
@pytest.mark.parametrize(
    "amount",
    ["0", "0.0", "1300.56", "-5.00", "99999999999999.99", 0, 0.0, 1300.56, 99999999999999],
)
def test_an_amount_is_a_text_or_a_number(code: str, amount: str | float) -> None:
    request = parse_request(call(**{code: amount}))

    assert (str(amount), ()) == (request.fields[code], request.findings)


def test_an_amount_keeps_its_cents_as_sent() -> None:
    body = call(medfee_sumamt="@").replace(b'"@"', b"1300.10")

    assert "1300.10" == parse_request(body).fields["medfee_sumamt"]


@pytest.mark.parametrize("code", AMOUNTS)
@pytest.mark.parametrize(
    "amount",
    [
        "abc",
        "1,300.56",
        "1.234",
        "100000000000000",
        "-100000000000000",
        "NaN",
        "Infinity",
        "-inf",
        "1e20",
        "1e9999999",
        "-1E999999999999999",
        "1_000",
        "１３００",
        "￥5",
        1.234,
        10**14,
    ],
)
def test_what_is_no_amount_of_16_digits_is_noted(code: str, amount: str | float) -> None:
    request = parse_request(call(**{code: amount}))

    assert (Finding(code, "wrong-value"),) == request.findings
