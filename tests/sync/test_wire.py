"""A record travels whole, and nothing that is none gets through."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_bed import result

from yibao_face.sync.api import Link, Record
from yibao_face.sync.chain import GENESIS, SHA256, SM3, body_of, canonical, next_hash
from yibao_face.sync.wire import WireError, from_wire, linked_from_wire, parse_wire, to_wire

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
# No half surrogates and no NUL: they are refused, see below.
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
OBJECT = st.dictionaries(
    TEXT, st.one_of(st.integers(), TEXT, st.floats(allow_nan=False, allow_infinity=False))
)
OBJECT_TEXT = OBJECT.map(json.dumps)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), HEX),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=5,
)
RECORDS = st.builds(
    Record,
    id=st.uuids().map(str),
    kind=st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
    at_unix_ms=st.integers(0, 2**48 - 1),
    day=st.dates().map(lambda day: day.isoformat()),
    request_sha256=HEX | st.just(""),
    institution=TEXT,
    deal_no=TEXT,
    person=HEX | st.just(""),
    code=st.integers(-4, 2),
    who=st.integers(0, 2),
    cause=TEXT,
    rule=TEXT,
    certificate_no=TEXT,
    certificate=OBJECT_TEXT | st.just(""),
    scores=OBJECT_TEXT,
    models=OBJECT_TEXT,
    thresholds=OBJECT_TEXT,
    evidence_sha256=HEX | st.just(""),
    camera=TEXT,
    consent=TEXT,
    consent_text=TEXT,
    findings=st.lists(OBJECT, max_size=2).map(json.dumps),
    detail=OBJECT_TEXT,
    sealed_request=st.binary(max_size=60),
    demo=st.booleans(),
)


def linked(record: Record, seq: int = 7, prev: bytes = GENESIS, algorithm: str = SHA256) -> Link:
    return Link(seq, prev, next_hash(prev, canonical(body_of(record, seq)), algorithm))


def signed_anew(body: dict[str, Any]) -> dict[str, Any]:
    """The body with the hash that fits it: only its fields can be what is wrong."""
    content = {key: value for key, value in body.items() if key not in ("prev", "hash")}
    prev = bytes.fromhex(body["prev"])
    return {**body, "hash": next_hash(prev, canonical(content)).hex()}


@given(
    RECORDS,
    st.integers(1, 2**53 - 1),
    st.binary(min_size=32, max_size=32),
    st.sampled_from([SHA256, SM3]),
)
@settings(max_examples=100, deadline=None)
def test_a_record_comes_out_as_it_went_in(
    record: Record, seq: int, prev: bytes, algorithm: str
) -> None:
    link = linked(record, seq, prev, algorithm)
    line = json.dumps(to_wire(record, link)).encode()

    assert (record, link) == parse_wire(line, algorithm)
    assert record == from_wire(json.loads(line), algorithm)


@given(RECORDS, st.sampled_from([f.name for f in fields(Record)]), ANYTHING)
@settings(max_examples=300, deadline=None)
def test_any_other_value_in_any_field_is_refused(record: Record, name: str, other: Any) -> None:
    body = to_wire(record, linked(record))
    # JSON's own view of what differs: 1 and True, 0 and -0.0 are equal in Python only.
    if json.dumps(other) == json.dumps(body[name]):
        return

    with pytest.raises(WireError):
        from_wire({**body, name: other})


@given(st.binary(max_size=200) | ANYTHING.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=300, deadline=None)
def test_noise_is_refused(line: bytes) -> None:
    with pytest.raises(WireError):
        parse_wire(line)


def test_a_wire_object_has_the_agreed_keys() -> None:
    body = to_wire(result(), linked(result()))

    assert {*(f.name for f in fields(Record)), "seq", "prev", "hash", "schema"} == body.keys()
    assert (7, 3, "AFkx/w==") == (body["seq"], body["schema"], body["sealed_request"])
    assert ("0" * 64, 64) == (body["prev"], len(body["hash"]))


def test_the_hash_is_that_of_the_documented_text() -> None:
    """Computed elsewhere with sha256sum over 32 zero bytes and the sorted JSON."""
    record = replace(result(), camera="演示", scores="{}", sealed_request=b"")

    assert (
        b'{"at_unix_ms":1795305600123,"camera":"\xe6\xbc\x94\xe7\xa4\xba","cause":"matched-agent",'
        b'"certificate":"{}","certificate_no":"'
        + b"0"
        * 30
        + b'","code":1,"consent":"2023-106-1",'
        b'"consent_text":"2023-106-1","day":"2026-11-22","deal_no":"00100020003020261122000001",'
        b'"demo":false,"detail":"{}","evidence_sha256":"' + b"e" * 64 + b'","findings":"[]",'
        b'"id":"0001","institution":"001000200030","kind":"settlement","models":"{}",'
        b'"person":"'
        + b"f" * 64
        + b'","request_sha256":"'
        + b"0" * 64
        + b'","rule":"","schema":3,'
        b'"scores":"{}","sealed_request":"","seq":1,"thresholds":"{}","who":2}'
    ) == canonical(body_of(record, 1))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", ""),
        ("id", "a" * 65),
        ("id", "0001\n"),
        ("kind", "Settlement"),
        ("at_unix_ms", -1),
        ("at_unix_ms", True),
        ("at_unix_ms", 1.0),
        ("day", "2026-02-30"),
        ("day", "20261122"),
        ("request_sha256", "E" * 64),
        ("institution", "a\0"),
        ("deal_no", "x" * 257),
        ("code", "1"),
        ("code", 1001),
        ("certificate", "[]"),
        ("scores", ""),
        ("scores", "{"),
        ("detail", '{"a": NaN}'),
        ("detail", "[" * 100_000),
        ("findings", "{}"),
        ("sealed_request", "AFkx/x=="),
        ("sealed_request", "AFkx/w"),
        ("demo", 0),
        ("seq", 0),
        ("seq", True),
        ("seq", 2**53),
        ("prev", ""),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_also_with_a_fitting_hash(
    name: str, value: Any
) -> None:
    body = {**to_wire(result(), linked(result())), name: value}
    fitting = body if name == "prev" else signed_anew(body)

    with pytest.raises(WireError, match=name):
        from_wire(fitting)


def test_half_a_surrogate_is_refused() -> None:
    body = {**to_wire(result(), linked(result())), "camera": "\ud800"}

    with pytest.raises(WireError, match="camera"):
        from_wire(body)


@pytest.mark.parametrize("schema", [2, 4, "3", True, None, 3.0])
def test_another_schema_is_refused_by_number(schema: Any) -> None:
    body = {**to_wire(result(), linked(result())), "schema": schema}

    with pytest.raises(WireError, match=r"^schema"):
        from_wire(body)


def test_missing_and_unknown_keys_are_told_apart_and_never_repeated() -> None:
    body = to_wire(result(), linked(result()))
    short = {key: value for key, value in body.items() if key != "person"}

    with pytest.raises(WireError, match="person is missing"):
        from_wire(short)
    with pytest.raises(WireError, match=r"^1 unknown keys$"):
        from_wire({**body, "张三": 1})


def test_the_same_key_twice_is_refused() -> None:
    line = json.dumps(to_wire(result(), linked(result())))

    with pytest.raises(WireError, match="strict JSON"):
        parse_wire(line.replace("{", '{"code": 1, ', 1).encode())


@pytest.mark.parametrize(("name", "value"), [("seq", 8), ("prev", "1" * 64), ("hash", "1" * 64)])
def test_a_moved_record_is_refused(name: str, value: Any) -> None:
    body = {**to_wire(result(), linked(result())), name: value}

    with pytest.raises(WireError, match="hash"):
        linked_from_wire(body)


def test_the_hash_of_another_algorithm_is_refused() -> None:
    body = to_wire(result(), linked(result(), algorithm=SM3))

    assert result() == from_wire(body, SM3)
    with pytest.raises(WireError, match="hash"):
        from_wire(body)
