"""DM8, for which no server was at hand: what the centre says to a database compiles for it.

Compiled, never executed. The statements are not picked: they are all those a centre sends over
SQLite while machines enrol, send, are told of gaps and conflicts, and pull.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from center_bed import DEVICE, INSTITUTION, chained, record, request_pem, run_of, running
from cryptography.hazmat.primitives.asymmetric import ec
from harness import lacking
from sqlalchemy import Dialect, Engine, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import ClauseElement, TextClause

from yibao_face.sync.center.api import unix_ms
from yibao_face.sync.center.store.dialect import dm_insert
from yibao_face.sync.center.store.documents import Letter
from yibao_face.sync.center.store.tables import METADATA, RECORD


@pytest.fixture
def dm() -> Dialect:
    if find_spec("dmSQLAlchemy") is None:
        lacking("dmSQLAlchemy")
    return create_engine("dm+dmPython://center:none@127.0.0.1:1").dialect


@contextmanager
def heard() -> Generator[list[ClauseElement], None, None]:
    """Everything any engine is asked to execute meanwhile."""
    said: list[ClauseElement] = []

    def hear(_db: Any, statement: ClauseElement, *_: Any) -> None:
        said.append(statement)

    event.listen(Engine, "before_execute", hear)
    try:
        yield said
    finally:
        event.remove(Engine, "before_execute", hear)


def live(folder: Path) -> None:
    """A day of a centre, with all that goes wrong in it."""
    with running(folder) as site:
        machine, key = site.machine(), ec.generate_private_key(ec.SECP256R1())
        sent = run_of(1, 12)
        for part in (sent[:3], sent[5:8], sent[:3], sent[3:5], sent[9:]):
            machine.batch(part)
        machine.batch(chained([record(1, code=0), record(99)], 4, b"\1" * 32), sent_ms=1)
        machine.batch([], head={"seq": 12, "hash": "a" * 64})
        machine.call("PUT", f"/v1/evidence/{'0' * 64}", b"x")
        sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        machine.call("PUT", f"/v1/evidence/{sha256}", b"abc")
        for version in (1, 2):
            letter = Letter("policy", "", "*", version, "{}")
            site.center.documents.publish(letter, unix_ms())
        machine.call("GET", "/v1/pull?cursor=0&wait=1")
        site.center.devices.add_code("c", "counter-9", INSTITUTION, unix_ms() + 60_000, unix_ms())
        for _ in range(2):
            site.stranger().plain("/v1/enrol", {"code": "c", "csr": request_pem(key)})
        machine.plain("/v1/renew", {"csr": request_pem(key)})
        site.center.devices.revoke(DEVICE, "operator", unix_ms())
        site.center.devices.revoked_serials()


def test_every_statement_of_a_centre_compiles(dm: Dialect, tmp_path: Path) -> None:
    with heard() as said:
        live(tmp_path)
    texts: set[str] = set()
    kinds: set[str] = set()
    for statement in said:
        if isinstance(statement, TextClause):
            continue
        if isinstance(statement, sqlite.Insert):
            # What differs between the engines; DM8's form is below.
            assert isinstance(statement, Insert)
            continue
        kinds.add(type(statement).__name__)
        texts.add(str(statement.compile(dialect=dm)))

    assert {"Select", "Update", "Delete", "Insert"} <= kinds
    assert len(texts) > 20
    assert [] == [told for told in texts if "ON CONFLICT" in told or "RETURNING" in told.upper()]
    locking = [told for told in texts if "FROM progress" in told and "FOR UPDATE" in told]
    assert locking


def test_the_tables_and_indexes_compile(dm: Dialect) -> None:
    for table in METADATA.sorted_tables:
        made = str(CreateTable(table).compile(dialect=dm)).replace('"', "")
        assert made.strip().startswith(f"CREATE TABLE {table.name} (")
        assert "PRIMARY KEY" in made
        for index in table.indexes:
            compiled = str(CreateIndex(index).compile(dialect=dm))
            assert compiled.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX"))


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=lambda table: table.name)
def test_what_is_new_is_inserted_by_merge_on_the_whole_key(dm: Dialect, table: Any) -> None:
    merge = str(dm_insert(table, dm).compile(dialect=dm)).replace('"', "")

    keys = [column.name for column in table.primary_key]
    names = ", ".join(column.name for column in table.columns)
    assert merge.startswith(f"MERGE INTO {table.name} t USING (SELECT ? AS ")
    assert f" ON ({' AND '.join(f't.{k} = s.{k}' for k in keys)}) WHEN NOT MATCHED" in merge
    assert f"THEN INSERT ({names}) VALUES" in merge
    assert len(table.columns) == merge.count("?")
    assert "UPDATE" not in merge


def test_words_of_its_language_are_quoted(dm: Dialect) -> None:
    merge = str(dm_insert(RECORD, dm).compile(dialect=dm))

    assert merge.startswith('MERGE INTO "record" t USING (SELECT ? AS part, ? AS id,')
