"""What can still be read of a broken record file goes into a new one; what cannot is told.

The broken file is kept beside, byte for byte. Records keep their numbers; each run of lost ones
becomes a signed gap in the chain, and what comes after it is chained anew. The new file takes the
place of the old one only when it is whole (``migrate.finish_repair``), whenever the program dies.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yibao_face.sync.api import Record, StoreError, values_of
from yibao_face.sync.chain import (
    GENESIS,
    SHA256,
    ChainError,
    body_of,
    canonical,
    gap_content,
    gap_statement,
    head_statement,
    next_hash,
)
from yibao_face.sync.store.file import connect, refuse_in_use
from yibao_face.sync.store.migrate import (
    finish_repair,
    make_tables,
    repaired_path,
    replace_file,
)
from yibao_face.sync.store.schema import (
    INSERT_DELIVERY,
    INSERT_GAP,
    INSERT_HEAD,
    INSERT_RECORD,
    NAMES,
    STATES,
    WAITING,
)
from yibao_face.sync.store.verify import Gap, algorithm_of, gaps_of, opened, record_of, verify

_BY_SEQ = f"SELECT hash, {NAMES} FROM record WHERE seq = ?"  # noqa: S608  # own names
_STATE = "SELECT priority, state, attempts, next_at_ms, error, sent_at FROM delivery WHERE seq = ?"
_HIGHEST = (
    "SELECT max(seq) FROM record",
    "SELECT max(seq) FROM delivery",
    "SELECT max(seq) FROM head",
    "SELECT max(last) FROM gap",
)
_REASON = "unreadable"


@dataclass(frozen=True, slots=True)
class Key:
    """The device's signature, and whether one over some bytes is its own."""

    sign: Callable[[bytes], bytes]
    check: Callable[[bytes, bytes], bool]


@dataclass(frozen=True, slots=True)
class Repaired:
    """``kept``: the broken file. ``lost``: first and last number of every run lost just now.

    ``resent``: records whose delivery state was lost, which the centre gets once more.
    """

    kept: Path
    records: int
    lost: tuple[tuple[int, int], ...]
    resent: int


def repair(path: Path, key: Key, now_ms: int, known_last: int = 0) -> Repaired:
    """Rebuild the file at ``path``, which nobody else may have open; ``StoreError``.

    ``known_last``: highest number known from elsewhere (the centre), for a file that no longer
    tells itself: without it a file of which nothing can be read is left alone.
    """
    try:
        finish_repair(path)
        if not path.is_file():
            raise StoreError(f"{path.name} is not there")
        refuse_in_use(path)
        kept = _keep(path, now_ms)
        part = path.with_name(f"{path.name}.part")
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            told = _salvage(path, part, key, now_ms, known_last)
            report = verify(part, key.check)
            if not report.ok:
                raise StoreError(f"the repaired file is not whole: {report.findings[0].told}")
            refuse_in_use(path)  # a daemon started meanwhile would go on writing to the old one
            replace_file(part, repaired_path(path))
        finally:
            part.unlink(missing_ok=True)
        finish_repair(path)
    except (sqlite3.Error, OSError) as exc:
        raise StoreError(f"{path.name} cannot be repaired: {exc}") from exc
    return Repaired(kept, *told)


def _keep(path: Path, now_ms: int) -> Path:
    """Copies of the file and its log, before anything opens them."""
    kept = path.with_name(f"{path.stem}.broken-{now_ms}{path.suffix}")
    for tail in ("", "-wal"):
        source, to = path.with_name(path.name + tail), kept.with_name(kept.name + tail)
        if source.exists():
            shutil.copyfile(source, to)
            to.chmod(0o600)
    return kept


def _salvage(
    path: Path, part: Path, key: Key, now_ms: int, known_last: int
) -> tuple[int, tuple[tuple[int, int], ...], int]:
    with (
        contextlib.closing(_source(path, known_last)) as old,
        contextlib.closing(connect(part)) as new,
    ):
        last = max(known_last, *(_number(old, query) for query in _HIGHEST))
        if not last and _readable(old) is None:
            raise StoreError(f"nothing of {path.name} can be read, not even how far it went")
        new.execute("BEGIN IMMEDIATE")
        algorithm = _readable(old) or SHA256
        make_tables(new, algorithm)
        writing = _Writing(new, key, now_ms, algorithm, {gap.first: gap for gap in _gaps(old)})
        for seq, found in _found(old, last, algorithm):
            writing.take(seq, *found)
        writing.end(last)
        _copy_rest(old, new)
        new.execute("COMMIT")
    return writing.records, tuple(writing.lost), writing.resent


def _source(path: Path, known_last: int) -> sqlite3.Connection:
    """The broken file, or an empty one where it is none and the caller knows how far it went."""
    try:
        return opened(path)
    except (sqlite3.DatabaseError, StoreError) as exc:
        if known_last:
            return sqlite3.connect(":memory:")
        raise StoreError(f"nothing of {path.name} can be read: {exc}") from exc


def _readable(db: sqlite3.Connection) -> str | None:
    try:
        return algorithm_of(db)
    except (sqlite3.DatabaseError, StoreError):
        return None


