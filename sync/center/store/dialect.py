"""What differs between the engines: insert what is new, partitions, and how to connect."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    String,
    Table,
    Text,
    bindparam,
    cast,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy import column as sql_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.types import TypeEngine

from yibao_face.sync.center.api import CenterError

Row = Mapping[str, Any]
WRITES = "yibao_writes"
_TABLES_LOCK = 0x59424643


def connect(url: str) -> Engine:
    """The engine of a database URL; raises ``CenterError``, which never repeats the URL."""
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    try:
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as exc:
        raise CenterError("the database URL, or the driver it asks for, cannot be used") from exc
    if engine.dialect.name == "sqlite":
        _durable_sqlite(engine)
    elif engine.dialect.name != "postgresql":
        raise CenterError(f"no store for {engine.dialect.name}, only sqlite and postgresql")
    return engine


def insert_new(db: Connection, table: Table, rows: Sequence[Row], key: str) -> set[Any]:
    """Insert the rows whose primary key is free; the values of column ``key`` of those."""
    if not rows:
        return set()
    if db.dialect.name == "postgresql":
        given = {"rows": json_of([*rows])}
        return {*db.execute(postgresql_insert(table, key), given).scalars()}
    return {*db.execute(sqlite_insert(table, key), [*rows]).scalars()}


def sqlite_insert(table: Table, key: str) -> ReturningInsert[Any]:
    """Executed with many rows at once."""
    return sqlite.insert(table).on_conflict_do_nothing().returning(table.c[key])


def postgresql_insert(table: Table, key: str) -> ReturningInsert[Any]:
    """One statement for any number of rows, given as one JSON text (see ``json_of``).

    Half the work of an array per column on this side, where the interpreter is the bottleneck.
    """
    names = [column.name for column in table.columns]
    typed = [sql_column(column.name, _element(column.type)) for column in table.columns]
    given = func.json_to_recordset(cast(bindparam("rows", type_=Text()), postgresql.JSON()))
    rows = given.table_valued(*typed).render_derived(with_types=True)
    insert = postgresql.insert(table).from_select(names, select(*(rows.c[n] for n in names)))
    return insert.on_conflict_do_nothing().returning(table.c[key])


def json_of(rows: Sequence[Row]) -> str:
    """What ``postgresql_insert`` reads; bytes in PostgreSQL's own hex form."""
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=_hex)


def _hex(value: bytes) -> str:
    return "\\x" + value.hex()


def _element(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    # The column itself says when a text is too long for it.
    return Text() if isinstance(type_, String) else type_


def dm_insert(table: Table, dialect: Dialect) -> TextClause:
    """The same for DM8, one row each; compiled in tests only, no such server was at hand."""
    quoted = {column.name: _quoted(column.name, dialect) for column in table.columns}
    given = ", ".join(f":{name} AS {own}" for name, own in quoted.items())
    keys = [quoted[column.name] for column in table.primary_key]
    key = " AND ".join(f"t.{own} = s.{own}" for own in keys)
    values = ", ".join(f"s.{own}" for own in quoted.values())
    return text(
        f"MERGE INTO {_quoted(table.name, dialect)} t USING (SELECT {given} FROM dual) s"  # noqa: S608  # own names only
        f" ON ({key}) WHEN NOT MATCHED THEN INSERT ({', '.join(quoted.values())})"
        f" VALUES ({values})"
    )


def _quoted(name: str, dialect: Dialect) -> str:
    return dialect.identifier_preparer.quote(name)


def one_at_a_time(db: Connection) -> None:
    """Who changes tables of a PostgreSQL waits here until others that do have ended."""
    db.execute(select(func.pg_advisory_xact_lock(_TABLES_LOCK)))


def sqlite_file(engine: Engine) -> Path | None:
    """The file of an embedded database; ``None`` for a server."""
    name = engine.url.database
    return Path(name) if engine.dialect.name == "sqlite" and name else None


def make_partition(db: Connection, part: int, name: str) -> None:
    """The partition of ``record`` for one day, unless it is there or the default holds such rows.

    Rows of that day may lie in the default partition already: then they stay together there.
    """
    one_at_a_time(db)
    held = "SELECT EXISTS (SELECT 1 FROM record_rest WHERE part = :part)"
    if not db.execute(text(held), {"part": part}).scalar_one():
        db.execute(_ddl(f"{name} PARTITION OF record FOR VALUES FROM ({part}) TO ({part + 1})"))


def make_default_partition(db: Connection) -> None:
    """Where the rows of days without a partition of their own go."""
    one_at_a_time(db)
    db.execute(_ddl("record_rest PARTITION OF record DEFAULT"))


def _ddl(rest: str) -> TextClause:
    return text(f"CREATE TABLE IF NOT EXISTS {rest}")


def _durable_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _opened(connection: Any, _record: object) -> None:
        # The driver's own transactions begin too late: ours begin below.
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(db: Connection) -> None:
        writes = db.get_execution_options().get(WRITES)
        db.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
