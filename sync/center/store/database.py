"""One database: opened and checked, transactions, and errors of one kind."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Generator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert, inspect, update
from sqlalchemy.exc import (
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from yibao_face.sync.api import StoreError
from yibao_face.sync.center.api import CenterError, RefusedError, StoreDownError
from yibao_face.sync.center.store.dialect import (
    WRITES,
    Row,
    connect,
    insert_new,
    make_default_partition,
    make_partition,
    one_at_a_time,
    sqlite_file,
)
from yibao_face.sync.center.store.steps import (
    SCHEMA_VERSION,
    bring_up,
    refuse_newer,
    version_of,
)
from yibao_face.sync.center.store.tables import ALARM, META, METADATA
from yibao_face.sync.store.migrate import back_up, backup_path

# Ids made outside of these days come from broken clocks: no partition of their own.
_DAYS_BACK, _DAYS_AHEAD = 500, 2
# A server set to read only, or without a table or a right: no record is to blame for that.
_DOWN = (
    OperationalError,
    InterfaceError,
    InternalError,
    ProgrammingError,
    PoolTimeoutError,
)


class Database:
    """Safe to call from several threads; several processes may share one PostgreSQL.

    An older SQLite file is brought up to today's schema after a copy of it was made beside; an
    older PostgreSQL only with ``migrate``, once somebody has backed it up. ``CenterError``.
    """

    def __init__(self, url: str, *, migrate: bool = False) -> None:
        self._engine = connect(url)
        self._lock = threading.Lock()
        self._parts: set[int] = set()
        self.partitioned = self._engine.dialect.name == "postgresql"
        try:
            self._prepare(migrate=migrate)
        except CenterError:
            self.close()
            raise

    def close(self) -> None:
        """Give the connections back; may be called twice."""
        self._engine.dispose()

    @property
    def connections(self) -> int:
        """Connections in use."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    @contextlib.contextmanager
    def reading(self) -> Generator[Connection, None, None]:
        """A transaction that changes nothing; ``StoreDownError`` when it cannot be had."""
        with _told(), self._engine.begin() as db:
            yield db

    @contextlib.contextmanager
    def snapshot(self) -> Generator[Connection, None, None]:
        """As ``reading``; all that is read in it is of one moment."""
        with _told(), self._engine.connect() as db:
            if self.partitioned:
                db.execution_options(isolation_level="REPEATABLE READ")
            with db.begin():
                yield db

    @contextlib.contextmanager
    def writing(self) -> Generator[Connection, None, None]:
        """A transaction, on disk when the block has ended.

        After ``StoreDownError`` or ``RefusedError`` (content it cannot hold) nothing of it is.
        """
        with _told(), self._engine.connect() as db:
            db.execution_options(**{WRITES: True})
            with db.begin():
                yield db

    def ready_for(self, parts: set[int], today: int) -> None:
        """See to it that records of these days (see ``day_part``) have their partitions."""
        if not self.partitioned:
            return
        for part in sorted(parts - self._parts):
            if today - _DAYS_BACK <= part <= today + _DAYS_AHEAD:
                with self._lock, self.writing() as db:
                    make_partition(db, part, _partition_name(part))
                self._parts.add(part)

    def _prepare(self, *, migrate: bool) -> None:
        with self.writing() as db:
            if self.partitioned:
                one_at_a_time(db)
            if not inspect(db).has_table(META.name):
                METADATA.create_all(db)
                if self.partitioned:
                    make_default_partition(db)
                db.execute(insert(META).values(name="schema", value=SCHEMA_VERSION))
                return
            found = version_of(db)
            refuse_newer(found)
            if found < SCHEMA_VERSION:
                self._keep_copy(found, migrate=migrate)
            bring_up(db, found)

    def _keep_copy(self, found: int, *, migrate: bool) -> None:
        """An older database is not touched before there is a copy of it."""
        file = sqlite_file(self._engine)
        if file is not None:
            try:
                back_up(file, backup_path(file, found))
            except (StoreError, sqlite3.Error, OSError) as exc:
                raise CenterError(f"{file.name} of schema {found} cannot be backed up") from exc
        elif not migrate:
            raise CenterError(
                f"the database has schema {found}, this program needs {SCHEMA_VERSION}: make a"
                " backup (`yibao-face center backup`), then run `yibao-face center migrate --yes`"
            )


def raise_alarm(db: Connection, device: str, kind: str, subject: str, now_ms: int) -> None:
    """Write an alarm down; the same one again only counts up."""
    row = {
        "device": device,
        "kind": kind,
        "subject": subject,
        "first_ms": now_ms,
        "last_ms": now_ms,
        "times": 1,
    }
    if not insert_new(db, ALARM, [row], "kind"):
        same = (ALARM.c.device == device, ALARM.c.kind == kind, ALARM.c.subject == subject)
        again = {"last_ms": now_ms, "times": ALARM.c.times + 1}
        db.execute(update(ALARM).where(*same).values(**again))


def put_once(db: Connection, table: Table, row: Row, key: str) -> bool:
    """Insert a row; ``False`` when its primary key is taken."""
    return bool(insert_new(db, table, [row], key))


def rows(db: Connection, statement: Any) -> list[dict[str, Any]]:
    """The rows of a SELECT as dictionaries."""
    return [dict(row) for row in db.execute(statement).mappings()]


@contextlib.contextmanager
def _told() -> Generator[None, None, None]:
    """Errors of the driver as ours; their texts may hold content and are left out."""
    try:
        yield
    except _DOWN as exc:
        raise StoreDownError(f"the database failed: {type(exc).__name__}") from exc
    except SQLAlchemyError as exc:
        # Later is no better: the device has to find and set aside the record that did this.
        message = f"the database does not take this content: {type(exc).__name__}"
        raise RefusedError(500, "content", message) from exc


def _partition_name(part: int) -> str:
    return f"record_{date(1970, 1, 1) + timedelta(days=part):%Y%m%d}"
