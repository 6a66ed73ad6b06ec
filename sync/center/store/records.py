"""Takes a batch in: one transaction, one verdict per record, the same whenever it is repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy import and_ as both

from yibao_face.sync.api import FIELDS, Link, values_of
from yibao_face.sync.center.api import Caller, Limits
from yibao_face.sync.center.ingest.batch import Batch
from yibao_face.sync.center.ingest.continuity import Chain, judge, neighbours
from yibao_face.sync.center.ingest.gaps import Received
from yibao_face.sync.center.ingest.record import Incoming, day_of_ms
from yibao_face.sync.center.store.database import Database, raise_alarm
from yibao_face.sync.center.store.dialect import insert_new
from yibao_face.sync.center.store.marks import day_text, mark
from yibao_face.sync.center.store.tables import CONFLICT, GAP, PROGRESS, RECORD
from yibao_face.sync.chain import GENESIS, body_of, canonical

NEW, DUP, CONFLICTING = "new", "dup", "conflict"
_ALARMED = {Chain.BROKEN: "chain-broken", Chain.FORK: "chain-fork"}


@dataclass(frozen=True, slots=True)
class Taken:
    """``statuses``: one per record. ``gaps``: missing numbers below the highest one received.

    ``alarms``: kinds raised by this batch, for the log.
    """

    statuses: list[str]
    gaps: list[tuple[int, int]]
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is fixed while one batch is taken in."""

    db: Connection
    caller: Caller
    batch: Batch
    now_ms: int

    @property
    def offset_ms(self) -> int:
        """How far the centre's clock is ahead of the device's, plus the way here."""
        return self.now_ms - self.batch.sent_ms

    def of_device(self) -> Any:
        return RECORD.c.device == self.caller.device


class Records:
    """Of all devices."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database, self._limits = database, limits

    def take(
        self, caller: Caller, batch: Batch, incoming: Sequence[Incoming], now_ms: int
    ) -> Taken:
        """Store what is new; committed when this returns, else ``StoreDownError`` and nothing."""
        self._database.ready_for({one.part for one in incoming}, day_of_ms(now_ms))
        with self._database.writing() as db:
            turn = _Turn(db, caller, batch, now_ms)
            progress = _locked_progress(turn)
            received = _received(turn, progress["top"], incoming)
            alarms = _clock_alarm(turn, self._limits.skew_ms)
            alarms += _head_alarm(turn, progress, incoming)
            verdicts = _verdicts(turn, progress, received, incoming)
            statuses = _store(turn, incoming, verdicts)
            alarms += _told(turn, incoming, verdicts, statuses)
            new = [one for one, status in zip(incoming, statuses, strict=True) if status == NEW]
            _advance(turn, progress, received, new)
            mark(db, ((o.record.institution, day_text(o.record.at_unix_ms)) for o in new), now_ms)
            for kind, subject in alarms:
                raise_alarm(db, caller.device, kind, subject, now_ms)
            gaps = _gaps(turn, self._limits.gaps_told)
        return Taken(statuses, gaps, tuple(sorted({kind for kind, _ in alarms})))


def _locked_progress(turn: _Turn) -> dict[str, Any]:
    """The device's row, held until the end: batches of one device are taken one by one."""
    fresh = {
        "device": turn.caller.device,
        "boot_id": turn.batch.boot_id,
        "seen_ms": turn.now_ms,
        "offset_ms": turn.offset_ms,
        "top": 0,
        "tip_hash": GENESIS,
        "head_seq": 0,
        "head_hash": GENESIS,
    }
    own = select(PROGRESS).where(PROGRESS.c.device == turn.caller.device).with_for_update()
    found = turn.db.execute(own).mappings().first()
    if found is None:
        insert_new(turn.db, PROGRESS, [fresh], "device")
        found = turn.db.execute(own).mappings().one()
    return dict(found)


