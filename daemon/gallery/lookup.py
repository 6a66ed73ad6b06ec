"""A connection kept open for the question every call asks: opening costs more than asking."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

# Of one file as one connection sees it: which connection, and SQLite's count of others' writes.
Change: TypeAlias = tuple[int, int]


class Lookup:
    """Reads one SQLite file; safe to call from several threads. ``prepare`` makes the file."""

    def __init__(self, path: Path, prepare: Callable[[], None]) -> None:
        self._path, self._prepare = path, prepare
        self._guard = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._inode = 0
        self._openings = 0

    def change(self) -> Change:
        """Another value than before once anybody wrote to the file; raises as ``row`` does.

        Whoever writes through this connection is not seen: nobody does.
        """
        with self._guard:
            version = self._first("PRAGMA data_version", ())[0]
            return self._openings, int(version)

    def row(self, query: str, bound: tuple[str, ...]) -> Any:
        """The first row, or ``None``; raises ``sqlite3.Error`` or ``OSError``.

        A file put in the place of the one that is open is opened anew.
        """
        with self._guard:
            return self._first(query, bound)

    def _first(self, query: str, bound: tuple[str, ...]) -> Any:
        try:
            return self._opened().execute(query, bound).fetchone()
        except (sqlite3.Error, OSError):
            self._drop()
            raise

    def _opened(self) -> sqlite3.Connection:
        if self._db is None or self._path.stat().st_ino != self._inode:
            self._drop()
            self._prepare()
            self._db = sqlite3.connect(
                self._path, timeout=5.0, isolation_level=None, check_same_thread=False
            )
            self._inode = self._path.stat().st_ino
            self._openings += 1
        return self._db

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None
