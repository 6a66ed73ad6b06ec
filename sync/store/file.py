"""One SQLite file, write-ahead logged, opened once for writing and once for reading."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from yibao_face.sync.api import StoreError
from yibao_face.sync.chain import SHA256
from yibao_face.sync.store.migrate import bring_up, finish_repair, refuse_newer

BUSY_S = 5.0


def connect(path: Path, *, create: bool = True) -> sqlite3.Connection:
    """A connection without implicit transactions, usable from any thread; ``sqlite3.Error``."""
    mode = "rwc" if create else "rw"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        uri, timeout=BUSY_S, isolation_level=None, check_same_thread=False, uri=True
    )


def refuse_in_use(path: Path) -> None:
    """``StoreError`` where another process has the file open; one that is no database passes."""
    with contextlib.closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as db:
        try:
            # Whoever has a logged file open holds a share of the lock that this wants whole.
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise StoreError(f"{path.name} is in use: stop the daemon first") from exc
        except sqlite3.DatabaseError:
            return


class StoreFile:
    """Opened once per user; safe to call from several threads. Raises ``StoreError``.

    ``algorithm``: of the chain, for a file that is made now; one that is there keeps its own.
    """

    def __init__(self, path: Path, algorithm: str = SHA256) -> None:
        self._lock = threading.Lock()
        self._read_lock = threading.Lock()
        self.name = path.name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            finish_repair(path)
            self._db = connect(path)
        except (sqlite3.Error, OSError) as exc:
            raise StoreError(f"{self.name} cannot be opened: {exc}") from exc
        self._reader = self._db
        try:
            self._prepare(path, algorithm)
        except (sqlite3.Error, OSError, StoreError) as exc:
            self.close()  # an open handle would keep the file locked on Windows
            raise StoreError(f"{self.name} cannot be used: {exc}") from exc

    def _prepare(self, path: Path, algorithm: str) -> None:
        refuse_newer(self._db)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        # 16 MiB of log between checkpoints: fewer calls have to wait for one.
        self._db.execute("PRAGMA wal_autocheckpoint = 4000")
        bring_up(self._db, path, algorithm)
        # Of its own: who only asks need not wait until another's record is on disk.
        self._reader = connect(path)
        self._reader.execute("PRAGMA query_only = ON")

    @cached_property
    def algorithm(self) -> str:
        """Hash of the chain. Asked when needed: a damaged file shall open, and then refuse."""
        found = self.setting("algorithm")
        if found is None:
            raise StoreError(f"{self.name} does not say how its chain is made")
        return found

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """All of what is done inside is on disk afterwards, or none of it.

        Raises ``sqlite3.Error``, which the caller turns into what it was about.
        """
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def writing(self, what: str) -> Generator[sqlite3.Connection, None, None]:
        """As ``transaction``; raises ``StoreError``, which says that it cannot do ``what``."""
        try:
            with self.transaction() as db:
                yield db
        except sqlite3.Error as exc:
            raise StoreError(f"{self.name} cannot {what}: {exc}") from exc

    def rows(self, query: str, bound: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a question; raises ``StoreError``."""
        try:
            with self._read_lock:
                return self._reader.execute(query, tuple(bound)).fetchall()
        except sqlite3.Error as exc:
            raise StoreError(f"{self.name} cannot be read: {exc}") from exc

    def setting(self, name: str) -> str | None:
        """What the file says about itself under ``name``."""
        found = self.rows("SELECT value FROM store WHERE name = ?", (name,))
        return str(found[0][0]) if found else None

    def close(self) -> None:
        """Release the file; may be called twice."""
        with self._lock, self._read_lock:
            self._reader.close()
            self._db.close()
