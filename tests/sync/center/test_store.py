"""The database itself: versions, partitions, and the engine that is only prepared for."""

from __future__ import annotations

from pathlib import Path

import pytest
from center_bed import Postgres, chained, record, run_of, running, statuses
from sqlalchemy import text, update

from yibao_face.sync.center.api import CenterError, StoreDownError
from yibao_face.sync.center.store.database import Database
from yibao_face.sync.center.store.tables import META


def test_a_database_that_cannot_be_opened_is_named_without_its_url(tmp_path: Path) -> None:
    with pytest.raises(StoreDownError, match="OperationalError") as told:
        Database(f"postgresql://me:secret@127.0.0.1:1/x?host={tmp_path}")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("url", ["", "nothing://x", "mysql://x/y", "sqlite+nothing:///x"])
def test_an_engine_nobody_has_is_refused(url: str) -> None:
    with pytest.raises(CenterError):
        Database(url)


def test_a_write_that_fails_half_way_leaves_nothing(url: str | None, tmp_path: Path) -> None:
    database = Database(url or f"sqlite:///{tmp_path / 'center.db'}")
    with pytest.raises(StoreDownError), database.writing() as db:
        db.execute(update(META).values(value=7))
        db.execute(text("SELECT * FROM nothing"))

    with database.reading() as db:
        assert 2 == db.execute(text("SELECT value FROM center_meta")).scalar_one()
    database.close()


def test_embedded_commits_are_on_disk(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'center.db'}")
    with database.reading() as db:
        assert "wal" == db.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        assert 2 == db.exec_driver_sql("PRAGMA synchronous").scalar_one()
    database.close()


def test_each_day_of_ids_has_a_partition_and_broken_clocks_share_one(
    cluster: Postgres, tmp_path: Path
) -> None:
    with running(tmp_path, cluster.new_database(), clock=lambda: record(1).at_unix_ms) as site:
        early = record(2, id="00000000-0001-7000-8000-000000000001")
        machine = site.machine()
        sent = [*run_of(1, 3)]
        sent += chained([early], 4, bytes.fromhex(sent[2]["hash"]))
        assert ["new"] * 4 == statuses(machine.batch(sent))

        with site.center.database.reading() as db:
            found = db.execute(
                text(
                    "SELECT relname FROM pg_class WHERE relname LIKE 'record\\_%'"
                    " AND relkind = 'r' ORDER BY 1"
                )
            ).scalars()
            assert ["record_20261122", "record_rest"] == [*found]
            for name, count in (("record_20261122", 3), ("record_rest", 1)):
                query = text(f"SELECT count(*) FROM {name}")  # noqa: S608  # own names
                assert count == db.execute(query).scalar_one()
