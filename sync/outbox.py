"""Results wait here, on disk, until the central service has taken them.

One row per encounter in one SQLite file, write-ahead logged with ``synchronous=FULL``: a row that
``put`` returned for survives the loss of process and power. Append-only but for ``sent_at``.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, Self

from yibao_face.sync.api import Result, StoreError

_SCHEMA_VERSION = 1
_COLUMNS = tuple(f.name for f in fields(Result))
_TYPES = {"at_unix_ms": "INTEGER", "code": "INTEGER", "who": "INTEGER", "demo": "INTEGER"}
_TYPES["sealed_request"] = "BLOB"
_BUSY_S = 5.0


class Outbox:
    """Opened once per daemon; safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._name = path.name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
        except (sqlite3.Error, OSError) as exc:
            raise StoreError(f"{self._name} cannot be opened: {exc}") from exc
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._migrate()
        except (sqlite3.Error, StoreError) as exc:
            self._db.close()  # an open handle would keep the file locked on Windows
            raise StoreError(f"{self._name} cannot be used: {exc}") from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def put(self, result: Result) -> None:
        """Commit ``result``; it is on disk when this returns. ``StoreError`` when it is not.

        The same ``id`` a second time is a bug and refused, never overwritten.
        """
        marks = ", ".join("?" * len(_COLUMNS))
        names = ", ".join(_COLUMNS)
        statement = f"INSERT INTO result ({names}) VALUES ({marks})"  # noqa: S608  # own names
        try:
            with self._lock:
                self._db.execute(statement, astuple(result))
        except sqlite3.Error as exc:
            raise StoreError(f"{self._name} refused result {result.id}: {exc}") from exc

    def get(self, id_: str) -> Result | None:
        """The result with this id."""
        return next(self._select("WHERE id = ?", (id_,)), None)

    def waiting(self, limit: int = 200) -> list[Result]:
        """Results not yet taken by the centre, oldest first."""
        return list(self._select("WHERE sent_at IS NULL ORDER BY id LIMIT ?", (limit,)))

    def count(self) -> int:
        """Results on disk."""
        return int(self._rows("SELECT count(*) FROM result", ())[0][0])

    def close(self) -> None:
        """Release the file; may be called twice."""
        with self._lock:
            self._db.close()

    def _select(self, clause: str, bound: tuple[Any, ...]) -> Iterator[Result]:
        names = ", ".join(_COLUMNS)
        query = f"SELECT {names} FROM result {clause}"  # noqa: S608  # own names only
        for row in self._rows(query, bound):
            values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
            values["demo"] = bool(values["demo"])
            yield Result(**values)

    def _rows(self, query: str, bound: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._db.execute(query, bound).fetchall()
        except sqlite3.Error as exc:
            raise StoreError(f"{self._name} cannot be read: {exc}") from exc

    def _migrate(self) -> None:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > _SCHEMA_VERSION:
            raise StoreError(f"{self._name} has schema {version}, this program {_SCHEMA_VERSION}")
        if version == 0:
            columns = ", ".join(f"{c} {_TYPES.get(c, 'TEXT')} NOT NULL" for c in _COLUMNS)
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                f"CREATE TABLE IF NOT EXISTS result ({columns}, sent_at INTEGER,"
                " PRIMARY KEY (id)) STRICT"
            )
            self._db.execute(
                "CREATE INDEX IF NOT EXISTS result_deal ON result (institution, deal_no)"
            )
            self._db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            self._db.execute("COMMIT")
