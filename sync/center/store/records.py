"""Takes a batch in: one transaction, one verdict per record, the same whenever it is repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy import and_ as both

from yibao_face.sync.api import FIELDS, Link, values_of
from yibao_face.sync.center.api import Caller, Limits
from yibao_face.sync.center.ingest.batch import Batch
from yibao_face.sync.center.ingest.continuity import Chain, judge, neighbours
from yibao_face.sync.center.ingest.gaps import Received
from yibao_face.sync.center.ingest.head import BELIEVED, Word, word_of
from yibao_face.sync.center.ingest.record import Incoming, day_of_ms
from yibao_face.sync.center.store.database import Database, raise_alarm
from yibao_face.sync.center.store.devices import sign_key
from yibao_face.sync.center.store.dialect import insert_new
from yibao_face.sync.center.store.links import Held, Turn, held_under, links_at, renewed
from yibao_face.sync.center.store.marks import day_text, mark
from yibao_face.sync.center.store.tables import CONFLICT, GAP, PROGRESS, RECORD
from yibao_face.sync.chain import GENESIS, SHA256, body_of, canonical

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
            turn = Turn(db, caller, batch, now_ms)
            progress = _locked_progress(turn)
            received = _received(turn, progress["top"], incoming)
            again, alarms = renewed(turn, received, incoming)
            progress |= _new_tip(progress, again)
            word, told = _head_alarms(turn, progress, incoming)
            alarms += told + _clock_alarm(turn, self._limits.skew_ms)
            verdicts = _verdicts(turn, progress, received, incoming)
            statuses = _store(turn, incoming, verdicts, again)
            alarms += _told(turn, incoming, verdicts, statuses)
            new = [one for one, status in zip(incoming, statuses, strict=True) if status == NEW]
            _advance(turn, progress, received, new, believed=word in BELIEVED)
            mark(db, ((o.record.institution, day_text(o.record.at_unix_ms)) for o in new), now_ms)
            for kind, subject in alarms:
                raise_alarm(db, caller.device, kind, subject, now_ms)
            gaps = _gaps(db, caller.device, self._limits.gaps_told)
        return Taken(statuses, gaps, tuple(sorted({kind for kind, _ in alarms})))

    def gaps(self, device: str) -> list[tuple[int, int]]:
        """Missing numbers below the highest one written, as many as an answer tells."""
        with self._database.reading() as db:
            return _gaps(db, device, self._limits.gaps_told)


def _locked_progress(turn: Turn) -> dict[str, Any]:
    """The device's row, held until the end: batches of one device are taken one by one."""
    fresh = {
        "device": turn.caller.device,
        "boot_id": "",
        "seen_ms": 0,
        "offset_ms": 0,
        "top": 0,
        "tip_hash": GENESIS,
        "head_seq": 0,
        "head_hash": GENESIS,
        "head_at_ms": 0,
        "head_signature": "",
        "head_algorithm": SHA256,
    }
    own = select(PROGRESS).where(PROGRESS.c.device == turn.caller.device).with_for_update()
    found = turn.db.execute(own).mappings().first()
    if found is None:
        insert_new(turn.db, PROGRESS, [fresh], "device")
        found = turn.db.execute(own).mappings().one()
    return dict(found)


def _received(turn: Turn, top: int, incoming: Sequence[Incoming]) -> Received:
    """Which numbers in reach of this batch are here."""
    if not incoming:
        return Received(top)
    seqs = [one.link.seq for one in incoming]
    near = both(GAP.c.last >= min(seqs) - 1, GAP.c.first <= max(seqs) + 1)
    own = select(GAP.c.first, GAP.c.last).where(GAP.c.device == turn.caller.device, near)
    found = turn.db.execute(own.order_by(GAP.c.first)).all()
    return Received(top, tuple((first, last) for first, last in found))


def _verdicts(
    turn: Turn, progress: dict[str, Any], received: Received, incoming: Sequence[Incoming]
) -> list[Chain]:
    links = [one.link for one in incoming]
    tip = Link(progress["top"], b"", progress["tip_hash"])
    wanted = neighbours(links, received)
    if not any(_asks_more(link, tip) for link in links):
        # The usual case needs no look into the table: what continues the tip needs its hash only.
        wanted.discard(tip.seq)
    stored = {tip.seq: (tip,), **links_at(turn, wanted)}
    return judge(links, received, lambda seq: stored.get(seq, ()))


def _asks_more(link: Link, tip: Link) -> bool:
    """Whether the verdict on ``link`` takes more of the tip than the hash it has now."""
    return link.seq == tip.seq - 1 or (link.seq == tip.seq + 1 and link.prev != tip.hash)


