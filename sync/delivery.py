"""How far each record has come on its way to the centre, and which go next.

A record waits until it is acknowledged, or is dead after the centre refused it; nothing else ends
its way. A claim is a lease: who dies with records in hand gives them back by the passing of time.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from yibao_face.sync.api import FIELDS, Link, Record, StoreError
from yibao_face.sync.chain import GENESIS
from yibao_face.sync.store.file import StoreFile
from yibao_face.sync.store.schema import DEAD, STATES, WAITING

LEASE_MS = 60_000
# A clock that was set back must not make a record wait longer than this.
MOST_WAIT_MS = 3_600_000
_MAX_ERROR_CHARS = 200
_NUMBER = re.compile(r"\d{6,}[\dXx]?")
_ROW = ", ".join(f"record.{name}" for name in (*FIELDS, "seq", "hash"))
# The link before is the record before, or the gap that a repair declared there.
_PREV = (
    "coalesce((SELECT hash FROM record AS before WHERE before.seq = record.seq - 1),"
    " (SELECT hash FROM gap WHERE last = record.seq - 1))"
)
_SELECT = f"SELECT {_ROW}, {_PREV}, attempts FROM record JOIN delivery USING (seq)"  # noqa: S608  # own names
# One id per statement: lists of any length, and no statement is compiled twice.
_WHERE_ID = "WHERE seq = (SELECT seq FROM record WHERE id = ?)"
_ACKNOWLEDGE = (
    f"UPDATE delivery SET state = 'sent', sent_at = ?, error = '' {_WHERE_ID}"  # noqa: S608  # own names
    " AND state <> 'sent'"
)
_POSTPONE = f"UPDATE delivery SET next_at_ms = ?, error = ? {_WHERE_ID} AND state = 'waiting'"  # noqa: S608  # own names
_BURY = f"UPDATE delivery SET state = 'dead', error = ? {_WHERE_ID} AND state = 'waiting'"  # noqa: S608  # own names
_OLDEST = (
    "SELECT at_unix_ms FROM record WHERE seq ="
    " (SELECT min(seq) FROM delivery WHERE state = 'waiting')"
)
_REVIVE = (
    "UPDATE delivery SET state = 'waiting', attempts = 0, next_at_ms = 0, error = ''"
    " WHERE state = 'dead'"
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A record to be sent, its place in the chain, and how often it was claimed, this time too."""

    record: Record
    link: Link
    attempts: int


