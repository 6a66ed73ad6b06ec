"""Whatever bytes arrive: a request or a refusal that says why, nothing else."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_plus

from hostile_calls import CALLS, CODES, EDITS, KEYS, LEAVES, SAMPLES, mangled
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from wire_calls import his_call

from yibao_face.daemon.wire.charset import known
from yibao_face.daemon.wire.request import AuthRequest, BadRequestError, parse_request
from yibao_face.daemon.wire.tolerant import parse

PROPERTY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DECLARED = st.sampled_from([None, None, "utf-8", "gb18030"])
OBJECTS = st.dictionaries(KEYS, LEAVES | st.dictionaries(KEYS, LEAVES, max_size=3), max_size=6)


def understood(
    body: bytes, declared: str | None = None, forced: str | None = None
) -> AuthRequest | None:
    """The request, or ``None`` where it was refused as it should be."""
    try:
        return parse_request(body, declared, forced)
    except BadRequestError as refusal:
        assert refusal.advice
        assert refusal.charset in ("utf-8", "gb18030")
        return None


def assert_sound(request: AuthRequest | None) -> None:
    """What every other part of the daemon relies on."""
    if request is None:
        return
    assert request.id_number or request.person_number
    assert request.name
    assert request.deal_no
    assert request.institution_code
    assert request.charset in ("utf-8", "gb18030")
    assert CODES == list(request.fields)
    assert all(found.problem for found in request.findings)
    assert {found.field for found in request.findings} <= {"", *CODES}


@PROPERTY
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode), DECLARED)
@example(b'{"a":1e99999999999999999999999}', None)
def test_any_bytes_are_a_request_or_refused(body: bytes, declared: str | None) -> None:
    assert_sound(understood(body, declared))


@PROPERTY
@given(st.sampled_from(SAMPLES), EDITS, DECLARED)
def test_a_mangled_call_is_a_request_or_refused(
    body: bytes, edits: list[tuple[int, int, bytes]], declared: str | None
) -> None:
    assert_sound(understood(mangled(body, edits), declared))


@PROPERTY
@given(CALLS)
@example({"medfee_sumamt": "1e9999999"})
def test_any_values_in_the_known_fields_are_a_request_or_refused(changed: dict[str, Any]) -> None:
    body = {**json.loads(his_call()), **changed}

    assert_sound(understood(json.dumps(body).encode()))


@PROPERTY
@given(CALLS)
def test_what_was_read_reads_the_same_when_sent_again(changed: dict[str, Any]) -> None:
    first = understood(json.dumps({**json.loads(his_call()), **changed}).encode())

    again = first and understood(json.dumps(dict(first.fields)).encode())

    assert (first is None) == (again is None)
    if first is not None and again is not None:
        assert first.fields == again.fields
        assert (first.id_number, first.person_number) == (again.id_number, again.person_number)


@PROPERTY
@given(OBJECTS, st.booleans(), st.sampled_from([None, 2]))
def test_json_is_read_as_it_was_written(
    sent: dict[str, Any], ensure_ascii: bool, indent: int | None
) -> None:
    text = json.dumps(sent, ensure_ascii=ensure_ascii, indent=indent)

    assert (sent, False) == parse(text)


@PROPERTY
@given(OBJECTS.filter(bool), st.booleans())
def test_a_trailing_comma_changes_nothing_else(sent: dict[str, Any], ensure_ascii: bool) -> None:
    text = json.dumps(sent, ensure_ascii=ensure_ascii)

    assert (sent, True) == parse(text[:-1] + ",}")


@PROPERTY
@given(st.sampled_from(SAMPLES), EDITS, DECLARED, st.sampled_from(["utf-8", "gbk"]))
def test_a_mangled_call_is_read_in_the_charset_of_the_site_or_refused(
    body: bytes, edits: list[tuple[int, int, bytes]], declared: str | None, forced: str
) -> None:
    request = understood(mangled(body, edits), declared, forced)

    assert_sound(request)
    assert request is None or known(forced) == request.charset


@PROPERTY
@given(CALLS)
def test_a_call_means_the_same_however_it_is_wrapped(changed: dict[str, Any]) -> None:
    text = json.dumps({**json.loads(his_call()), **changed})

    plain = understood(text.encode())
    others = [
        understood(json.dumps(text).encode()),
        understood(f"inputJson={quote(text, safe='')}".encode()),
        understood(f"json={quote_plus(text)}".encode()),
    ]

    assert [plain and plain.fields] * 3 == [other and other.fields for other in others]
    assert plain is None or all(
        other is not None and (plain.findings, plain.extra) == (other.findings[1:], other.extra)
        for other in others
    )
