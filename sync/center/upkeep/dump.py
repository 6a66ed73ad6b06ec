"""A database as a stream of bytes, and back: SQLite by a copy, PostgreSQL by its own tools."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from sqlalchemy import Engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from yibao_face.sync.api import StoreError
from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.store.steps import version_of
from yibao_face.sync.center.store.tables import META
from yibao_face.sync.store.migrate import back_up

BLOCK_BYTES = 1 << 20
_POSTGRES = Path("/usr/lib/postgresql")


def schema_in(engine: Engine) -> int:
    """The schema of the database; 0 for an empty one. ``CenterError`` when it cannot be read."""
    try:
        with engine.connect() as db:
            look = inspect(db)
            if look.has_table(META.name):
                return version_of(db)
            if look.get_table_names():
                raise CenterError("the database holds tables that are not a centre's")
            return 0
    except SQLAlchemyError as exc:
        raise CenterError(f"the database cannot be read: {type(exc).__name__}") from exc


def blocks_of(file: Path) -> Iterator[bytes]:
    """The bytes of a file; ``OSError``."""
    with file.open("rb") as source:
        while data := source.read(BLOCK_BYTES):
            yield data


def copied_sqlite(file: Path) -> Iterator[bytes]:
    """A whole copy of a database that others may be writing to; ``CenterError``."""
    copy = file.with_name(f"{file.name}.backup")
    try:
        back_up(file, copy)
        yield from blocks_of(copy)
    except (StoreError, sqlite3.Error, OSError) as exc:
        raise CenterError(f"{file.name} cannot be copied") from exc
    finally:
        copy.unlink(missing_ok=True)


def sound_sqlite(file: Path) -> None:
    """``CenterError`` unless SQLite finds nothing wrong with the file."""
    try:
        with contextlib.closing(sqlite3.connect(file)) as db:
            told = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as exc:
        raise CenterError(f"the restored {file.name} cannot be read") from exc
    if told != "ok":
        raise CenterError(f"the restored {file.name} is not whole")


def dumped_postgresql(engine: Engine) -> Iterator[bytes]:
    """What ``pg_dump`` writes in its custom format, as it comes; ``CenterError`` if it fails."""
    command = [_tool("pg_dump"), "--format=custom", "--compress=1", "--no-owner"]
    with _running([*command, "--no-privileges"], engine, stdout=subprocess.PIPE) as process:
        out = cast(IO[bytes], process.stdout)  # a pipe, as asked for
        while data := out.read(BLOCK_BYTES):
            yield data


def restored_postgresql(engine: Engine, data: Iterable[bytes]) -> None:
    """Give it to ``pg_restore``: all of it in one transaction, or nothing. ``CenterError``."""
    command = [_tool("pg_restore"), "--single-transaction", "--exit-on-error", "--no-owner"]
    with _running([*command, "--no-privileges"], engine, stdin=subprocess.PIPE) as process:
        to = cast(IO[bytes], process.stdin)  # a pipe, as asked for
        # When it has failed, it no longer reads: its exit code says so.
        with contextlib.suppress(BrokenPipeError):
            for block in data:
                to.write(block)
            to.close()


@contextlib.contextmanager
def _running(
    command: list[str], engine: Engine, *, stdin: int | None = None, stdout: int | None = None
) -> Generator[subprocess.Popen[bytes], None, None]:
    """A tool of PostgreSQL on this database; ``CenterError`` unless it ends well."""
    conninfo, env = _target(engine)
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603  # a tool of PostgreSQL, no shell
            [*command, "--dbname", conninfo], env=env, stderr=errors, stdin=stdin, stdout=stdout
        ) as one,
    ):
        try:
            yield one
        except BaseException:
            one.kill()
            raise
        if one.wait():
            raise CenterError(f"{Path(command[0]).name} failed: {_first_line(errors)}")


def _target(engine: Engine) -> tuple[str, dict[str, str]]:
    """Connection string and environment; the password in the latter: others see command lines."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415  # PostgreSQL only

    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    given = conninfo_to_dict(url)
    password = given.pop("password", None)
    env = {**os.environ, "LC_ALL": "C"}
    return make_conninfo("", **given), env if password is None else {
        **env,
        "PGPASSWORD": str(password),
    }


def _first_line(errors: IO[bytes]) -> str:
    # Further lines may hold rows.
    errors.seek(0)
    return errors.readline(300).decode("utf-8", "replace").strip() or "no reason given"


def _tool(name: str) -> str:
    newest = sorted(_POSTGRES.glob(f"*/bin/{name}"), key=lambda p: float(p.parts[-3]))
    found = str(newest[-1]) if newest else shutil.which(name)
    if found is None:
        raise CenterError(f"{name} is not on this machine: install the client of PostgreSQL")
    return found
