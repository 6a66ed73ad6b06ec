"""Records wait here, on disk, until the central service has taken them.

One row each in one SQLite file, write-ahead logged with ``synchronous=FULL``: a row that ``put``
returned for survives the loss of process and power. Append-only but for ``sent_at``; every list of
the desk is read off these rows, so that nothing can be known that was not written down.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any, Self

from yibao_face.sync.api import Brief, Query, Record, StoreError

_SCHEMA_VERSION = 2
_COLUMNS = tuple(f.name for f in fields(Record))
_TYPES = {"at_unix_ms": "INTEGER", "code": "INTEGER", "who": "INTEGER", "demo": "INTEGER"}
_TYPES["sealed_request"] = "BLOB"
# Not astuple(), which copies every value deeply.
_VALUES = attrgetter(*_COLUMNS)
_NAMES = ", ".join(_COLUMNS)
_BRIEF = ", ".join(f.name for f in fields(Brief))
_MARKS = ", ".join("?" * len(_COLUMNS))
_BUSY_S = 5.0
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
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS record_deal ON record (institution, deal_no)",
    "CREATE INDEX IF NOT EXISTS record_kind ON record (kind, day)",
    # Partial: whether a settlement was let go must not cost more after many refusals of it.
    "CREATE INDEX IF NOT EXISTS record_let_go ON record (institution, deal_no) WHERE code > 0",
    "CREATE INDEX IF NOT EXISTS record_person ON record (person, kind, cause, at_unix_ms)",
    "CREATE INDEX IF NOT EXISTS record_certificate ON record (certificate_no)",
)


class Outbox:
    """Opened once per daemon; safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._name = path.name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
        except (sqlite3.Error, OSError) as exc:
            raise StoreError(f"{self._name} cannot be opened: {exc}") from exc
        self._reader = self._db
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            # 16 MiB of log between checkpoints: fewer calls have to wait for one.
            self._db.execute("PRAGMA wal_autocheckpoint = 4000")
            self._migrate()
            # Of its own: who only asks need not wait until another's record is on disk.
            self._reader = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._reader.execute("PRAGMA query_only = ON")
        except (sqlite3.Error, StoreError) as exc:
            self.close()  # an open handle would keep the file locked on Windows
            raise StoreError(f"{self._name} cannot be used: {exc}") from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def put(self, record: Record) -> None:
        """Commit ``record``; it is on disk when this returns. ``StoreError`` when it is not.

        The same ``id`` a second time is a bug and refused, never overwritten.
        """
        statement = f"INSERT INTO record ({_NAMES}) VALUES ({_MARKS})"  # noqa: S608  # own names
        try:
            with self._lock:
                self._db.execute(statement, _VALUES(record))
        except sqlite3.Error as exc:
            raise StoreError(f"{self._name} refused record {record.id}: {exc}") from exc

    def get(self, id_: str) -> Record | None:
        """The record with this id."""
        return next(self._select("WHERE id = ?", (id_,)), None)

    def find(self, query: Query) -> list[Record]:
        """The records ``query`` asks for, in the order they were written."""
        clause, bound = _clause(query)
        return list(self._select(clause, bound))

    def briefs(self, query: Query) -> list[Brief]:
        """As ``find``, but only what lists are made of: a third of the time."""
        clause, bound = _clause(query)
        rows = self._rows(f"SELECT {_BRIEF} FROM record {clause}", bound)  # noqa: S608  # own names
        return [Brief(*row) for row in rows]

    def high_water_ms(self, since_kind: str) -> int:
        """The latest time any record carries from the last one of ``since_kind`` on; 0: none."""
        query = (
            "SELECT coalesce(max(at_unix_ms), 0) FROM record WHERE rowid >="
            " (SELECT coalesce(max(rowid), 0) FROM record WHERE kind = ?)"
        )
        return int(self._rows(query, (since_kind,))[0][0])

    def waiting(self, limit: int = 200) -> list[Record]:
        """Records not yet taken by the centre, oldest first."""
        return list(self._select("WHERE sent_at IS NULL ORDER BY id LIMIT ?", (limit,)))

    def count(self) -> int:
        """Records on disk."""
        return int(self._rows("SELECT count(*) FROM record", ())[0][0])

    def close(self) -> None:
        """Release the file; may be called twice."""
        with self._lock, self._read_lock:
            self._reader.close()
            self._db.close()

    def _select(self, clause: str, bound: tuple[Any, ...]) -> Iterator[Record]:
        query = f"SELECT {_NAMES} FROM record {clause}"  # noqa: S608  # own names only
        for row in self._rows(query, bound):
            values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
            values["demo"] = bool(values["demo"])
            yield Record(**values)

    def _rows(self, query: str, bound: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            with self._read_lock:
                return self._reader.execute(query, bound).fetchall()
        except sqlite3.Error as exc:
            raise StoreError(f"{self._name} cannot be read: {exc}") from exc

    def _migrate(self) -> None:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > _SCHEMA_VERSION:
            raise StoreError(f"{self._name} has schema {version}, this program {_SCHEMA_VERSION}")
        if version < _SCHEMA_VERSION:
            columns = ", ".join(f"{c} {_TYPES.get(c, 'TEXT')} NOT NULL" for c in _COLUMNS)
            create = (
                f"CREATE TABLE IF NOT EXISTS record ({columns}, sent_at INTEGER,"
                " PRIMARY KEY (id)) STRICT"
            )
            self._db.execute("BEGIN IMMEDIATE")
            # Asked again under the lock: another process may have been here first.
            version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
            for statement in (*(_FROM_1 if version == 1 else (create,)), *_INDEXES):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            self._db.execute("COMMIT")


def _clause(query: Query) -> tuple[str, tuple[Any, ...]]:
    terms: list[tuple[str, Any]] = [
        ("institution = ?", query.institution),
        ("deal_no = ?", query.deal_no),
        ("person = ?", query.person),
        ("cause <> ?", query.but_cause),
        ("certificate_no = ?", query.certificate_no),
        ("demo = ?", query.demo),
        ("day >= ?", query.first_day),
        ("day <= ?", query.last_day),
        ("at_unix_ms >= ?", query.since_ms),
    ]
    asked = [(term, value) for term, value in terms if value is not None]
    clauses, bound = [term for term, _ in asked], [value for _, value in asked]
    for column, values in (("kind", query.kinds), ("cause", query.causes)):
        if values:
            clauses.append(f"{column} IN ({', '.join('?' * len(values))})")
            bound += values
    if query.let_go:
        clauses.append("code > 0")
    where = f"WHERE {' AND '.join(clauses)} " if clauses else ""
    order = "ORDER BY rowid DESC" if query.newest else "ORDER BY rowid"
    limit = "" if query.limit is None else f" LIMIT {query.limit:d}"
    return where + order + limit, (*bound,)
