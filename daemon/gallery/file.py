"""The file of the gallery: its tables, and the transaction every call is."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator
from pathlib import Path

_SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE person (digest TEXT PRIMARY KEY, name BLOB NOT NULL, consent TEXT NOT NULL,
    enrolled_by TEXT NOT NULL, at TEXT NOT NULL) STRICT;
CREATE TABLE number (digest TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person ON DELETE CASCADE) STRICT;
CREATE TABLE sample (id INTEGER PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
    model TEXT NOT NULL, model_sha256 TEXT NOT NULL, template BLOB NOT NULL,
    source TEXT NOT NULL, day TEXT NOT NULL, merit REAL NOT NULL) STRICT;
CREATE TABLE agent (principal TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
    agent TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
    relation TEXT NOT NULL, until TEXT NOT NULL, PRIMARY KEY (principal, agent)) STRICT;
CREATE INDEX sample_person ON sample (person);
"""
# Until then all samples were taken at the enrolment.
_SECOND = (
    "ALTER TABLE sample ADD COLUMN source TEXT NOT NULL DEFAULT 'enrolment'",
    "ALTER TABLE sample ADD COLUMN day TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE sample ADD COLUMN merit REAL NOT NULL DEFAULT 0",
    "UPDATE sample SET day = (SELECT substr(at, 1, 10) FROM person WHERE digest = person)",
)


class GalleryError(Exception):
    """The gallery cannot be read or written."""


@contextlib.contextmanager
def opened(path: Path) -> Generator[sqlite3.Connection, None, None]:
    """A connection in one transaction; ``GalleryError`` for whatever SQLite refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path, timeout=5.0)) as db:
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA secure_delete = ON")
            with db:
                _migrate(db)
                yield db
    except (sqlite3.Error, OSError) as exc:
        raise GalleryError(f"{path.name}: {exc}") from exc


def prepare(path: Path) -> None:
    """Make the file and its tables where they are not there yet."""
    with opened(path):
        pass


def _migrate(db: sqlite3.Connection) -> None:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > _SCHEMA_VERSION:
        raise GalleryError(f"gallery has schema {version}, this program knows {_SCHEMA_VERSION}")
    if version == 0:
        _create(db)
    elif version == 1:
        _to_second(db)


def _create(db: sqlite3.Connection) -> None:
    """All tables or none: sqlite3 would commit each statement alone, and others may race us."""
    db.execute("BEGIN IMMEDIATE")
    if int(db.execute("PRAGMA user_version").fetchone()[0]) == 0:
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    db.commit()


def _to_second(db: sqlite3.Connection) -> None:
    """Samples learn where they come from; another process may have done it meanwhile."""
    db.execute("BEGIN IMMEDIATE")
    if int(db.execute("PRAGMA user_version").fetchone()[0]) == 1:
        for statement in _SECOND:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    db.commit()