@dataclass(frozen=True, slots=True)
class Dead:
    """A record the centre will not take as it is. ``error``: why, naming nobody."""

    seq: int
    id: str
    kind: str
    at_unix_ms: int
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Records by state. ``oldest_waiting_ms``: when the oldest of them was made; 0: none waits."""

    waiting: int
    sent: int
    dead: int
    oldest_waiting_ms: int


@dataclass(frozen=True, slots=True)
class Head:
    """The last record written and the device's signature that it is (``chain.head_statement``).

    0 and zeros before the first; ``signature`` empty and ``at_ms`` 0 where none was made.
    """

    seq: int
    hash: bytes
    at_ms: int
    signature: bytes


class Delivery:
    """The delivery states of one file; every function raises ``StoreError``."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def claim(self, limit: int, now_ms: int, lease_ms: int = LEASE_MS) -> list[Claimed]:
        """At most ``limit`` records that are due, results first, then by number.

        None of them is claimed again within ``lease_ms``, unless postponed to an earlier time.
        """
        due = (
            f"{_SELECT} WHERE state = 'waiting' AND NOT (next_at_ms > ? AND next_at_ms <= ?)"
            " ORDER BY priority, delivery.seq LIMIT ?"
        )
        rows = self._file.rows(due, (now_ms, now_ms + MOST_WAIT_MS, limit))
        found = [_claimed(row, 1) for row in rows]
        if not found:
            return []
        # Looked up before, so that no record has to wait for the search; taken if still as found.
        with self._file.writing("claim") as db:
            return [one for one in found if _leased(db, one, now_ms + lease_ms)]

    def unsent(self, after_seq: int = 0, limit: int = 200) -> list[Claimed]:
        """Records not acknowledged, dead ones too, in the order of their numbers; no claim."""
        query = f"{_SELECT} WHERE state <> 'sent' AND seq > ? ORDER BY seq LIMIT ?"
        return [_claimed(row, 0) for row in self._file.rows(query, (after_seq, limit))]

    def acknowledge(self, ids: Iterable[str], sent_at: int) -> int:
        """The centre has these on disk: how many it had not said so of before."""
        return self._each("acknowledge", _ACKNOWLEDGE, ((sent_at, id_) for id_ in ids))

    def postpone(self, ids: Iterable[str], next_at_ms: int, error: str) -> int:
        """Try again at ``next_at_ms``, at most an hour later; ``error``: what happened."""
        told = harmless(error)
        return self._each("postpone", _POSTPONE, ((next_at_ms, told, id_) for id_ in ids))

    def bury(self, id_: str, reason: str) -> int:
        """The centre refuses this one: it is kept, told of, and tried only when revived."""
        return self._each("bury", _BURY, [(harmless(reason), id_)])

    def revive(self, ids: Sequence[str] | None = None) -> int:
        """Try these dead ones again, or all; how many wait again."""
        if ids is None:
            return self._each("revive", _REVIVE, [()])
        one = f"{_REVIVE} AND seq = (SELECT seq FROM record WHERE id = ?)"  # noqa: S608  # own names
        return self._each("revive", one, ((id_,) for id_ in ids))

    def counts(self) -> Counts:
        """Records by state, and since when the oldest waits."""
        rows = self._file.rows("SELECT state, count(*) FROM delivery GROUP BY state")
        by_state = {str(state): int(count) for state, count in rows}
        oldest = self._file.rows(_OLDEST)
        waiting, sent, dead = (by_state.get(state, 0) for state in STATES)
        return Counts(waiting, sent, dead, int(oldest[0][0]) if oldest else 0)

    def backlog(self) -> Counts:
        """As ``counts``, without those that were sent: 0. Read off the indexes of the others."""
        waiting, dead = (
            self._file.rows(f"SELECT count(*) FROM delivery WHERE state = '{state}'")[0][0]  # noqa: S608  # own names
            for state in (WAITING, DEAD)
        )
        oldest = self._file.rows(_OLDEST)
        return Counts(int(waiting), 0, int(dead), int(oldest[0][0]) if oldest else 0)

    def first_unsent(self) -> int:
        """The lowest number the centre has not acknowledged; 0: none, all are."""
        found = [
            self._file.rows(f"SELECT min(seq) FROM delivery WHERE state = '{state}'")[0][0]  # noqa: S608  # own names
            for state in (WAITING, DEAD)
        ]
        return min((int(seq) for seq in found if seq is not None), default=0)

    def reopen(self, first: int, last: int, limit: int) -> int:
        """Records ``first`` to ``last`` were acknowledged, and the centre has lost them.

        They wait again, ``limit`` of them at most; how many. Dead ones stay dead.
        """
        statement = (
            "UPDATE delivery SET state = 'waiting', attempts = 0, next_at_ms = 0, sent_at = NULL"
            " WHERE seq IN (SELECT seq FROM delivery WHERE seq BETWEEN ? AND ?"
            " AND state = 'sent' ORDER BY seq LIMIT ?)"
        )
        return self._each("reopen", statement, [(first, last, limit)])

    def head(self) -> Head:
        """The end of the chain as it is written now."""
        rows = self._file.rows(
            "SELECT record.seq, record.hash, head.at_ms, head.signature FROM record"
            " LEFT JOIN head ON head.seq = record.seq AND head.hash = record.hash"
            " ORDER BY record.seq DESC LIMIT 1"
        )
        if not rows:
            return Head(0, GENESIS, 0, b"")
        seq, hash_, at_ms, signature = rows[0]
        return Head(seq, hash_, at_ms or 0, signature or b"")

    def last_sent_ms(self) -> int:
        """When the centre last took something, Unix milliseconds; 0: never."""
        return int(self._file.rows("SELECT coalesce(max(sent_at), 0) FROM delivery")[0][0])

    def dead(self, limit: int = 1000) -> list[Dead]:
        """The dead ones, by number."""
        query = (
            "SELECT seq, id, kind, at_unix_ms, attempts, error FROM delivery JOIN record"
            " USING (seq) WHERE state = 'dead' ORDER BY seq LIMIT ?"
        )
        return [Dead(*row) for row in self._file.rows(query, (limit,))]

    def receive(self, receipt: Receipt, sent_at: int) -> int:
        """Take over what the centre says it has, all of it or nothing; how many were news.

        The version must be above that of the last receipt, and the last hash of every range be
        that of this chain: a receipt of another device or another file is refused.
        """
        done = 0
        with self._file.writing("receive") as db:
            _newer_receipt(db, receipt.version)
            for taken in receipt.taken:
                _of_this_chain(db, taken)
                cursor = db.execute(
                    "UPDATE delivery SET state = 'sent', sent_at = ?, error = ''"
                    " WHERE seq BETWEEN ? AND ? AND state <> 'sent'",
                    (sent_at, taken.first, taken.last),
                )
                done += cursor.rowcount
            refused = [(harmless(reason), id_) for id_, reason in receipt.refused]
            db.executemany(_BURY, refused)
        return done

    def _each(self, what: str, statement: str, bound: Iterable[tuple[Any, ...]]) -> int:
        with self._file.writing(what) as db:
            return max(0, db.executemany(statement, bound).rowcount)


