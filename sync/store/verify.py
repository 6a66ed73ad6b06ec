"""Is the record file what the device wrote? Finds and locates what was changed, taken out or cut.

One pass over the file in the order of the numbers, in memory that does not grow with it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from yibao_face.sync.api import FIELDS, Record, StoreError
from yibao_face.sync.chain import (
    GENESIS,
    ChainError,
    body_of,
    canonical,
    gap_content,
    gap_statement,
    head_statement,
    next_hash,
)
from yibao_face.sync.store.file import connect
from yibao_face.sync.store.migrate import schema_of
from yibao_face.sync.store.schema import BLOB, INTEGERS, NAMES, VERSION

MAX_FINDINGS = 20
# Signature and signed bytes → whether it is the device's.
Check: TypeAlias = Callable[[bytes, bytes], bool]

FILE, CHANGED, MISSING, HEAD, CUT, GAP, STATE = (
    *("file", "changed", "missing", "head", "cut", "gap", "state"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as written. ``seq``: the first record concerned; 0: the file."""

    seq: int
    what: str
    told: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Records ``first`` to ``last`` were lost; a repair found and signed that."""

    first: int
    last: int
    at_ms: int
    reason: str
    hash: bytes
    signature: bytes


@dataclass(slots=True)
class Report:
    """``last``: the highest number; ``signed``: the highest one a signed head covers."""

    records: int = 0
    last: int = 0
    signed: int = 0
    gaps: list[Gap] = field(default_factory=list[Gap])
    findings: list[Finding] = field(default_factory=list[Finding])

    @property
    def ok(self) -> bool:
        """Whether everything is as it was written, told losses aside."""
        return not self.findings

    def add(self, seq: int, what: str, told: str) -> None:
        """One finding more, up to ``MAX_FINDINGS``."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(seq, what, told))


def verify(path: Path, check: Check) -> Report:
    """Look through the whole file; ``StoreError`` when it is not there or of another schema.

    ``check``: verifies heads and gaps. Findings are in the order of the numbers.
    """
    report = Report()
    try:
        with contextlib.closing(opened(path)) as db:
            db.execute("BEGIN")
            _Walk(db, check, report).run()
    except sqlite3.DatabaseError as exc:
        report.add(report.last + 1, FILE, f"unreadable after record {report.last}: {exc}")
    return report


def opened(path: Path) -> sqlite3.Connection:
    """A reader that takes texts as bytes, so that no damage is decoded away."""
    if not path.is_file():
        raise StoreError(f"{path.name} is not there")
    db = connect(path, create=False)
    db.text_factory = bytes
    try:
        version = schema_of(db)
        db.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        db.close()
        raise
    if version != VERSION:
        db.close()
        raise StoreError(f"{path.name} has schema {version}, not {VERSION}")
    return db


def record_of(values: tuple[Any, ...]) -> Record:
    """A row of ``record``, texts as bytes, or ``ValueError`` when it cannot have been written."""
    named: dict[str, Any] = {}
    for name, value in zip(FIELDS, values, strict=True):
        wanted = int if name in INTEGERS else bytes
        if not isinstance(value, wanted):
            raise ValueError(f"{name} is of another type")  # noqa: TRY004  # damage, no slip
        named[name] = value if name in INTEGERS or name == BLOB else bytes(value).decode()
    if named["demo"] not in (0, 1):
        raise ValueError("demo is neither yes nor no")
    named["demo"] = bool(named["demo"])
    return Record(**named)


def gaps_of(db: sqlite3.Connection) -> Iterator[Gap]:
    """The declared losses, by number; texts as bytes or str."""
    for first, last, at_ms, reason, hash_, signature in db.execute(
        "SELECT first, last, at_ms, reason, hash, signature FROM gap ORDER BY first"
    ):
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        yield Gap(first, last, at_ms, told, hash_, signature)


def algorithm_of(db: sqlite3.Connection) -> str:
    """Hash of the chain; ``StoreError`` when the file does not say."""
    found = db.execute("SELECT value FROM store WHERE name = 'algorithm'").fetchone()
    if found is None:
        raise StoreError("the file does not say how its chain is made")
    name = found[0]
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


