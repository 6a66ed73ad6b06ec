"""A file of an older program is taken over whole, or stays as it was."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from sync_bed import SIGNER, check, result

from yibao_face.sync.api import Query, Record, StoreError
from yibao_face.sync.outbox import Outbox
from yibao_face.sync.store.migrate import backup_path
from yibao_face.sync.store.verify import verify

# What release 0.1 wrote; 16:30 on 21 November in London is the 22nd in China.
SCHEMA_1 = """
CREATE TABLE result (id TEXT NOT NULL, at_unix_ms INTEGER NOT NULL, request_sha256 TEXT NOT NULL,
    institution TEXT NOT NULL, deal_no TEXT NOT NULL, person TEXT NOT NULL, code INTEGER NOT NULL,
    who INTEGER NOT NULL, cause TEXT NOT NULL, certificate_no TEXT NOT NULL,
    scores TEXT NOT NULL, models TEXT NOT NULL, thresholds TEXT NOT NULL,
    evidence_sha256 TEXT NOT NULL, camera TEXT NOT NULL, consent TEXT NOT NULL,
    findings TEXT NOT NULL, sealed_request BLOB NOT NULL, demo INTEGER NOT NULL,
    sent_at INTEGER, PRIMARY KEY (id)) STRICT;
CREATE INDEX result_deal ON result (institution, deal_no);
INSERT INTO result VALUES ('0001', 1795278600000, '', 'H1', 'D1', '', 1, 1, 'matched-self', '',
    '{}', '{}', '{}', '', '', '', '[]', X'5931', 0, NULL);
PRAGMA user_version = 1;
"""
SCHEMA_2 = """
CREATE TABLE record (id TEXT NOT NULL, kind TEXT NOT NULL, at_unix_ms INTEGER NOT NULL,
    day TEXT NOT NULL, request_sha256 TEXT NOT NULL, institution TEXT NOT NULL,
    deal_no TEXT NOT NULL, person TEXT NOT NULL, code INTEGER NOT NULL, who INTEGER NOT NULL,
    cause TEXT NOT NULL, rule TEXT NOT NULL, certificate_no TEXT NOT NULL,
    certificate TEXT NOT NULL, scores TEXT NOT NULL, models TEXT NOT NULL,
    thresholds TEXT NOT NULL, evidence_sha256 TEXT NOT NULL, camera TEXT NOT NULL,
    consent TEXT NOT NULL, consent_text TEXT NOT NULL, findings TEXT NOT NULL,
    detail TEXT NOT NULL, sealed_request BLOB NOT NULL, demo INTEGER NOT NULL,
    sent_at INTEGER, PRIMARY KEY (id)) STRICT;
