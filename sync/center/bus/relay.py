"""Takes a batch in by handing it to the bus: the database is written by somebody else."""

from __future__ import annotations

from collections.abc import Sequence

from yibao_face.sync.center.api import Caller
from yibao_face.sync.center.bus.api import Bus
from yibao_face.sync.center.bus.parcel import Parcel, packed
from yibao_face.sync.center.ingest.batch import Batch
from yibao_face.sync.center.ingest.gaps import Received
from yibao_face.sync.center.ingest.record import Incoming
from yibao_face.sync.center.store.records import DUP, NEW, Records, Taken


class Relay:
    """In place of ``Records`` where requests are answered."""

    def __init__(self, bus: Bus, records: Records) -> None:
        self.bus, self._records = bus, records

    def take(
        self, caller: Caller, batch: Batch, incoming: Sequence[Incoming], now_ms: int
    ) -> Taken:
        """Kept by the bus when this returns, else ``StoreDownError``.

        What the writer will find (conflicts, breaks of the chain) becomes an alarm; the gaps are
        those of what is written, without what came now.
        """
        gaps = self._records.gaps(caller.device)
        parcel = Parcel(caller, now_ms, batch, incoming)
        fresh = self.bus.publish(parcel.id, packed(parcel))
        return Taken(_statuses(incoming, fresh=fresh), _without(gaps, incoming), ())


def _statuses(incoming: Sequence[Incoming], *, fresh: bool) -> list[str]:
    """The same record twice in a batch is new once."""
    seen: set[tuple[str, bytes]] = set()
    statuses: list[str] = []
    for one in incoming:
        key = (one.record.id, one.link.hash)
        statuses.append(NEW if fresh and key not in seen else DUP)
        seen.add(key)
    return statuses


def _without(
    gaps: Sequence[tuple[int, int]], incoming: Sequence[Incoming]
) -> list[tuple[int, int]]:
    if not gaps:
        return []
    top = gaps[-1][1] + 1
    came = (one.link.seq for one in incoming)
    return [*Received(top, tuple(gaps)).plus(seq for seq in came if seq <= top).gaps]
