"""Looking through records: page by page, each row once, by index however many there are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from center_bed import AT_MS, DEVICE, INSTITUTION, chained, record
from office_bed import ELSEWHERE, Bureau, Person
from sqlalchemy import insert, text

from yibao_face.daemon.core.identity import uuid7
from yibao_face.sync.api import FIELDS, values_of
from yibao_face.sync.center.ingest.record import day_part
from yibao_face.sync.center.office.browse.records import asked_records
from yibao_face.sync.center.office.door.field import read_body
from yibao_face.sync.center.office.door.table import ROUTES
from yibao_face.sync.center.office.office import Ask
from yibao_face.sync.center.office.people.scope import Actor, Scope
from yibao_face.sync.center.store.marks import day_text
from yibao_face.sync.center.store.tables import RECORD

DAY = day_text(AT_MS)
ASKED = {"from_": DAY, "to": DAY}
[QUERY] = [r.query for r in ROUTES if r.name == "records"]


def pages(person: Person, path: str, **query: Any) -> list[dict[str, Any]]:
    """Every page, one behind the other."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = person.get(path, cursor=cursor, **query)
        assert len(page["items"]) <= query["limit"]
        found += page["items"]
        cursor = page["next"]
    return found


def fill(office: Bureau) -> None:
    """Records of two institutions, some at the same millisecond."""
    office.send(*(record(n, at_unix_ms=AT_MS + n // 3) for n in range(1, 12)))
    far = [record(n, institution=ELSEWHERE, kind="round", code=0) for n in range(20, 25)]
    office.send(*far, device="counter-2", institution=ELSEWHERE)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, [*range(24, 19, -1), *range(11, 0, -1)]),
        ({"institution": INSTITUTION}, [*range(11, 0, -1)]),
        ({"device": "counter-2"}, [*range(24, 19, -1)]),
        ({"region": "23"}, [*range(24, 19, -1)]),
        ({"kind": "round"}, [*range(24, 19, -1)]),
        ({"code": 0, "institution": INSTITUTION}, []),
        ({"cause": "matched-self", "device": DEVICE}, [*range(11, 0, -1)]),
        ({"demo": True}, []),
    ],
)
def test_pages_hold_each_row_once_newest_first(
    office: Bureau, query: dict[str, Any], wanted: list[int]
) -> None:
    fill(office)

    found = pages(office.role("auditor"), "/records", limit=4, **ASKED, **query)

    assert [record(n).id for n in wanted] == [row["id"] for row in found]


def test_pages_are_the_same_over_postgresql(both: Bureau) -> None:
    fill(both)
    looker = both.role("auditor")

    for query in ({}, {"institution": INSTITUTION}, {"device": DEVICE}):
        found = pages(looker, "/records", limit=3, **ASKED, **query)
        assert len(found) == len({row["id"] for row in found}) >= 11
    both.send(sent_ms=1)
    assert ["clock-skew"] == [a["kind"] for a in pages(looker, "/alarms", limit=1)]


@pytest.mark.parametrize(
    "cursor", ["x", "W10=", "WzFd", "WyIxIiwgIjIiXQ==", "bnVsbA==", "WzFlOTk5LCAxXQ==", "é"]
)
def test_a_made_up_cursor_is_refused(office: Bureau, cursor: str) -> None:
    answer = office.role("auditor").call("GET", "/records", cursor=cursor)

    assert (422, "field") == (answer.status, answer.body["error"])


def test_too_many_days_at_once_are_refused(office: Bureau) -> None:
    looker = office.role("auditor")

    for first, last in (("2026-01-01", "2026-12-31"), ("2026-02-01", "2026-01-01")):
        answer = looker.call("GET", "/records", from_=first, to=last)
        assert (422, "field") == (answer.status, answer.body["error"])


def test_a_record_is_shown_with_what_it_was_decided_by(both: Bureau) -> None:
    fill(both)

    detail = both.role("operator").get(f"/records/{record(1).id}")

    assert ({"match": 0.71}, "replay:first") == (detail["scores"], detail["camera"])
    assert chained([record(1, at_unix_ms=AT_MS)])[0]["hash"] == detail["hash"]


def asked(**given: Any) -> Ask:
    query = read_body(QUERY, {"from": DAY, "to": DAY, **given})
    actor = Actor("li", "li", ())
    return Ask("records", actor, Scope(everything=True), {}, query, {}, "", AT_MS)


def plan(office: Bureau, **given: Any) -> str:
    """How the engine would look, in its own words."""
    engine = office.office
    with engine.reading() as db:
        own, keys = asked_records(db, asked(**given))
        own = own.order_by(*(key.desc() for key in keys)).limit(51)
        sql = str(own.compile(db.engine, compile_kwargs={"literal_binds": True}))
        if db.dialect.name == "postgresql":
            db.execute(text("SET LOCAL enable_seqscan = off"))
            db.execute(text("SET LOCAL enable_bitmapscan = off"))
            return "\n".join(str(row[0]) for row in db.execute(text(f"EXPLAIN {sql}")))
        rows = db.execute(text(f"EXPLAIN QUERY PLAN {sql}"))
        return "\n".join(str(row[3]) for row in rows)


def many(office: Bureau, count: int) -> None:
    """So many rows that the engine has something to think about."""
    blank = {"seq": 1, "prev": b"", "hash": b"", "schema_no": 3, "ext": "{}", "chain": "whole"}
    blank |= {"boot_id": "b", "received_ms": 1, "offset_ms": 0}
    rows: list[dict[str, Any]] = []
    for n in range(count):
        at_ms = AT_MS - n * 60_000
        one = record(n, id=uuid7(at_ms, n.to_bytes(10, "big")), at_unix_ms=at_ms)
        own = dict(zip(FIELDS, values_of(one), strict=True)) | blank
        rows.append({**own, "device": f"d{n % 50}", "part": day_part(one.id), "seq": n})
    with office.office.writing() as db:
        db.execute(insert(RECORD), rows)


def test_every_way_of_looking_has_its_index(both: Bureau) -> None:
    many(both, 3000)
    for given, index in (
        ({}, r"sqlite_autoindex_record_1|record_rest_pkey"),
        ({"institution": INSTITUTION}, r"record_institution|institution_at_unix_ms_idx"),
        ({"device": "d1"}, r"record_chain|device_seq_idx"),
    ):
        found = plan(both, **given)
        assert re.search(index, found), found
        assert "Seq Scan" not in found
        assert not re.search(r"SCAN record(?! USING)", found), found
        # The index gives the order, at most what has one key is sorted.
        assert not re.search(r"USE TEMP B-TREE FOR ORDER BY|^ *Sort ", found), found