CREATE INDEX record_deal ON record (institution, deal_no);
CREATE INDEX record_kind ON record (kind, day);
CREATE INDEX record_let_go ON record (institution, deal_no) WHERE code > 0;
CREATE INDEX record_person ON record (person, kind, cause, at_unix_ms);
CREATE INDEX record_certificate ON record (certificate_no);
PRAGMA user_version = 2;
"""
OPEN = """
import sys
from pathlib import Path
from yibao_face.sync.outbox import Outbox
print(flush=True)
Outbox(Path(sys.argv[1])).close()
"""


def made(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)
    return path


def schema_2(path: Path, count: int) -> list[Record]:
    """A file of release 0.2, its records out of the order of their ids; every third was sent."""
    made(path, "PRAGMA journal_mode = WAL;" + SCHEMA_2)
    rows = [
        result(f"{n * 7 % count:05d}", demo=n % 2 == 0, detail=f'{{"n": {n}}}')
        for n in range(count)
    ]
    with closing(sqlite3.connect(path)) as db:
        for n, row in enumerate(rows):
            values = [getattr(row, name) for name in Record.__dataclass_fields__]
            insert = f"INSERT INTO record VALUES ({'?, ' * len(values)}?)"  # noqa: S608  # marks
            db.execute(insert, (*values, None if n % 3 else 5))
        db.commit()
    return rows


def old_ids(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        assert (2,) == db.execute("PRAGMA user_version").fetchone()
        return [row[0] for row in db.execute("SELECT id FROM record ORDER BY rowid")]


def test_a_store_of_the_first_release_is_taken_over_row_by_row(path: Path) -> None:
    made(path, SCHEMA_1)
    with Outbox(path, sign=SIGNER.sign) as outbox:
        [old] = outbox.find(Query(deal_no="D1"))
        outbox.put(result("0002"))
        waiting = [r.id for r in outbox.waiting()]

    assert ("settlement", "2026-11-22", "matched-self") == (old.kind, old.day, old.cause)
    assert ("", "{}", b"Y1") == (old.certificate, old.detail, old.sealed_request)
    assert ["0001", "0002"] == waiting
    assert verify(path, check).ok
    assert backup_path(path, 1).exists()


def test_a_store_of_schema_2_keeps_rows_order_and_what_was_sent(path: Path) -> None:
    rows = schema_2(path, 10)
    with Outbox(path) as outbox:
        kept = outbox.find(Query())
        counts = outbox.delivery.counts()
        states = outbox.file.rows("SELECT seq, sent_at FROM delivery WHERE state = 'sent'")

    assert rows == kept
    assert (6, 4, 0) == (counts.waiting, counts.sent, counts.dead)
    assert [(1, 5), (4, 5), (7, 5), (10, 5)] == states
    assert verify(path, check).ok


def test_the_backup_is_whole_the_old_one_and_for_its_owner_alone(path: Path) -> None:
    rows = schema_2(path, 10)
    Outbox(path).close()
    backup = backup_path(path, 2)

    assert "results.schema2.db" == backup.name
    assert [row.id for row in rows] == old_ids(backup)
    assert 0o600 == backup.stat().st_mode & 0o777
    assert {"results.db", "results.schema2.db"} == {file.name for file in path.parent.iterdir()}


def test_without_a_backup_nothing_is_changed(path: Path) -> None:
    schema_2(path, 10)
    backup_path(path, 2).mkdir()

    with pytest.raises(StoreError, match=r"results\.db"):
        Outbox(path)
    assert 10 == len(old_ids(path))


def test_a_damaged_old_file_is_not_taken_over(path: Path) -> None:
    schema_2(path, 300)
    data = path.read_bytes()
    half = len(data) // 8192 * 4096
    path.write_bytes(data[:half] + b"\xff" * (len(data) - half))
    before = path.read_bytes()

    with pytest.raises(StoreError, match=r"results\.db"):
        Outbox(path)
    assert before == path.read_bytes()
    assert not backup_path(path, 2).exists()


@pytest.mark.parametrize("version", [4, 99])
def test_a_newer_store_is_refused_in_one_line_and_left_as_it_was(path: Path, version: int) -> None:
    made(path, f"CREATE TABLE record (x); PRAGMA user_version = {version};")
    before = path.read_bytes()

    with pytest.raises(StoreError) as refused:
        Outbox(path)
    said = f"results.db cannot be used: it has schema {version}, this program knows 3: update it"
    assert said == str(refused.value)
    assert before == path.read_bytes()


def test_a_takeover_killed_at_any_moment_leaves_the_old_or_the_new(path: Path) -> None:
    rows = [row.id for row in schema_2(path, 3000)]
    original = path.read_bytes()
    chance = random.Random(5)  # noqa: S311  # repeatable, guards nothing
    for _ in range(8):
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(original)
        command = [sys.executable, "-c", OPEN, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(chance.random() * 0.3)
            child.kill()
        with closing(sqlite3.connect(path)) as db:
            found = [row[0] for row in db.execute("SELECT id FROM record ORDER BY rowid")]
        assert rows == found
        with Outbox(path) as outbox:
            assert rows == [row.id for row in outbox.briefs(Query())]
        assert verify(path, check).ok
        assert rows == old_ids(backup_path(path, 2))
