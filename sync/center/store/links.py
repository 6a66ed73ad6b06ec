"""Under which links the centre knows a record, and records that come again under another one.

A device whose record file was repaired chains its records anew: the same content, another ``prev``
and ``hash``. Nothing is stored twice then and nothing is a conflict; both links are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from yibao_face.sync.api import FIELDS, Link, Record
from yibao_face.sync.center.api import Caller
from yibao_face.sync.center.ingest.batch import Batch
from yibao_face.sync.center.ingest.continuity import Chain, standing
from yibao_face.sync.center.ingest.gaps import Received
from yibao_face.sync.center.ingest.record import Incoming
from yibao_face.sync.center.store.dialect import insert_new
from yibao_face.sync.center.store.tables import RECORD, RELINK

RENEWED = "chain-renewed"


@dataclass(frozen=True, slots=True)
class Turn:
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
        """Records of the calling device."""
        return RECORD.c.device == self.caller.device


class Held(NamedTuple):
    """Whose record is stored under an id, and its hash."""

    device: str
    hash: bytes


def links_at(turn: Turn, seqs: Iterable[int]) -> dict[int, tuple[Link, ...]]:
    """The links of stored records by number, as they came first."""
    wanted = sorted(seqs)
    if not wanted:
        return {}
    columns = select(RECORD.c.seq, RECORD.c.prev, RECORD.c.hash)
    # Of a fork the record that came first.
    own = columns.where(turn.of_device(), RECORD.c.seq.in_(wanted), RECORD.c.chain != Chain.FORK)
    anew = select(RELINK.c.seq, RELINK.c.prev, RELINK.c.hash).where(
        RELINK.c.device == turn.caller.device, RELINK.c.seq.in_(wanted)
    )
    found: dict[int, tuple[Link, ...]] = {}
    for query in (own, anew):
        for link in (Link(*row) for row in turn.db.execute(query)):
            found[link.seq] = (*found.get(link.seq, ()), link)
    return found


def held_under(turn: Turn, incoming: Sequence[Incoming]) -> dict[str, Held]:
    """What is stored under the ids of these."""
    if not incoming:
        return {}
    columns = select(RECORD.c.id, RECORD.c.device, RECORD.c.hash)
    found = turn.db.execute(columns.where(*_ids_of(incoming)))
    return {id_: Held(device, hash_) for id_, device, hash_ in found}


def renewed(
    turn: Turn, received: Received, incoming: Sequence[Incoming]
) -> tuple[list[Incoming], list[tuple[str, str]]]:
    """Those that are stored with the same content under another link, which is kept from now on.

    And the alarm that tells of it, once per start of the machine.
    """
    known = [one for one in incoming if received.holds(one.link.seq)]
    held = held_under(turn, known)
    other = [
        one
        for one in known
        if (found := held.get(one.record.id))
        and found.device == turn.caller.device
        and found.hash != one.link.hash
    ]
    again = _of_same_content(turn, other)
    fresh = _keep(turn, [one for one, forked in again if not forked])
    if fresh:
        _heal(turn, fresh)
    return [one for one, _ in again], [(RENEWED, turn.batch.boot_id)] if fresh else []


def _of_same_content(turn: Turn, other: Sequence[Incoming]) -> list[tuple[Incoming, bool]]:
    """Those whose number and every field are the stored ones, and whether that is a fork.

    Compared when it is needed, with the row as it is now: no digest of what a row once held.
    """
    if not other:
        return []
    columns = [RECORD.c[name] for name in FIELDS]
    query = select(RECORD.c.seq, RECORD.c.chain, *columns).where(*_ids_of(other))
    stored = {
        record.id: (record, seq, chain == Chain.FORK)
        for seq, chain, *values in turn.db.execute(query)
        for record in (Record(*values),)
    }
    return [
        (one, stored[one.record.id][2])
        for one in other
        if stored[one.record.id][:2] == (one.record, one.link.seq)
    ]


def _keep(turn: Turn, again: Sequence[Incoming]) -> set[int]:
    """Keep the links that were not known; the numbers of those."""
    rows = {
        one.link.hash: {
            "device": turn.caller.device,
            "seq": one.link.seq,
            "hash": one.link.hash,
            "prev": one.link.prev,
            "id": one.record.id,
            "received_ms": turn.now_ms,
        }
        for one in again
    }
    fresh = insert_new(turn.db, RELINK, [*rows.values()], "hash")
    return {one.link.seq for one in again if one.link.hash in fresh}


def _heal(turn: Turn, fresh: set[int]) -> None:
    """Records that seemed broken because the link they fit was not known yet."""
    near = {seq + step for seq in fresh for step in (-1, 0, 1)}
    links = links_at(turn, {seq + step for seq in near for step in (-1, 0, 1)})
    verdicts = {
        seq: standing(links[seq], links.get(seq - 1, ()), links.get(seq + 1, ()))
        for seq in near & links.keys()
    }
    # Open: what it continues is not here yet, and settles it when it comes.
    for better in (Chain.WHOLE, Chain.OPEN):
        seqs = sorted(seq for seq, verdict in verdicts.items() if verdict is better)
        its = (turn.of_device(), RECORD.c.seq.in_(seqs), RECORD.c.chain == Chain.BROKEN)
        turn.db.execute(update(RECORD).where(*its).values(chain=better.value))


def _ids_of(incoming: Sequence[Incoming]) -> tuple[Any, Any]:
    parts = sorted({one.part for one in incoming})
    return RECORD.c.part.in_(parts), RECORD.c.id.in_([one.record.id for one in incoming])