def _store(
    turn: Turn,
    incoming: Sequence[Incoming],
    verdicts: Sequence[Chain],
    again: Sequence[Incoming],
) -> list[str]:
    rows = {
        one.record.id: _row(turn, one, verdict)
        for one, verdict in reversed([*zip(incoming, verdicts, strict=True)])
    }
    free = insert_new(turn.db, RECORD, [*rows.values()], "id")
    held = {
        **held_under(turn, [one for one in incoming if one.record.id not in free]),
        **{id_: Held(turn.caller.device, rows[id_]["hash"]) for id_ in free},
    }
    same = {(one.record.id, one.link.hash) for one in again}
    statuses: list[str] = []
    for one in incoming:
        id_, own = one.record.id, Held(turn.caller.device, one.link.hash)
        if held[id_] != own and (id_, own.hash) not in same:
            statuses.append(CONFLICTING)
        else:
            statuses.append(NEW if id_ in free else DUP)
            free.discard(id_)
    _keep(turn, [o for o, s in zip(incoming, statuses, strict=True) if s == CONFLICTING])
    return statuses


def _keep(turn: Turn, conflicting: list[Incoming]) -> None:
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


def _row(turn: Turn, one: Incoming, verdict: Chain) -> dict[str, Any]:
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
    turn: Turn, incoming: Sequence[Incoming], verdicts: Sequence[Chain], statuses: list[str]
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
    turn: Turn,
    progress: dict[str, Any],
    received: Received,
    new: list[Incoming],
    *,
    believed: bool,
) -> None:
    """Write down how far the device has come, and settle what waited for these records."""
    came = [one for one in new if not received.holds(one.link.seq)]
    after = received.plus(one.link.seq for one in came)
    tip = next((o.link.hash for o in came if o.link.seq == after.top), progress["tip_hash"])
    head = turn.batch.head
    values: dict[str, Any] = {"top": after.top, "tip_hash": tip}
    # Handed out again by a bus, an older batch comes after a newer one.
    if head and turn.now_ms >= progress["seen_ms"]:
        values |= _sign_of_life(turn)
    if head and believed and head.seq >= progress["head_seq"]:
        values |= {f"head_{name}": value for name, value in asdict(head).items()}
    own = PROGRESS.c.device == turn.caller.device
    turn.db.execute(update(PROGRESS).where(own).values(**values))
    _rewrite_gaps(turn, received, after)
    _settle(turn, received, came)


def _sign_of_life(turn: Turn) -> dict[str, Any]:
    """A stick is none: it was written some day and carried here."""
    return {
        "boot_id": turn.batch.boot_id,
        "seen_ms": turn.now_ms,
        "offset_ms": turn.offset_ms,
    }


def _rewrite_gaps(turn: Turn, before: Received, after: Received) -> None:
    gone, made = {*before.gaps} - {*after.gaps}, {*after.gaps} - {*before.gaps}
    if gone:
        firsts = [first for first, _ in gone]
        own = GAP.c.device == turn.caller.device
        turn.db.execute(delete(GAP).where(own, GAP.c.first.in_(firsts)))
    if made:
        device = turn.caller.device
        rows = [{"device": device, "first": first, "last": last} for first, last in sorted(made)]
        turn.db.execute(insert(GAP), rows)


def _settle(turn: Turn, received: Received, came: list[Incoming]) -> None:
    """Records that were stored before the one they continue: whole now, or found broken."""
    hashes = {one.link.seq + 1: one.link.hash for one in came}
    waiting = links_at(turn, {seq for seq in hashes if received.holds(seq)})
    for seq, links in waiting.items():
        fits = any(link.prev == hashes[seq] for link in links)
        verdict = Chain.WHOLE if fits else Chain.BROKEN
        its = (turn.of_device(), RECORD.c.seq == seq, RECORD.c.chain == Chain.OPEN)
        turn.db.execute(update(RECORD).where(*its).values(chain=verdict.value))


def _gaps(db: Connection, device: str, most: int) -> list[tuple[int, int]]:
    own = select(GAP.c.first, GAP.c.last).where(GAP.c.device == device)
    found = db.execute(own.order_by(GAP.c.first).limit(most)).all()
    return [(first, last) for first, last in found]


def _clock_alarm(turn: Turn, skew_ms: int) -> list[tuple[str, str]]:
    skewed = abs(turn.offset_ms) > skew_ms
    return [("clock-skew", turn.batch.boot_id)] if skewed else []


def _head_alarms(
    turn: Turn, progress: dict[str, Any], incoming: Sequence[Incoming]
) -> tuple[Word, list[tuple[str, str]]]:
    """The device's own word on its last record, against what came and what is stored.

    What is not believed says nothing about the chain, neither good nor bad.
    """
    head = turn.batch.head
    if head is None:
        return Word.SILENT, []
    word = word_of(head, sign_key(turn.db, turn.caller.device))
    if word in (Word.UNSIGNED, Word.FORGED):
        return word, [(word.value, turn.batch.boot_id)]
    known = {0: GENESIS, progress["head_seq"]: progress["head_hash"]}
    known[progress["top"]] = progress["tip_hash"]
    known |= {one.link.seq: one.link.hash for one in incoming}
    sent = max((one.link.seq for one in incoming), default=0)
    fits = known.get(head.seq, head.hash) == head.hash and sent <= head.seq
    return word, [] if fits else [("head-mismatch", str(head.seq))]


def _new_tip(progress: dict[str, Any], again: Sequence[Incoming]) -> dict[str, Any]:
    """A tip that is chained anew: what comes next continues that."""
    found = [one.link.hash for one in again if one.link.seq == progress["top"]]
    return {"tip_hash": found[-1]} if found else {}
