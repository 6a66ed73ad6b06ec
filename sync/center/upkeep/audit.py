"""Is what the centre has stored what the devices sent? Names the record that was changed (S4-102).

One pass per device in the order of the numbers, in memory that does not grow with the records:
every hash is computed anew, every link compared with the one before, and the end with what the
device has signed. Whoever changes a row can adapt its own hash, not what follows it and is signed.
A record out of which a person was taken by an approved erasure no longer shows what its hash is
over: it is counted, and still has to stand between its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select, type_coerce, union
from sqlalchemy.types import NullType

from yibao_face.sync.api import FIELDS, Link, Record
from yibao_face.sync.center.center import Center
from yibao_face.sync.center.device.key import genuine
from yibao_face.sync.center.ingest.continuity import Chain
from yibao_face.sync.center.office.review.cases import ERASURE
from yibao_face.sync.center.office.store.tables import CASE
from yibao_face.sync.center.store.tables import (
    ALARM,
    CERTIFICATE,
    GAP,
    PROGRESS,
    RECORD,
    RELINK,
)
from yibao_face.sync.chain import (
    GENESIS,
    SHA256,
    SM3,
    ChainError,
    body_of,
    canonical,
    head_statement,
    next_hash,
)

MAX_FINDINGS = 50
_ERASED = re.compile(r"erased-[0-9a-f-]{36}")
_ROWS_AT_ONCE = 500
CHANGED, MISSING, UNLINKED, HEAD, STATE = "changed", "missing", "unlinked", "head", "state"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it came. ``seq``: the record concerned; ``id``: empty without."""

    device: str
    seq: int
    id: str
    what: str
    told: str


@dataclass(slots=True)
class Report:
    """``known``: records that did not fit when they came, which was alarmed then.

    ``signed``: devices whose last head is signed; ``missing``: numbers that have not come yet;
    ``erased``: records out of which a person was taken, as approved.
    """

    devices: int = 0
    records: int = 0
    known: int = 0
    signed: int = 0
    missing: int = 0
    erased: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])

    @property
    def ok(self) -> bool:
        """Whether everything is as it came."""
        return not self.found

    def add(self, finding: Finding) -> None:
        """One more; the first ``MAX_FINDINGS`` are kept."""
        self.found += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)


def audit(center: Center, device: str | None = None) -> Report:
    """Look through all records, or those of one device; the service may go on meanwhile."""
    report = Report()
    with center.database.snapshot() as db:
        erased = _erasures(db)
        for name in [device] if device else _devices(db):
            _Walk(db, name, center.devices.sign_keys(name), report, erased).run()
            report.devices += 1
    return report


def _devices(db: Connection) -> list[str]:
    both = union(select(PROGRESS.c.device), select(CERTIFICATE.c.device))
    return sorted(db.execute(both).scalars())


def _erasures(db: Connection) -> frozenset[str]:
    """What stands in the place of people who were taken out."""
    own = select(CASE.c.id).where(CASE.c.kind == ERASURE, CASE.c.state == "approved")
    return frozenset(f"erased-{id_}" for id_ in db.execute(own).scalars())


@dataclass(frozen=True, slots=True)
class _Row:
    """``named``: erasures that are named in it, whether there were such or not."""

    seq: int
    id: str
    chain: str
    link: Link
    content: bytes | None
    named: frozenset[str]


