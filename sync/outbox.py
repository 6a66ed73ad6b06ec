"""Records wait here, on disk, until the central service has taken them.

One row each in one SQLite file, write-ahead logged with ``synchronous=FULL``: a row that ``put``
returned for survives the loss of process and power. Append-only and chained (``chain``); every
list of the desk is read off these rows, so that nothing can be known that was not written down.
How far a record has come on its way to the centre stands beside it (``delivery``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

from yibao_face.sync.api import FIELDS, Brief, Query, Record, StoreError, values_of
from yibao_face.sync.chain import (
    GENESIS,
    SHA256,
    ChainError,
    body_of,
    canonical,
    head_statement,
    next_hash,
)
from yibao_face.sync.delivery import Delivery
from yibao_face.sync.store.file import StoreFile
from yibao_face.sync.store.query import clause_of
from yibao_face.sync.store.schema import (
    INSERT_DELIVERY,
    INSERT_HEAD,
    INSERT_RECORD,
    LAST_GAP,
    LAST_RECORD,
    NAMES,
    WAITING,
)

RESULT, LATER = 0, 1
_BRIEF = ", ".join(f.name for f in fields(Brief))
# Heads that stay; between them only the newest does.
_KEPT_HEADS = 64
_DROP_HEAD = "DELETE FROM head WHERE seq = (SELECT max(seq) FROM head) AND seq % ? <> 0"


class Outbox:
    """Opened once per daemon; safe to call from several threads and processes.

    ``sign``: the device's signature over some bytes; without it records are chained but the end
    of the chain is not signed. ``algorithm``: see ``StoreFile``. Raises ``StoreError``.
    """

    def __init__(
        self,
        path: Path,
        *,
        sign: Callable[[bytes], bytes] | None = None,
        algorithm: str = SHA256,
    ) -> None:
        self._file = StoreFile(path, algorithm)
        self._sign = sign
        self._heard: list[Callable[[], None]] = []
        self.delivery = Delivery(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def file(self) -> StoreFile:
        """The file below, for what lies in it beside the records."""
        return self._file

    def put(self, record: Record, priority: int = RESULT) -> None:
        """Commit ``record``; it is on disk when this returns. ``StoreError`` when it is not.

        The same ``id`` a second time is a bug and refused, never overwritten. ``priority``:
        ``RESULT`` goes to the centre before ``LATER``.
        """
        try:
            algorithm = self._file.algorithm
            with self._file.transaction() as db:
                self._append(db, record, priority, algorithm)
        except (sqlite3.Error, ChainError, StoreError) as exc:
            raise StoreError(f"{self._file.name} refused record {record.id}: {exc}") from exc
        for hear in self._heard:
            hear()

    def subscribe(self, hear: Callable[[], None]) -> None:
        """Call ``hear`` after each record of this process is on disk; it must neither wait nor
        raise."""
        self._heard.append(hear)

    def get(self, id_: str) -> Record | None:
        """The record with this id."""
        return next(self._select("WHERE id = ?", (id_,)), None)

    def find(self, query: Query) -> list[Record]:
        """The records ``query`` asks for, in the order they were written."""
        clause, bound = clause_of(query)
        return list(self._select(clause, bound))

    def briefs(self, query: Query) -> list[Brief]:
        """As ``find``, but only what lists are made of: a third of the time."""
        clause, bound = clause_of(query)
        rows = self._file.rows(f"SELECT {_BRIEF} FROM record {clause}", bound)  # noqa: S608  # own names
        return [Brief(*row) for row in rows]

    def total(self, query: Query) -> int:
        """How many records ``query`` asks for."""
        clause, bound = clause_of(query)
        rows = self._file.rows(f"SELECT count(*) FROM (SELECT 1 FROM record {clause})", bound)  # noqa: S608  # own names
        return int(rows[0][0])

    def high_water_ms(self, since_kind: str) -> int:
        """The latest time any record carries from the last one of ``since_kind`` on; 0: none."""
        query = (
            "SELECT coalesce(max(at_unix_ms), 0) FROM record WHERE seq >="
            " (SELECT coalesce(max(seq), 0) FROM record WHERE kind = ?)"
        )
        return int(self._file.rows(query, (since_kind,))[0][0])

    def waiting(self, limit: int = 200) -> list[Record]:
        """Records not yet taken by the centre, oldest first."""
        clause = (
            "WHERE EXISTS (SELECT 1 FROM delivery WHERE delivery.seq = record.seq"
            " AND state = 'waiting') ORDER BY id LIMIT ?"
        )
        return list(self._select(clause, (limit,)))

    def count(self) -> int:
        """Records on disk."""
        return int(self._file.rows("SELECT count(*) FROM record")[0][0])

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._file.close()

    def _append(
        self, db: sqlite3.Connection, record: Record, priority: int, algorithm: str
    ) -> None:
        """Number, hash and row in one transaction: numbers have no holes, whoever else writes."""
        ends: list[tuple[int, bytes]] = [*db.execute(LAST_RECORD), *db.execute(LAST_GAP)]
        last, prev = max(ends, default=(0, GENESIS))
        seq = last + 1
        hash_ = next_hash(prev, canonical(body_of(record, seq)), algorithm)
        db.execute(INSERT_RECORD, (seq, *values_of(record), hash_))
        db.execute(INSERT_DELIVERY, (seq, priority, WAITING, 0, 0, "", None))
        if self._sign:
            at_ms = record.at_unix_ms
            signature = self._sign(head_statement(seq, hash_, at_ms, algorithm))
            db.execute(_DROP_HEAD, (_KEPT_HEADS,))
            db.execute(INSERT_HEAD, (seq, hash_, at_ms, signature))

    def _select(self, clause: str, bound: tuple[Any, ...]) -> Iterator[Record]:
        for row in self._file.rows(f"SELECT {NAMES} FROM record {clause}", bound):  # noqa: S608  # own names
            values: dict[str, Any] = dict(zip(FIELDS, row, strict=True))
            values["demo"] = bool(values["demo"])
            yield Record(**values)
