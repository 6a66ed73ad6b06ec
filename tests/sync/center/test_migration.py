"""A database of the first release is taken over whole, never before a copy of it was made."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from center_bed import Machine, run_of, running, statuses
from harness import ROOT
from sqlalchemy import Connection, Engine, MetaData, inspect, select, text, update

from yibao_face.daemon.cli.main import main
from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.center import database_url
from yibao_face.sync.center.device.authority import make_authority
from yibao_face.sync.center.store.database import Database, rows
from yibao_face.sync.center.store.dialect import connect, make_default_partition
from yibao_face.sync.center.store.steps import SCHEMA_VERSION, STEPS
from yibao_face.sync.center.store.tables import META, METADATA, PROGRESS

DDL = ROOT / "tests" / "golden" / "center-schema1.sql"
Old = tuple[Path, str, Machine]


def old_tables(engine: Engine) -> None:
    """The statements of the first release, none of today's program."""
    partitioned = engine.dialect.name == "postgresql"
    ddl = DDL.read_text("utf-8").replace("{blob}", "BYTEA" if partitioned else "BLOB")
    ddl = ddl.replace("{partition}", " PARTITION BY RANGE (part)" if partitioned else "")
    statements = [s for s in ddl.partition("\n")[2].split(";\n") if s.strip()]
    with engine.begin() as db:
        for statement in statements:
            db.execute(text(statement))
        if partitioned:
            make_default_partition(db)
        db.execute(text("INSERT INTO center_meta VALUES ('schema', 1)"))


def copied(source: Database, target: Connection) -> None:
    """The rows of today's database, as far as the old one has tables and columns for them."""
    old = MetaData()
    old.reflect(target)
    with source.reading() as db:
        for table in METADATA.sorted_tables:
            if table.name in old.tables and table.name != META.name:
                names = [column.name for column in old.tables[table.name].columns]
                found = rows(db, select(*(table.c[name] for name in names)))
                if found:
                    target.execute(old.tables[table.name].insert(), found)


@pytest.fixture
def old(url: str | None, tmp_path: Path, make_url: Callable[[], str | None]) -> Old:
    """A data folder, the URL of a schema 1 with three records in it, and the machine's key."""
    folder = tmp_path / "center"
    make_authority(folder, ["localhost", "127.0.0.1"])
    with running(folder, make_url() or f"sqlite:///{tmp_path / 'today.db'}") as site:
        machine = site.machine()
        assert ["new"] * 3 == statuses(machine.batch(run_of(1, 3)))
        engine = connect(database_url(folder, url))
        old_tables(engine)
        with engine.begin() as db:
            copied(site.center.database, db)
        engine.dispose()
    return folder, database_url(folder, url), machine


def test_an_older_database_goes_on_where_it_was(old: Old) -> None:
    folder, url, machine = old
    Database(url, migrate=True).close()

    with running(folder, url) as site:
        again = Machine(site.port, machine.context)
        assert ["dup"] * 3 + ["new"] == statuses(again.batch(run_of(1, 4)))
        assert ["whole"] * 4 == [row["chain"] for row in site.stored()]
        assert {} == site.alarms()
        again.close()


def columns_of(db: Connection) -> dict[str, Any]:
    look = inspect(db)
    return {
        table.name: {
            c["name"]: (str(c["type"]), c["nullable"]) for c in look.get_columns(table.name)
        }
        for table in METADATA.sorted_tables
    }


def test_a_migrated_database_has_the_tables_of_a_new_one(
    old: Old, tmp_path: Path, make_url: Callable[[], str | None]
) -> None:
    found: list[dict[str, Any]] = []
    for url in (old[1], make_url() or f"sqlite:///{tmp_path / 'fresh.db'}"):
        database = Database(url, migrate=True)
        with database.reading() as db:
            found.append(columns_of(db))
        database.close()

    assert found[0] == found[1]


def test_an_older_postgresql_is_left_alone_until_somebody_says_so(
    old: Old, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, url, _ = old
    if url.startswith("sqlite"):
        Database(url).close()
        [kept] = folder.glob("center.schema1.db")
        with closing(sqlite3.connect(kept)) as db:
            assert [(1,)] == db.execute("SELECT value FROM center_meta").fetchall()
            assert [(3,)] == db.execute("SELECT count(*) FROM record").fetchall()
        return
    with pytest.raises(CenterError, match="schema 1, this program needs 2: make a backup"):
        Database(url)
    command = ["center", "migrate", "--data", str(folder), "--db", url]
    assert 1 == main(command)
    assert "--yes" in capsys.readouterr().err
    assert 0 == main([*command, "--yes"])
    assert "schema 2" in capsys.readouterr().out
    Database(url).close()


def test_a_migration_that_fails_leaves_the_old_database(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, url, _ = old

    def fails(db: Connection) -> None:
        STEPS[0].change(db)
        db.execute(text("SELECT * FROM nothing"))

    broken = type(STEPS[0])(2, fails)
    monkeypatch.setattr("yibao_face.sync.center.store.steps.STEPS", (broken,))
    with pytest.raises(Exception, match="the database"):
        Database(url, migrate=True)

    engine = connect(url)
    with engine.begin() as db:
        assert 1 == db.execute(text("SELECT value FROM center_meta")).scalar_one()
        assert "head_at_ms" not in {c["name"] for c in inspect(db).get_columns("progress")}
    engine.dispose()


def test_a_table_that_is_new_needs_no_step(url: str | None, tmp_path: Path) -> None:
    url = database_url(tmp_path, url)
    Database(url).close()
    engine = connect(url)
    with engine.begin() as db:
        db.execute(text("DROP TABLE relink"))
    engine.dispose()

    database = Database(url)
    with database.reading() as db:
        assert inspect(db).has_table("relink")
    database.close()


def test_a_database_of_a_newer_program_is_refused(url: str | None, tmp_path: Path) -> None:
    url = database_url(tmp_path, url)
    made = Database(url)
    with made.writing() as db:
        db.execute(update(META).values(value=SCHEMA_VERSION + 1))
    made.close()

    for migrate in (False, True):
        with pytest.raises(CenterError, match="has schema 3, this program knows 2"):
            Database(url, migrate=migrate)


def test_the_steps_lead_to_today_one_by_one() -> None:
    assert [*range(2, SCHEMA_VERSION + 1)] == [step.to for step in STEPS]
    assert {"head_at_ms", "head_signature", "head_algorithm"} <= {*PROGRESS.c.keys()}
