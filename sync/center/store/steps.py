"""From one schema of the centre's database to the next, in small ordered steps.

New tables need none: what is missing is made at every start. A step is for what is there already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, select, text, update
from sqlalchemy.schema import CreateColumn

from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.store.tables import META, METADATA, PROGRESS

Change = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class Step:
    """How a database comes to schema ``to`` from the one before."""

    to: int
    change: Change


def added(column: Column[Any], default: str) -> Change:
    """A column that older rows have ``default`` in, an SQL literal."""

    def change(db: Connection) -> None:
        made = str(CreateColumn(column).compile(dialect=db.dialect))
        spelled = f"{made.removesuffix(' NOT NULL')} DEFAULT {default} NOT NULL"
        db.execute(text(f"ALTER TABLE {column.table.name} ADD COLUMN {spelled}"))

    return change


def _signed_heads(db: Connection) -> None:
    for name, default in (
        ("head_at_ms", "0"),
        ("head_signature", "''"),
        ("head_algorithm", "'sha256'"),
    ):
        added(PROGRESS.c[name], default)(db)


STEPS = (Step(2, _signed_heads),)
SCHEMA_VERSION = STEPS[-1].to


def version_of(db: Connection) -> int:
    """The schema the database says it has."""
    return int(db.execute(select(META.c.value).where(META.c.name == "schema")).scalar_one())


def refuse_newer(found: int) -> None:
    """``CenterError`` for a database this program is too old for."""
    if found > SCHEMA_VERSION:
        raise CenterError(
            f"the database has schema {found}, this program knows {SCHEMA_VERSION}:"
            " use the program it was written by, or a newer one"
        )


def bring_up(db: Connection, found: int) -> None:
    """All steps a database of schema ``found`` lacks, inside the caller's transaction."""
    for step in STEPS:
        if step.to > found:
            step.change(db)
    METADATA.create_all(db)
    own = update(META).where(META.c.name == "schema")
    db.execute(own.values(value=SCHEMA_VERSION))
