"""What nobody of good will sends: refused, nothing told of the database, nothing changed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from center_bed import INSTITUTION, record
from hypothesis import given
from hypothesis import strategies as st
from office_bed import Bureau, Person

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.door.field import Field, read_body, read_query
from yibao_face.sync.center.office.door.table import MAX_CSV_CHARS, PREFIX, ROUTES, Route

INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE office_user; --",
    '" OR ""="',
    "1); DELETE FROM record; --",
    "%' UNION SELECT password FROM office_user --",
    "\\'; SELECT pg_sleep(9); --",
    "_%",
    "0x27",
)
SQL = re.compile(r"sqlite|postgres|psycopg|sqlalchemy|syntax|SELECT|Traceback|office_\w+", re.I)


def boss(office: Bureau) -> Person:
    roles = ("admin", "operator", "reviewer", "regulator", "auditor", "engineer")
    return office.someone("boss", *((role, "*") for role in roles))


def asked(route: Route, evil: str) -> dict[str, str]:
    """A query with the injection wherever a text may stand."""
    texts = [f for f in route.query if f.kind == "text" and f.name != "cursor"]
    return {f.name: evil for f in texts}


def found_nothing(body: Any) -> bool:
    """An empty list, a sheet with nothing but its head, or counts and sums of nothing."""
    if isinstance(body, str):
        return len(body.splitlines()) == 1
    items = body.get("items", body.get("counts"))
    return items == [] or [row.get("institution") for row in items] == ["*"]


def test_an_injection_in_a_query_finds_and_changes_nothing(both: Bureau) -> None:
    both.send(record(1))
    both.work()
    person, before = boss(both), both.site.counts()
    told = ("office_audit", "office_session", "office_mark", "office_rate")
    for route in ROUTES:
        if route.method != "GET" or not asked(route, "x") or "{" in route.path:
            continue
        for evil in INJECTIONS:
            for name in asked(route, evil):
                answer = person.call("GET", route.path, **{f"{name}_": evil})
                text = json.dumps(answer.body)
                assert answer.status in (200, 422), (route.name, name, evil, answer)
                assert answer.status == 422 or found_nothing(answer.body), text
                assert not SQL.search(text.replace(evil, "")), text
    after = both.site.counts()
    assert {k: v for k, v in before.items() if k not in told} == {
        k: v for k, v in after.items() if k not in told
    }


def test_an_injection_in_an_address_is_nobody(office: Bureau) -> None:
    person = boss(office)
    for route in ROUTES:
        for evil in (*INJECTIONS, "\x00", "x" * 65, "\ud7ff", "..%2f.."):
            if "{" not in route.path or route.method == "PUT":
                continue
            path = re.sub(r"{\w+}", "".join(f"%{b:02x}" for b in evil.encode()), route.path)
            answer = person.raw(route.method, PREFIX + path, b"{}", Content_Type=JSON)
            assert answer.status in (404, 422), (route.name, evil, answer)
            assert not SQL.search(json.dumps(answer.body)), answer


JSON = "application/json"


def test_an_injection_in_a_body_is_kept_as_the_text_it_is(both: Bureau) -> None:
    person = boss(both)
    for evil in INJECTIONS:
        made = person.post("/tickets", {"institution": INSTITUTION, "note": evil})
        assert evil == person.get(f"/tickets/{made['id']}")["note"]
    stranger = both.stranger()
    for evil in INJECTIONS:
        assert stranger.sign_in(evil, evil).status in (401, 422, 429)
    assert len(INJECTIONS) == len(person.get("/tickets")["items"])


@pytest.mark.parametrize(
    ("data", "status", "error"),
    [
        (b"{", 400, "json"),
        (b'{"note": 1, "note": 2}', 400, "json"),
        (b'{"note": NaN}', 400, "json"),
        (b"\xff\xfe", 400, "json"),
        (b"[" * 100_000, 400, "json"),
        (b"[]", 422, "field"),
        (b'{"note": "x", "institution": "P32010000001", "sql": 1}', 422, "field"),
        (b'{"note": ["x"], "institution": "P32010000001"}', 422, "field"),
        (b'{"note": "\\u0000", "institution": "P32010000001"}', 422, "field"),
        (b'{"note": "\\ud800", "institution": "P32010000001"}', 422, "field"),
        (b'{"note": "   ", "institution": "P32010000001"}', 422, "field"),
        (b'{"note": "' + b"x" * 501 + b'", "institution": "P32010000001"}', 422, "field"),
        (b" " * (300 * 1024), 413, "too-large"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_body_that_is_not_as_agreed(
    office: Bureau, data: bytes, status: int, error: str
) -> None:
    person = office.role("engineer")
    before = office.site.counts()

    answer = person.raw("POST", f"{PREFIX}/tickets", data, Content_Type=JSON)

    assert (status, error) == (answer.status, answer.body["error"])
    assert before["office_ticket"] == office.site.counts()["office_ticket"]


def test_an_upload_is_bounded(office: Bureau) -> None:
    person = office.role("operator")
    answer = person.call("POST", "/settlements/import", {"csv": "x" * (MAX_CSV_CHARS + 1)})
    assert (422, "field") == (answer.status, answer.body["error"])
    big = b'{"csv": "' + b"x" * (5 * MAX_CSV_CHARS) + b'"}'
    answer = person.raw("POST", f"{PREFIX}/settlements/import", big, Content_Type=JSON)
    assert 413 == answer.status


def test_a_query_is_as_strict_as_a_body(office: Bureau) -> None:
    person = office.role("auditor")
    for query in (
        "limit=0",
        "limit=1000",
        "limit=1e3",
        "limit=1&limit=2",
        "x=1",
        "from=2026-13-01",
        "from=20261122",
        "unmask=yes",
        "code=-1",
        "code=%D9%A1",
    ):
        answer = person.raw("GET", f"{PREFIX}/records?{query}")
        assert (422, "field") == (answer.status, answer.body["error"]), query


def test_an_unknown_address_and_method_are_told_in_json(office: Bureau) -> None:
    person = office.role("auditor")
    for method, path in (("GET", "/nowhere"), ("PATCH", "/users"), ("DELETE", "/records")):
        answer = person.call(method, path)
        assert answer.status in (404, 405)
        assert "http" == answer.body["error"]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({field for route in ROUTES for field in route.body}, key=lambda f: f.name)
QUERIES = sorted({field for route in ROUTES for field in route.query}, key=lambda f: f.name)


@given(st.sampled_from(FIELDS), ANY)
def test_any_value_of_any_field_is_read_or_refused(field: Field, value: Any) -> None:
    try:
        found = read_body((field,), {field.name: value})
    except RefusedError as exc:
        assert (422, "field") == (exc.status, exc.code)
    else:
        assert {field.name} == {*found}


@given(st.sampled_from(QUERIES), st.text(max_size=50))
def test_any_text_of_any_query_is_read_or_refused(field: Field, value: str) -> None:
    try:
        read_query((field,), {field.name: value}, 1)
    except RefusedError as exc:
        assert (422, "field") == (exc.status, exc.code)