def _number(db: sqlite3.Connection, query: str) -> int:
    try:
        return int(db.execute(query).fetchone()[0] or 0)
    except sqlite3.DatabaseError:
        return 0


def _row(db: sqlite3.Connection, query: str, seq: int) -> tuple[Any, ...] | None:
    """One row by its number, or ``None`` also where its page is damaged."""
    try:
        found: tuple[Any, ...] | None = db.execute(query, (seq,)).fetchone()
    except sqlite3.DatabaseError:
        return None
    return found


def _found(
    db: sqlite3.Connection, last: int, algorithm: str
) -> Iterator[tuple[int, tuple[Record, tuple[Any, ...] | None]]]:
    """Records whose content is that of their hash, or cannot be compared; with their states."""
    prev: bytes | None = GENESIS
    gap_ends = {gap.last: gap.hash for gap in _gaps(db)}
    for seq in range(1, last + 1):
        row = _row(db, _BY_SEQ, seq)
        if row is None:
            prev = gap_ends.get(seq)
            continue
        hash_, *values = row
        record = _intact(tuple(values), seq, prev, hash_, algorithm)
        prev = hash_
        if record is not None:
            yield seq, (record, _row(db, _STATE, seq))


def _intact(
    values: tuple[Any, ...], seq: int, prev: bytes | None, hash_: bytes, algorithm: str
) -> Record | None:
    try:
        record = record_of(values)
        content = canonical(body_of(record, seq))
    except (ValueError, ChainError):
        return None
    whole = prev is None or next_hash(prev, content, algorithm) == hash_
    return record if whole else None


def _gaps(db: sqlite3.Connection) -> list[Gap]:
    try:
        return list(gaps_of(db))
    except sqlite3.DatabaseError:
        return []


class _Writing:
    """Chains what is taken into the new file, gaps between; ``known``: gaps told before."""

    def __init__(
        self,
        db: sqlite3.Connection,
        key: Key,
        now_ms: int,
        algorithm: str,
        known: dict[int, Gap],
    ) -> None:
        self.db, self.key, self.now_ms, self.algorithm = db, key, now_ms, algorithm
        self.known = known
        self.prev, self.last, self.records, self.resent = GENESIS, 0, 0, 0
        self.lost: list[tuple[int, int]] = []
        self.ends_in_gap = False

    def take(self, seq: int, record: Record, state: tuple[Any, ...] | None) -> None:
        """The next record, and the gap before it where there is one."""
        self._gap_until(seq - 1)
        hash_ = next_hash(self.prev, canonical(body_of(record, seq)), self.algorithm)
        try:
            self.db.execute(INSERT_RECORD, (seq, *values_of(record), hash_))
        except sqlite3.IntegrityError:
            return  # an id a second time: a damaged row that could not be compared
        told = [str(v, "utf-8", "replace") if isinstance(v, bytes) else v for v in state or ()]
        if not told or told[1] not in STATES:
            told, self.resent = [0, WAITING, 0, 0, "", None], self.resent + 1
        self.db.execute(INSERT_DELIVERY, (seq, *told))
        self.prev, self.last, self.records = hash_, seq, self.records + 1
        self.ends_in_gap = False

    def end(self, last: int) -> None:
        """The gap at the end, and the head over everything."""
        self._gap_until(last)
        if self.records and not self.ends_in_gap:
            data = head_statement(self.last, self.prev, self.now_ms, self.algorithm)
            signature = self.key.sign(data)
            self.db.execute(INSERT_HEAD, (self.last, self.prev, self.now_ms, signature))

    def _gap_until(self, end: int) -> None:
        """Tell of every number up to ``end`` that has no record; old losses as they were told."""
        while self.last < end:
            first = self.last + 1
            known = self.known.get(first)
            if known and first <= known.last <= end:
                self._gap(first, known.last, known.at_ms, known.reason)
            else:
                until = min([f - 1 for f in self.known if first < f <= end], default=end)
                self._gap(first, until, self.now_ms, _REASON)
                self.lost.append((first, until))

    def _gap(self, first: int, last: int, at_ms: int, reason: str) -> None:
        content = gap_content(first, last, at_ms, reason)
        self.prev = next_hash(self.prev, content, self.algorithm)
        signature = self.key.sign(gap_statement(content, self.prev))
        self.db.execute(INSERT_GAP, (first, last, at_ms, reason, self.prev, signature))
        self.last, self.ends_in_gap = last, True


def _copy_rest(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """What is no result: lists of evidence files and the last receipt, as far as they read."""
    for query, insert in (
        (
            "SELECT name, size_bytes, lane, state, record_id, at_ms FROM evidence",
            "INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?, ?)",
        ),
        ("SELECT name, value FROM store", "INSERT OR IGNORE INTO store VALUES (?, ?)"),
    ):
        # The rest of a damaged table is found again by whoever looks for the files.
        with contextlib.suppress(sqlite3.DatabaseError):
            for row in old.execute(query):
                texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in row]
                new.execute(insert, texts)
