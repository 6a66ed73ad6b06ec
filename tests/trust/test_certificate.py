"""A certificate vouches for what was signed and for nothing else; a slip of the pen shows."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.core.identity import certificate_no, uuid7
from yibao_face.daemon.trust.certificate import CertificateError, Facts, issue, verify
from yibao_face.daemon.trust.signature import Ed25519Signer

SIGNER, STRANGER = Ed25519Signer(bytes(range(32))), Ed25519Signer(bytes(32))
KEYS = {SIGNER.key_id: SIGNER.public_key()}
RECORD = uuid7(1_790_000_000_000, bytes(range(10)))
FACTS = Facts(
    institution="001000200030",
    deal_no="00100020003020261201090000演示",
    person="ab" * 32,
    code=1,
    type=1,
    cause="matched-self",
    rule="",
    at_ms=1_790_000_000_000,
    demo=False,
)
MADE = issue(RECORD, FACTS, SIGNER)
CONTEXT = b"yibao-face certificate v1\n"
# The signed statement as it lies within the text.
STATEMENT = json.dumps(json.loads(MADE.text)["statement"], ensure_ascii=False)
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
ANY_FACTS = st.builds(
    Facts,
    institution=TEXT,
    deal_no=TEXT,
    person=TEXT,
    code=st.integers(0, 2),
    type=st.integers(0, 2),
    cause=TEXT,
    rule=TEXT,
    at_ms=st.integers(0, 1 << 47),
    demo=st.booleans(),
)
IDS = st.builds(uuid7, st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))


def changed(**values: Any) -> str:
    """The certificate with other values; without those that are ``None``."""
    body = {**json.loads(MADE.text), **values}
    return json.dumps({k: v for k, v in body.items() if v is not None}, ensure_ascii=False)


def signed(statement: Any, signer: Ed25519Signer = SIGNER) -> str:
    """A certificate whose signature is genuine, whatever it says."""
    text = statement if isinstance(statement, str) else json.dumps(statement)
    signature = base64.b64encode(signer.sign(CONTEXT + text.encode())).decode()
    return changed(statement=text, signature=signature, key_id=signer.key_id)


@settings(max_examples=200, deadline=None)
@given(IDS, ANY_FACTS)
def test_what_was_issued_verifies_as_it_was_said(record: str, facts: Facts) -> None:
    made = issue(record, facts, SIGNER)

    assert (made.no, facts) == verify(made.text, KEYS)


@settings(max_examples=200, deadline=None)
@given(IDS, ANY_FACTS)
def test_a_number_fits_the_30_characters_of_the_interface(record: str, facts: Facts) -> None:
    number = issue(record, facts, SIGNER).no

    assert 30 == len(number)
    assert number.isascii()
    assert number.isalnum()
    assert number.startswith(certificate_no(record))


@settings(max_examples=200, deadline=None)
@given(st.lists(IDS, min_size=2, max_size=10, unique=True), ANY_FACTS)
def test_no_two_records_have_one_number(records: list[str], facts: Facts) -> None:
    numbers = {issue(record, facts, SIGNER).no for record in records}

    assert len(records) == len(numbers)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, len(MADE.text) - 1), st.characters(codec="utf-8"))
def test_no_character_changed_makes_it_say_anything_else(at: int, character: str) -> None:
    text = MADE.text[:at] + character + MADE.text[at + 1 :]

    try:
        said = verify(text, KEYS)
    except CertificateError:
        return
    # White space around the signed statement says nothing.
    assert (MADE.no, FACTS) == said


@settings(max_examples=300, deadline=None)
@given(st.integers(1, len(STATEMENT) - 2), st.characters(codec="utf-8"))
def test_no_character_of_the_statement_can_be_changed(at: int, character: str) -> None:
    start = MADE.text.index(STATEMENT) + at
    text = MADE.text[:start] + character + MADE.text[start + 1 :]

    if text != MADE.text:
        with pytest.raises(CertificateError):
            verify(text, KEYS)


def test_no_bit_of_the_signature_can_be_changed() -> None:
    raw = base64.b64decode(json.loads(MADE.text)["signature"])
    for at in range(8 * len(raw)):
        other = bytearray(raw)
        other[at // 8] ^= 1 << at % 8
        with pytest.raises(CertificateError, match="does not fit"):
            verify(changed(signature=base64.b64encode(other).decode()), KEYS)


@pytest.mark.parametrize("cut", [0, 1, 50, len(MADE.text) - 1])
def test_a_part_of_a_certificate_is_refused(cut: int) -> None:
    with pytest.raises(CertificateError):
        verify(MADE.text[:cut], KEYS)


@settings(max_examples=300, deadline=None)
@given(TEXT | st.recursive(st.none() | TEXT, st.lists).map(json.dumps))
def test_whatever_text_is_given_is_no_certificate(text: str) -> None:
    with pytest.raises(CertificateError):
        verify(text, KEYS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[]", "not an object"),
        ("[" * 100_000, "not JSON"),
        (changed(statement=None), "no statement"),
        (changed(statement={}), "no statement"),
        (changed(key_id=None), "no key_id"),
        (changed(key_id=["x"]), "no key_id"),
        (changed(algorithm=None), "no algorithm"),
        (changed(signature=None), "no signature"),
        (changed(signature="not base64!"), "does not fit"),
        (changed(signature="签名"), "does not fit"),
        (changed(signature=""), "does not fit"),
        (changed(algorithm="sm2"), "does not fit"),
        (changed(algorithm="none"), "does not fit"),
        (changed(statement="\ud800"), "does not fit"),
        (changed(statement=f"{json.loads(MADE.text)['statement']} "), "does not fit"),
        (issue(RECORD, FACTS, STRANGER).text, "is not known"),
        (changed(key_id=STRANGER.key_id), "is not known"),
    ],
)
def test_what_is_not_genuine_is_refused_with_its_reason(text: str, says: str) -> None:
    with pytest.raises(CertificateError, match=says):
        verify(text, KEYS)


def test_the_key_of_another_daemon_opens_nothing() -> None:
    with pytest.raises(CertificateError, match="does not fit"):
        verify(MADE.text, {SIGNER.key_id: STRANGER.public_key()})
    with pytest.raises(CertificateError, match="is not known"):
        verify(MADE.text, {})
    with pytest.raises(CertificateError, match="does not fit"):
        verify(MADE.text, {SIGNER.key_id: b"short"})


def test_a_signature_of_the_same_key_over_something_else_proves_nothing() -> None:
    statement = json.loads(MADE.text)["statement"]
    bare = base64.b64encode(SIGNER.sign(statement.encode())).decode()

    with pytest.raises(CertificateError, match="does not fit"):
        verify(changed(signature=bare), KEYS)


OTHER = replace(FACTS, deal_no="00100020003020261201090001")


@pytest.mark.parametrize(
    "statement",
    [
        {"cp_no": MADE.no, "record": RECORD, **asdict(OTHER)},
        {"cp_no": issue(RECORD, OTHER, SIGNER).no, "record": RECORD, **asdict(FACTS)},
        {"cp_no": MADE.no, "record": uuid7(1, bytes(10)), **asdict(FACTS)},
        {"cp_no": MADE.no[:-1], "record": RECORD, **asdict(FACTS)},
        {"cp_no": MADE.no.lower(), "record": RECORD, **asdict(FACTS)},
        {"cp_no": "", "record": RECORD, **asdict(FACTS)},
    ],
    ids=["deal", "number", "record", "cut", "lower-case", "empty"],
)
def test_a_number_of_another_statement_is_refused_even_where_it_was_signed(
    statement: dict[str, Any],
) -> None:
    with pytest.raises(CertificateError, match="number does not belong"):
        verify(signed(statement), KEYS)


@pytest.mark.parametrize("lacking", ["cp_no", "record", *(f.name for f in fields(Facts))])
def test_a_statement_that_lacks_a_fact_is_refused(lacking: str) -> None:
    whole = {"cp_no": MADE.no, "record": RECORD, **asdict(FACTS)}
    assert (MADE.no, FACTS) == verify(signed(whole), KEYS)

    with pytest.raises(CertificateError, match="lacks a fact"):
        verify(signed({k: v for k, v in whole.items() if k != lacking}), KEYS)


@pytest.mark.parametrize(
    ("statement", "says"),
    [("", "not JSON"), ("[]", "not an object"), ({"record": "no id"}, "lacks a fact")],
)
def test_a_signed_statement_that_says_nothing_is_refused(statement: Any, says: str) -> None:
    with pytest.raises(CertificateError, match=says):
        verify(signed(statement), KEYS)


@pytest.mark.parametrize("field", [f.name for f in fields(Facts) if f.name != "demo"])
def test_the_mark_of_a_number_depends_on_every_fact(field: str) -> None:
    value = getattr(FACTS, field)
    other = replace(FACTS, **{field: value + "x" if isinstance(value, str) else value + 1})

    numbers = [issue(RECORD, facts, SIGNER).no for facts in (FACTS, other)]
    assert numbers[0][:26] == numbers[1][:26]
    assert numbers[0][26:] != numbers[1][26:]


def test_a_certificate_holds_what_it_was_given_and_no_more() -> None:
    body = json.loads(MADE.text)

    assert {"statement", "algorithm", "key_id", "signature"} == set(body)
    assert {"cp_no", "record", *(f.name for f in fields(Facts))} == set(
        json.loads(body["statement"])
    )