def _received(turn: _Turn, top: int, incoming: Sequence[Incoming]) -> Received:
    """Which numbers in reach of this batch are here."""
    if not incoming:
        return Received(top)
    seqs = [one.link.seq for one in incoming]
    near = both(GAP.c.last >= min(seqs) - 1, GAP.c.first <= max(seqs) + 1)
    own = select(GAP.c.first, GAP.c.last).where(GAP.c.device == turn.caller.device, near)
    found = turn.db.execute(own.order_by(GAP.c.first)).all()
    return Received(top, tuple((first, last) for first, last in found))


def _verdicts(
    turn: _Turn, progress: dict[str, Any], received: Received, incoming: Sequence[Incoming]
) -> list[Chain]:
    links = [one.link for one in incoming]
    tip = Link(progress["top"], b"", progress["tip_hash"])
    wanted = neighbours(links, received)
    if all(link.seq != tip.seq - 1 for link in links):
        # The usual case needs no look into the table: what continues the tip needs its hash only.
        wanted.discard(tip.seq)
    stored = {tip.seq: tip, **_links(turn, wanted)}
    return judge(links, received, stored.get)


def _links(turn: _Turn, seqs: set[int]) -> dict[int, Link]:
    if not seqs:
        return {}
    columns = select(RECORD.c.seq, RECORD.c.prev, RECORD.c.hash)
    # Of a fork the record that came first.
    own = columns.where(turn.of_device(), RECORD.c.seq.in_(seqs), RECORD.c.chain != Chain.FORK)
    return {seq: Link(seq, prev, hash_) for seq, prev, hash_ in turn.db.execute(own)}


def _store(turn: _Turn, incoming: Sequence[Incoming], verdicts: Sequence[Chain]) -> list[str]:
    rows = {
        one.record.id: _row(turn, one, verdict)
        for one, verdict in reversed([*zip(incoming, verdicts, strict=True)])
    }
    free = insert_new(turn.db, RECORD, [*rows.values()], "id")
    held = {
        **_held(turn, [row for row in rows.values() if row["id"] not in free]),
        **{id_: (turn.caller.device, rows[id_]["hash"]) for id_ in free},
    }
    statuses: list[str] = []
    for one in incoming:
        id_ = one.record.id
        if held[id_] != (turn.caller.device, one.link.hash):
            statuses.append(CONFLICTING)
        else:
            statuses.append(NEW if id_ in free else DUP)
            free.discard(id_)
    _keep(turn, [o for o, s in zip(incoming, statuses, strict=True) if s == CONFLICTING])
    return statuses


def _held(turn: _Turn, rows: list[dict[str, Any]]) -> dict[str, tuple[str, bytes]]:
    """Device and hash of the records that are stored under these ids."""
    if not rows:
        return {}
    mine = RECORD.c.id.in_([row["id"] for row in rows])
    days = RECORD.c.part.in_(sorted({row["part"] for row in rows}))
    found = turn.db.execute(select(RECORD.c.id, RECORD.c.device, RECORD.c.hash).where(days, mine))
    return {id_: (device, hash_) for id_, device, hash_ in found}


def _keep(turn: _Turn, conflicting: list[Incoming]) -> None:
    rows = {
        (one.record.id, one.link.hash): {
            "id": one.record.id,
            "hash": one.link.hash,
            "device": turn.caller.device,
            "seq": one.link.seq,
            "body": canonical(body_of(one.record, one.link.seq)).decode(),
            "received_ms": turn.now_ms,
        }
        for one in conflicting
    }
    insert_new(turn.db, CONFLICT, [*rows.values()], "id")


def _row(turn: _Turn, one: Incoming, verdict: Chain) -> dict[str, Any]:
    row = dict(zip(FIELDS, values_of(one.record), strict=True))
    row.update(
        part=one.part,
        device=turn.caller.device,
        seq=one.link.seq,
        prev=one.link.prev,
        hash=one.link.hash,
        schema_no=turn.batch.schema,
        ext=one.ext,
        chain=verdict.value,
        boot_id=turn.batch.boot_id,
        received_ms=turn.now_ms,
        offset_ms=turn.offset_ms,
    )
    return row