class _Walk:
    """One device. ``before``: the row of the number before; ``links``: all it is known under."""

    def __init__(
        self,
        db: Connection,
        device: str,
        keys: dict[str, bytes],
        report: Report,
        erased: frozenset[str],
    ) -> None:
        self.erased = erased
        self.db, self.device, self.keys, self.report = db, device, keys, report
        self.before: _Row | None = None
        self.links: tuple[Link, ...] = ()
        self.last = 0

    def run(self) -> None:
        """Everything about the device."""
        self.relinks = self._relinks()
        self.progress = self._one(PROGRESS)
        self.alarmed = self._alarmed()
        self.head_links: tuple[Link, ...] = ()
        for row in self._rows():
            self.report.records += 1
            self._row(row)
        self._end()

    def _rows(self) -> Iterator[_Row]:
        # As they lie there: a value of another type is damage to be found, not to be converted.
        raw = [type_coerce(RECORD.c[n], NullType()) for n in ("prev", "hash", *FIELDS)]
        query = select(RECORD.c.seq, RECORD.c.chain, *raw).where(RECORD.c.device == self.device)
        ordered = query.order_by(RECORD.c.seq, RECORD.c.received_ms)
        for seq, chain, prev, hash_, *values in self.db.execute(
            ordered.execution_options(yield_per=_ROWS_AT_ONCE)
        ):
            named = dict(zip(FIELDS, values, strict=True))
            told = _ERASED.findall(f"{named['person']} {named['detail']}")
            link = Link(seq, prev, hash_)
            content = _content(named, seq)
            yield _Row(seq, str(named["id"]), chain, link, content, frozenset(told))

    def _row(self, row: _Row) -> None:
        links = (row.link, *self.relinks.get((row.seq, row.id), ()))
        if row.named & self.erased:
            self.report.erased += 1
        elif not all(_fits(row.content, link) for link in links):
            self._add(row, CHANGED, f"record {row.seq} or its hash was changed")
        if row.chain == Chain.FORK:
            self._known(row, "chain-fork")
            return
        if self.before and row.seq == self.before.seq:
            self._add(row, STATE, f"there are two records {row.seq}")
            return
        self._missing(self.last + 1, row.seq - 1)
        self._link(row, links)
        self.before, self.links, self.last = row, links, row.seq
        if self.progress and row.seq == self.progress["head_seq"]:
            self.head_links = links

    def _link(self, row: _Row, links: Sequence[Link]) -> None:
        if row.seq == 1:
            known = {GENESIS}
        elif self.before and self.before.seq == row.seq - 1:
            known = {link.hash for link in self.links}
        else:
            return  # what it continues is not here: nothing to compare with
        if any(link.prev in known for link in links):
            return
        if Chain.BROKEN in (row.chain, self.before.chain if self.before else ""):
            self._known(row, "chain-broken")
            return
        if not row.named & self.erased and not _fits(row.content, row.link):
            return  # that this one was changed is told already
        told = self.before or row
        self._add(told, UNLINKED, f"record {told.seq} is not the one that was continued")

    def _missing(self, first: int, last: int) -> None:
        """Numbers without a record: told as holes, or taken out of the table."""
        if first > last:
            return
        own = (GAP.c.device == self.device, GAP.c.first <= last, GAP.c.last >= first)
        gaps = self.db.execute(select(GAP.c.first, GAP.c.last).where(*own)).all()
        awaited = sum(min(b, last) - max(a, first) + 1 for a, b in gaps)
        self.report.missing += awaited
        if awaited < last - first + 1:
            told = f"records {first} to {last} had come and are not all there"
            self.report.add(Finding(self.device, first, "", MISSING, told))

    def _end(self) -> None:
        if self.progress is None:
            if self.last:
                self._told(self.last, STATE, "it is not written down how far the device has come")
            return
        top = self.progress["top"]
        self._missing(self.last + 1, top)
        if self.last > top:
            self._told(self.last, STATE, f"records above {top}, the last one that came")
        if self.last == top > 0 and self.progress["tip_hash"] not in {x.hash for x in self.links}:
            self._told(top, UNLINKED, f"record {top} is not the one that came last")
        self._head()

    def _head(self) -> None:
        """The device's signed word on its chain, as it was believed last."""
        told = self.progress or {}
        if not told["head_signature"]:
            return
        names = ("head_seq", "head_hash", "head_at_ms", "head_algorithm")
        data = head_statement(*(told[name] for name in names))
        if not any(genuine(key, told["head_signature"], data) for key in self.keys.values()):
            self._told(told["head_seq"], HEAD, "the last head is not signed by the device")
            return
        self.report.signed += 1
        if self.head_links and told["head_hash"] not in {link.hash for link in self.head_links}:
            if "head-mismatch" in self.alarmed:
                self.report.known += 1
                return
            seq = told["head_seq"]
            self._told(seq, HEAD, f"records up to {seq} do not lead to what the device has signed")

    def _known(self, row: _Row, kind: str) -> None:
        """It did not fit when it came; without an alarm somebody has only marked it so."""
        if kind in self.alarmed:
            self.report.known += 1
        else:
            self._add(row, STATE, f"record {row.seq} is marked as {kind} and was never alarmed")

    def _add(self, row: _Row, what: str, told: str) -> None:
        self.report.add(Finding(self.device, row.seq, row.id, what, told))

    def _told(self, seq: int, what: str, told: str) -> None:
        self.report.add(Finding(self.device, seq, "", what, told))

    def _one(self, table: Any) -> dict[str, Any] | None:
        found = self.db.execute(select(table).where(table.c.device == self.device)).mappings()
        row = found.first()
        return None if row is None else dict(row)

    def _alarmed(self) -> set[str]:
        own = select(ALARM.c.kind).where(ALARM.c.device == self.device).distinct()
        return {*self.db.execute(own).scalars()}

    def _relinks(self) -> dict[tuple[int, str], tuple[Link, ...]]:
        columns = select(RELINK.c.id, RELINK.c.seq, RELINK.c.prev, RELINK.c.hash)
        found: dict[tuple[int, str], tuple[Link, ...]] = {}
        for id_, *link in self.db.execute(columns.where(RELINK.c.device == self.device)):
            key = (link[0], id_)
            found[key] = (*found.get(key, ()), Link(*link))
        return found


def _content(named: dict[str, Any], seq: int) -> bytes | None:
    """What the hash is over; ``None`` for values no record can hold."""
    try:
        if named["demo"] not in (0, 1):
            return None
        values: dict[str, Any] = {**named, "demo": bool(named["demo"])}
        return canonical(body_of(Record(**values), seq))
    except (TypeError, ValueError, ChainError):
        return None


def _fits(content: bytes | None, link: Link) -> bool:
    prev: Any = link.prev
    if content is None or not isinstance(prev, bytes):
        return False
    # Either hash is out of reach of whoever changes a row; which one is the device's choice.
    return any(next_hash(prev, content, name) == link.hash for name in (SHA256, SM3))
