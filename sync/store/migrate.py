"""Files of older programs are taken over row by row, after a backup; newer ones are refused.

All of it in one transaction: a process that dies in it leaves the old file as it was.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from yibao_face.sync.api import FIELDS, Record, StoreError
from yibao_face.sync.chain import GENESIS, body_of, canonical, next_hash
from yibao_face.sync.store.schema import (
    INDEXES,
    INSERT_DELIVERY,
    INSERT_RECORD,
    NAMES,
    TABLES,
    VERSION,
)

# Schema 1 (release 0.1) knew settlement calls only.
_FROM_1 = (
    "DROP INDEX result_deal",
    "ALTER TABLE result RENAME TO record",
    "ALTER TABLE record ADD COLUMN kind TEXT NOT NULL DEFAULT 'settlement'",
    "ALTER TABLE record ADD COLUMN day TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE record ADD COLUMN rule TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE record ADD COLUMN certificate TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE record ADD COLUMN consent_text TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE record ADD COLUMN detail TEXT NOT NULL DEFAULT '{}'",
    "UPDATE record SET day = date(at_unix_ms / 1000 + 28800, 'unixepoch')",
)
_OLD_INDEXES = ("deal", "kind", "let_go", "person", "certificate")


def schema_of(db: sqlite3.Connection) -> int:
    """The schema version the file says it has; 0 for an empty one."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def refuse_newer(db: sqlite3.Connection) -> None:
    """``StoreError`` for a file this program is too old for; nothing is written."""
    version = schema_of(db)
    if version > VERSION:
        raise StoreError(f"it has schema {version}, this program knows {VERSION}: update it")


def bring_up(db: sqlite3.Connection, path: Path, algorithm: str) -> None:
    """Make the tables of an empty file, or take an older one over; ``StoreError``, ``OSError``."""
    if schema_of(db) == VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        # Asked again under the lock: another process may have been here first.
        version = schema_of(db)
        refuse_newer(db)
        if version < VERSION:
            if version:
                back_up(path, backup_path(path, version))
            _rebuild(db, version, algorithm)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def backup_path(path: Path, version: int) -> Path:
    """Where the file of schema ``version`` is kept: ``results.schema2.db``."""
    return path.with_name(f"{path.stem}.schema{version}{path.suffix}")


def back_up(source: Path, to: Path) -> None:
    """A whole, checked copy of ``source`` at ``to``, mode 0600; ``StoreError``, ``OSError``."""
    part = to.with_name(f"{to.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            contextlib.closing(sqlite3.connect(source)) as old,
            contextlib.closing(sqlite3.connect(part)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA journal_mode = DELETE")
            told = str(new.execute("PRAGMA integrity_check(1)").fetchone()[0])
            if told != "ok":
                raise StoreError(f"its backup is not whole: {told}")
        replace_file(part, to)
    finally:
        part.unlink(missing_ok=True)


def replace_file(part: Path, to: Path) -> None:
    """Put the closed file ``part`` in the place of ``to``, on disk; raises ``OSError``."""
    handle = os.open(part, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    part.replace(to)
    if os.name == "posix":
        folder = os.open(to.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def repaired_path(path: Path) -> Path:
    """Where ``repair`` lays the whole new file before it takes the place of the broken one."""
    return path.with_name(f"{path.name}.repaired")


def finish_repair(path: Path) -> None:
    """Let a repaired file take its place, also where a repair was cut off in this; ``OSError``.

    The old log goes first: replayed onto the new file it would destroy it.
    """
    repaired = repaired_path(path)
    if repaired.exists():
        for tail in ("-wal", "-shm"):
            path.with_name(path.name + tail).unlink(missing_ok=True)
        replace_file(repaired, path)


def make_tables(db: sqlite3.Connection, algorithm: str) -> None:
    """An empty file of this schema, inside the caller's transaction."""
    for statement in (*TABLES, *INDEXES):
        db.execute(statement)
    db.execute("INSERT INTO store VALUES ('algorithm', ?)", (algorithm,))
    db.execute(f"PRAGMA user_version = {VERSION}")


def _rebuild(db: sqlite3.Connection, version: int, algorithm: str) -> None:
    if version == 1:
        for statement in _FROM_1:
            db.execute(statement)
    if version:
        for name in _OLD_INDEXES:
            db.execute(f"DROP INDEX IF EXISTS record_{name}")
        db.execute("ALTER TABLE record RENAME TO old_record")
    make_tables(db, algorithm)
    if version:
        _take_over(db, algorithm)
        db.execute("DROP TABLE old_record")


def _take_over(db: sqlite3.Connection, algorithm: str) -> None:
    prev = GENESIS
    old = db.execute(f"SELECT {NAMES}, sent_at FROM old_record ORDER BY rowid")  # noqa: S608  # own names
    for seq, (*values, sent_at) in enumerate(old, 1):
        record = Record(**dict(zip(FIELDS, values, strict=True)))
        prev = next_hash(prev, canonical(body_of(record, seq)), algorithm)
        db.execute(INSERT_RECORD, (seq, *values, prev))
        state = "waiting" if sent_at is None else "sent"
        db.execute(INSERT_DELIVERY, (seq, 0, state, 0, 0, "", sent_at))