class _Walk:
    """One pass; ``prev`` is the stored hash of the last link, ``None`` where it is unknown."""

    def __init__(self, db: sqlite3.Connection, check: Check, report: Report) -> None:
        self.db, self.check, self.report = db, check, report
        self.prev: bytes | None = GENESIS
        self.expected = 1

    def run(self) -> None:
        """Everything, cheapest to explain first."""
        self._whole()
        self.algorithm = algorithm_of(self.db)
        self.gaps = {gap.first: gap for gap in gaps_of(self.db)}
        rows = self.db.execute("SELECT seq, hash, at_ms, signature FROM head ORDER BY seq")
        self.heads = {row[0]: row[1:] for row in rows}
        query = f"SELECT seq, hash, {NAMES} FROM record ORDER BY seq"  # noqa: S608  # own names
        for seq, hash_, *values in self.db.execute(query):
            self._record(seq, hash_, tuple(values))
        self._pass_gaps()
        self._after_end()
        self._states()

    def _whole(self) -> None:
        told = [
            str(row[0], "utf-8", "replace") for row in self.db.execute("PRAGMA integrity_check(5)")
        ]
        for line in told:
            if line != "ok":
                # Its first line is a title where there is more than one.
                self.report.add(0, FILE, line.splitlines()[-1] if line else "damaged")

    def _record(self, seq: int, hash_: bytes, values: tuple[Any, ...]) -> None:
        self._pass_gaps()
        if seq < self.expected:
            self.report.add(self.expected, FILE, f"unreadable after record {self.expected - 1}")
            return
        if seq != self.expected:
            self.report.add(self.expected, MISSING, f"record {self.expected} is missing")
            self.prev = None
        if not self._fits(seq, hash_, values):
            self.report.add(seq, CHANGED, f"record {seq} or its hash was changed")
        self._head(seq, hash_)
        self.prev, self.expected = hash_, seq + 1
        self.report.records, self.report.last = self.report.records + 1, seq

    def _fits(self, seq: int, hash_: bytes, values: tuple[Any, ...]) -> bool:
        if self.prev is None:
            return True  # what it was chained to is missing, and that is told
        try:
            content = canonical(body_of(record_of(values), seq))
        except (ValueError, ChainError):
            return False
        return next_hash(self.prev, content, self.algorithm) == hash_

    def _head(self, seq: int, hash_: bytes) -> None:
        head = self.heads.pop(seq, None)
        if head is None:
            return
        signed, at_ms, signature = head
        if signed != hash_:
            self.report.add(seq, HEAD, f"record {seq} is not the one that was signed")
        elif not self.check(signature, head_statement(seq, hash_, at_ms, self.algorithm)):
            self.report.add(seq, HEAD, f"the signature at record {seq} is not this device's")
        else:
            self.report.signed = seq

    def _pass_gaps(self) -> None:
        while gap := self.gaps.pop(self.expected, None):
            self._gap(gap)
            self.prev, self.expected = gap.hash, gap.last + 1
            self.report.last = gap.last
            self.report.gaps.append(gap)

    def _gap(self, gap: Gap) -> None:
        content = gap_content(gap.first, gap.last, gap.at_ms, gap.reason)
        fits = self.prev is None or next_hash(self.prev, content, self.algorithm) == gap.hash
        if not fits or not self.check(gap.signature, gap_statement(content, gap.hash)):
            self.report.add(gap.first, GAP, f"the loss from record {gap.first} on is not signed")

    def _after_end(self) -> None:
        """What heads and gaps know of that is not there."""
        above = max([s for s in self.heads if s > self.report.last], default=0)
        if above:
            lost = f"records {self.report.last + 1} to {above} were cut off"
            self.report.add(self.report.last + 1, CUT, lost)
        for seq in sorted(s for s in self.heads if s <= self.report.last):
            self.report.add(seq, HEAD, f"record {seq} was signed and is not there")
        for first in sorted(self.gaps):
            self.report.add(first, GAP, f"a loss from record {first} on is told, but not in place")

    def _states(self) -> None:
        query = (
            "SELECT record.seq FROM record LEFT JOIN delivery USING (seq)"
            " WHERE delivery.seq IS NULL UNION ALL SELECT delivery.seq FROM delivery"
            " LEFT JOIN record USING (seq) WHERE record.seq IS NULL ORDER BY 1 LIMIT 1"
        )
        for (seq,) in self.db.execute(query):
            self.report.add(seq, STATE, f"record {seq} and its delivery state are not both there")
