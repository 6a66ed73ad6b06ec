"""Each of the 26 fields: who and which settlement must be right, the rest is noted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wire_calls import his_call

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
# What is said of a text in these fields that is none of their values.
ODD = {
    "deal_no": "deal-form", "mdtrtarea_admvs": "region-form", "insuplc_admdvs": "region-form",
    "infver": "version-form", "opter_type": "unknown-code", "mdtrt_cert_type": "unknown-code",
    "acct_used_flag": "unknown-code",
}  # fmt: skip
ONES = [("mdtrtarea_admvs", "111111"), ("insuplc_admdvs", "111111"), ("acct_used_flag", "1")]
BY_CODE = {known.code: known for known in FIELDS}


def call(**changed: Any) -> bytes:
    """A complete call with a person number too, so that one number may be missing."""
    return his_call(**{"psn": "P1", **changed})


def of(code: str, body: bytes) -> list[str]:
    """The words of the findings of one field."""
    return [found.problem for found in parse_request(body).findings if found.field == code]


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
    person = {"id": "", "psn": "P1"} if code == "id" else {"psn": ""}

    request = parse_request(his_call(**{**person, code: nothing}))

    assert ("", ()) == (request.fields[code], request.findings)


@pytest.mark.parametrize("char", ["1", "张", "𠮷"])
@pytest.mark.parametrize("code", list(LONGEST))
def test_a_field_may_be_as_long_as_the_document_says(code: str, char: str) -> None:
    longest = char * LONGEST[code]

    request = parse_request(call(**{code: longest}))

    fits = code not in ODD or (code, longest) in ONES
    assert longest == request.fields[code]
    assert (() if fits else (Finding(code, ODD[code]),)) == request.findings


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

    assert "7" == request.fields[code]
    assert ((Finding(code, ODD[code]),) if code in ODD else ()) == request.findings


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
    ["0", "0.0", "-0.00", "1300.56", "99999999999999.99", 0, 0.0, 1300.56, 99999999999999],
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


@pytest.mark.parametrize("code", AMOUNTS)
@pytest.mark.parametrize("amount", ["-5.00", "-0.01", -5, "-99999999999999.99"])
def test_an_amount_below_zero_is_kept_and_noted(code: str, amount: str | int) -> None:
    request = parse_request(call(**{code: amount}))

    assert str(amount) == request.fields[code]
    assert (Finding(code, "negative"),) == request.findings


@pytest.mark.parametrize("code", [code for code in BY_CODE if code != "exp_content"])
def test_the_title_in_place_of_a_value_is_no_value(code: str) -> None:
    known = BY_CODE[code]

    assert_told(call(**{code: known.title}), known, "placeholder", "不是实际内容")


@pytest.mark.parametrize("code", [code for code in BY_CODE if len(code) <= LONGEST.get(code, 0)])
@pytest.mark.parametrize("upper", [False, True], ids=["lower", "upper"])
def test_the_key_in_place_of_a_value_is_no_value(code: str, upper: bool) -> None:
    value = code.upper() if upper else code

    assert_told(call(**{code: value}), BY_CODE[code], "placeholder", "不是实际内容")


@pytest.mark.parametrize("code", ["id", "psn", "name", "deal_no", "fixmedins_code", "insutype"])
@pytest.mark.parametrize("word", ["null", "NULL", "无", "None", "0", "0000"])
def test_a_word_for_nothing_is_no_value(code: str, word: str) -> None:
    assert_told(call(**{code: word}), BY_CODE[code], "placeholder", "不是实际内容")


@pytest.mark.parametrize("code", ["opter_name", "dise_name", "fixmedins_name", "dise_codg"])
@pytest.mark.parametrize("word", ["test", "TEST", "测试", "undefined", "暂无", "n/a", "string"])
def test_a_trial_word_in_a_field_nobody_is_found_by_is_noted(code: str, word: str) -> None:
    request = parse_request(call(**{code: word}))

    assert word == request.fields[code]
    assert (Finding(code, "placeholder"),) == request.findings


@pytest.mark.parametrize("code", ["id", "psn", "name", "fixmedins_code"])
@pytest.mark.parametrize("word", ["test", "测试"])
def test_a_vendor_may_try_with_a_test_person(code: str, word: str) -> None:
    assert word == parse_request(call(**{code: word})).fields[code]
    assert [] == of(code, call(**{code: word}))


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("opter", "0"),
        ("invono", "0"),
        ("acct_used_flag", "0"),
        ("medfee_sumamt", "0"),
        ("dise_name", "无症状感染"),
        ("opter_name", "姓名"),
        ("name", "无名氏"),
        ("dise_name", "测试性高血压"),
        ("psn", "10"),
        ("dise_codg", "I10"),
    ],
)
def test_what_may_be_meant_is_no_placeholder(code: str, value: str) -> None:
    assert () == parse_request(call(**{code: value})).findings


@pytest.mark.parametrize(
    ("code", "right", "wrong"),
    [
        ("opter_type", ["1", "2", "3", 1], ["0", "4", "01", "11", "x"]),
        ("mdtrt_cert_type", ["01", "02", "03", "04"], ["00", "05", "1", "2", 1, "021"]),
        ("acct_used_flag", ["0", "1", 0, 1], ["2", "Y", "是"]),
    ],
)
def test_a_code_the_document_does_not_know_is_noted(
    code: str, right: list[str | int], wrong: list[str | int]
) -> None:
    assert [[]] * len(right) == [of(code, call(**{code: value})) for value in right]
    assert [["unknown-code"]] * len(wrong) == [of(code, call(**{code: value})) for value in wrong]


@pytest.mark.parametrize("code", ["mdtrtarea_admvs", "insuplc_admdvs"])
@pytest.mark.parametrize("value", ["31000", "31000a", "哈尔滨", "３１００００", "-31000"])
def test_a_region_of_another_form_is_noted(code: str, value: str) -> None:
    assert ["region-form"] == of(code, call(**{code: value}))


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("V1.0", []),
        ("V1.1", []),
        ("V2.0", []),
        ("V10.12", []),
        ("V0.9", ["version-old"]),
        ("V0.99", ["version-old"]),
        ("1.0", ["version-form"]),
        ("v1.0", ["version-form"]),
        ("V1", ["version-form"]),
        ("V1.0.0", ["version-form"]),
        ("Ｖ1.0", ["version-form"]),
    ],
)
def test_a_version_is_that_of_the_notice_or_newer(version: str, found: list[str]) -> None:
    assert found == of("infver", call(infver=version))


@pytest.mark.parametrize("code", ["id", "psn", "deal_no", "fixmedins_code"])
@pytest.mark.parametrize("value", ["１２３", "12３", "H１", "Ｘ1", "1\u30001", "١٢٣"])
def test_a_number_in_full_width_is_refused_rather_than_changed(code: str, value: str) -> None:
    assert_told(call(**{code: value}), BY_CODE[code], "full-width", "含有全角字符，请HIS改用半角")


@pytest.mark.parametrize("name", ["李Ａ", "１号病人", "阿　依"])
def test_a_name_may_hold_full_width_letters(name: str) -> None:
    assert name == parse_request(call(name=name)).name


@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize("code", [c for c in BY_CODE if c not in IDENTITY])
def test_a_truth_value_is_kept_as_its_word(code: str, truth: bool) -> None:
    request = parse_request(call(**{code: truth}))

    assert str(truth).lower() == request.fields[code]
    assert (Finding(code, "wrong-type"),) == request.findings


def test_a_number_that_became_a_power_is_noted() -> None:
    body = call(dise_codg="@").replace(b'"@"', b"1e3")

    assert ["wrong-type"] == of("dise_codg", body)


@pytest.mark.parametrize(
    ("deal_no", "institution", "found"),
    [
        ("001000200030202201111411101234", "001000200030", []),
        ("001000200030202201111411101", "001000200030", []),
        ("H23010200123202201111411101234", "H23010200123", []),
        ("001000200030202201111411101234", "001000200031", ["deal-institution"]),
        ("001000200030202201111411101234", "H7", []),
        ("HIS20220111-7", "001000200030", ["deal-form"]),
        ("HIS20220111-7", "H7", ["deal-form"]),
        ("00100020003020220111141110", "001000200030", ["deal-form"]),
        ("001000200030202213111411101234", "001000200030", ["deal-form"]),
    ],
)
def test_a_deal_number_is_institution_time_and_sequence(
    deal_no: str, institution: str, found: list[str]
) -> None:
    assert found == of("deal_no", call(deal_no=deal_no, fixmedins_code=institution))


@pytest.mark.parametrize("nothing", ["", None], ids=["empty", "null"])
def test_the_region_of_the_insured_is_wanted_with_a_person_number_only(
    nothing: str | None,
) -> None:
    assert ["missing"] == of("insuplc_admdvs", call(insuplc_admdvs=nothing))
    assert [] == of("insuplc_admdvs", call(insuplc_admdvs=nothing, psn=""))


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("320101194202156744", ["check-digit"]),
        ("110105194913310020", ["check-digit", "birth-date"]),
        ("110105194913310021", ["birth-date"]),
        ("11010519491231002x", []),
        ("P12345678", []),
    ],
)
def test_an_odd_id_number_is_noted_and_the_patient_served(number: str, found: list[str]) -> None:
    assert number.upper() == parse_request(call(id=number)).id_number
    assert found == of("id", call(id=number))
