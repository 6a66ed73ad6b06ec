"""The two samples of the interface document, byte for byte, as vendors copy them (Q1)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import quote_plus

import pytest
from wire_calls import GOLDEN

from yibao_face.daemon.wire.field import FIELDS
from yibao_face.daemon.wire.request import Finding, parse_request

SAMPLES = {
    name: (GOLDEN / f"{name}.txt").read_bytes().decode() for name in ("sample_a", "sample_b")
}
OUTPATIENT = {
    "id": "320101194202156744",
    "psn": "",
    "name": "张三",
    "deal_no": "001000200030202201111411101234",
    "mdtrtarea_admvs": "310000",
    "insuplc_admdvs": "参保地医保区划",
    "infver": "V1.0",
    "opter_type": "1",
    "opter": "00100020",
    "opter_name": "王二",
    "fixmedins_code": "001000200030",
    "fixmedins_name": "杭州海量大药房",
    "mdtrt_cert_type": "02",
    "begntime": "20220111",
    "medfee_sumamt": "1300.56",
    "invono": "hz0010636",
    "insutype": "310",
    "dise_codg": "病种编码",
    "dise_name": "高血压",
    "acct_used_flag": "1",
    "med_type": "41",
    "fulamt_ownpay_amt": "1200.36",
    "overlmt_selfpay": "1000.23",
    "preselfpay_amt": "600.23",
    "inscp_scp_amt": "450.23",
    "exp_content": "",
}
INPATIENT = {
    "PatWard": "非传染区",
    "Dep": "胸外科",
    "DepNo": "科室编号, 可空",
    "BedID": "036",
    "DiagnosisText": "胸部肋骨骨",
    "insho_stas": "0 或者 1",
}
# The samples write titles where a region and a disease belong, and a number nobody can have (Q15).
FINDINGS = (
    Finding("", "lenient-json"),
    Finding("id", "check-digit"),
    Finding("insuplc_admdvs", "too-long"),
    Finding("insuplc_admdvs", "placeholder"),
    Finding("dise_codg", "placeholder"),
)


def as_sent(sample: str, wrapped: bool, line_end: str, codec: str) -> bytes:
    text = SAMPLES[sample]
    if not wrapped:
        text = text.removeprefix("char * input = ").rstrip().removesuffix(";")
    return text.replace("\n", line_end).encode(codec)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("wrapped", [True, False], ids=["declaration", "object"])
@pytest.mark.parametrize(
    ("codec", "charset"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gbk", "gb18030"), ("gb18030", "gb18030")],
)
@pytest.mark.parametrize("sample", list(SAMPLES))
def test_a_sample_is_read_field_by_field(
    sample: str, codec: str, charset: str, wrapped: bool, line_end: str
) -> None:
    request = parse_request(as_sent(sample, wrapped, line_end, codec))

    sent = {code: text for code, text in request.fields.items() if code != "exp_content"}
    assert {code: OUTPATIENT[code] for code in sent} == sent
    assert (charset, FINDINGS, {}) == (request.charset, request.findings, request.extra)
    assert ("320101194202156744", "", "张三") == (
        request.id_number,
        request.person_number,
        request.name,
    )


@pytest.mark.parametrize("codec", ["utf-8", "gbk"])
@pytest.mark.parametrize(("sample", "expansion"), [("sample_a", {}), ("sample_b", INPATIENT)])
def test_a_sample_tells_where_an_inpatient_lies(
    sample: str, expansion: dict[str, str], codec: str
) -> None:
    assert expansion == parse_request(SAMPLES[sample].encode(codec)).expansion


@pytest.mark.parametrize("declared", ["utf-8", "gb18030"])
@pytest.mark.parametrize("codec", ["utf-8", "gbk"])
@pytest.mark.parametrize("sample", list(SAMPLES))
def test_a_sample_survives_a_wrong_header(sample: str, codec: str, declared: str) -> None:
    request = parse_request(SAMPLES[sample].encode(codec), declared)

    assert ("张三", "杭州海量大药房") == (request.name, request.fields["fixmedins_name"])
    assert request.charset == ("utf-8" if codec == "utf-8" else "gb18030")
    assert (request.charset != declared) == (Finding("", "charset-mismatch") in request.findings)


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
@pytest.mark.parametrize("sample", list(SAMPLES))
def test_a_sample_encoded_a_second_time_is_the_same_call(sample: str, codec: str) -> None:
    once = parse_request(as_sent(sample, False, "\n", codec))

    twice = parse_request(json.dumps(as_sent(sample, False, "\n", codec).decode(codec)).encode())

    assert (once.fields, once.expansion) == (twice.fields, twice.expansion)
    assert (Finding("", "double-encoded"), *once.findings) == twice.findings


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
@pytest.mark.parametrize("sample", list(SAMPLES))
def test_a_sample_posted_as_a_form_is_the_same_call(sample: str, codec: str) -> None:
    sent = as_sent(sample, False, "\n", codec)
    once = parse_request(sent)

    posted = parse_request(b"inputJson=" + quote_plus(sent).encode())

    assert (once.fields, once.expansion, once.charset) == (
        posted.fields,
        posted.expansion,
        posted.charset,
    )
    assert (Finding("", "lenient-form"), *once.findings) == posted.findings


def test_a_sample_says_what_the_policy_asks() -> None:
    request = parse_request(as_sent("sample_a", True, "\n", "utf-8"))

    assert (Decimal("1300.56"), datetime(2022, 1, 11, tzinfo=timezone(timedelta(hours=8)))) == (
        request.amount,
        request.begins,
    )


def test_the_document_has_26_fields() -> None:
    assert list(OUTPATIENT) == [known.code for known in FIELDS]