@dataclass(frozen=True, slots=True)
class Taken:
    """Records ``first`` to ``last``, by number; ``hash``: of the last, 32 bytes."""

    first: int
    last: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the centre has of a device. ``version``: counts up; ``refused``: ids and reasons."""

    version: int
    taken: tuple[Taken, ...]
    refused: tuple[tuple[str, str], ...] = ()


def harmless(text: str) -> str:
    """``text`` for the record file: one short line without long numbers, which may be persons'."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return _NUMBER.sub("…", line)[:_MAX_ERROR_CHARS]


def _newer_receipt(db: sqlite3.Connection, version: int) -> None:
    last = db.execute("SELECT value FROM store WHERE name = 'receipt'").fetchone()
    if last and version <= int(last[0]):
        raise StoreError(f"receipt {version} is not newer than {last[0]}, the last one taken in")
    db.execute("INSERT OR REPLACE INTO store VALUES ('receipt', ?)", (str(version),))


def _of_this_chain(db: sqlite3.Connection, taken: Taken) -> None:
    found = db.execute("SELECT hash FROM record WHERE seq = ?", (taken.last,)).fetchone()
    if not 1 <= taken.first <= taken.last or found is None or found[0] != taken.hash:
        raise StoreError(f"the receipt's record {taken.last} is not that of this device")


def _leased(db: sqlite3.Connection, one: Claimed, until_ms: int) -> bool:
    """Whether the record was still to be had."""
    statement = (
        "UPDATE delivery SET attempts = ?, next_at_ms = ?"
        " WHERE seq = ? AND state = 'waiting' AND attempts = ?"
    )
    bound = (one.attempts, until_ms, one.link.seq, one.attempts - 1)
    return db.execute(statement, bound).rowcount == 1


def _claimed(row: Sequence[Any], more: int) -> Claimed:
    *values, seq, hash_, prev, attempts = row
    named: dict[str, Any] = dict(zip(FIELDS, values, strict=True))
    named["demo"] = bool(named["demo"])
    return Claimed(Record(**named), Link(seq, prev or GENESIS, hash_), attempts + more)