def _told(
    turn: _Turn, incoming: Sequence[Incoming], verdicts: Sequence[Chain], statuses: list[str]
) -> list[tuple[str, str]]:
    """Alarms for what was kept though it does not fit: the first of each kind in this batch."""
    found: dict[str, str] = {}
    for one, verdict, status in zip(incoming, verdicts, statuses, strict=True):
        if status == CONFLICTING:
            found.setdefault("conflict", one.record.id)
        elif status == NEW and verdict in _ALARMED:
            found.setdefault(_ALARMED[verdict], str(one.link.seq))
    return [*found.items()]


def _advance(
    turn: _Turn, progress: dict[str, Any], received: Received, new: list[Incoming]
) -> None:
    """Write down how far the device has come, and settle what waited for these records."""
    came = [one for one in new if not received.holds(one.link.seq)]
    after = received.plus(one.link.seq for one in came)
    tip = next((o.link.hash for o in came if o.link.seq == after.top), progress["tip_hash"])
    values = {
        "boot_id": turn.batch.boot_id,
        "seen_ms": turn.now_ms,
        "offset_ms": turn.offset_ms,
        "top": after.top,
        "tip_hash": tip,
    }
    if turn.batch.head_seq >= progress["head_seq"]:
        values |= {"head_seq": turn.batch.head_seq, "head_hash": turn.batch.head_hash}
    own = PROGRESS.c.device == turn.caller.device
    turn.db.execute(update(PROGRESS).where(own).values(**values))
    _rewrite_gaps(turn, received, after)
    _settle(turn, received, came)


def _rewrite_gaps(turn: _Turn, before: Received, after: Received) -> None:
    gone, made = {*before.gaps} - {*after.gaps}, {*after.gaps} - {*before.gaps}
    if gone:
        firsts = [first for first, _ in gone]
        own = GAP.c.device == turn.caller.device
        turn.db.execute(delete(GAP).where(own, GAP.c.first.in_(firsts)))
    if made:
        device = turn.caller.device
        rows = [{"device": device, "first": first, "last": last} for first, last in sorted(made)]
        turn.db.execute(insert(GAP), rows)


def _settle(turn: _Turn, received: Received, came: list[Incoming]) -> None:
    """Records that were stored before the one they continue: whole now, or found broken."""
    hashes = {one.link.seq + 1: one.link.hash for one in came}
    waiting = _links(turn, {seq for seq in hashes if received.holds(seq)})
    for seq, link in waiting.items():
        verdict = Chain.WHOLE if link.prev == hashes[seq] else Chain.BROKEN
        its = (turn.of_device(), RECORD.c.seq == seq, RECORD.c.chain == Chain.OPEN)
        turn.db.execute(update(RECORD).where(*its).values(chain=verdict.value))


def _gaps(turn: _Turn, most: int) -> list[tuple[int, int]]:
    own = select(GAP.c.first, GAP.c.last).where(GAP.c.device == turn.caller.device)
    found = turn.db.execute(own.order_by(GAP.c.first).limit(most)).all()
    return [(first, last) for first, last in found]


def _clock_alarm(turn: _Turn, skew_ms: int) -> list[tuple[str, str]]:
    skewed = abs(turn.offset_ms) > skew_ms
    return [("clock-skew", turn.batch.boot_id)] if skewed else []


def _head_alarm(
    turn: _Turn, progress: dict[str, Any], incoming: Sequence[Incoming]
) -> list[tuple[str, str]]:
    """The device's own word on its last record, against what came and what is stored."""
    seq = turn.batch.head_seq
    known = {0: GENESIS, progress["head_seq"]: progress["head_hash"]}
    known[progress["top"]] = progress["tip_hash"]
    known |= {one.link.seq: one.link.hash for one in incoming}
    sent = max((one.link.seq for one in incoming), default=0)
    fits = known.get(seq, turn.batch.head_hash) == turn.batch.head_hash and sent <= seq
    return [] if fits else [("head-mismatch", str(seq))]
