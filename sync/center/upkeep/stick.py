"""Records that came on a USB stick: the same way in as over the network, and a receipt back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from yibao_face.sync.api import Link, Record
from yibao_face.sync.center.api import Caller, CenterError, RefusedError
from yibao_face.sync.center.center import Center
from yibao_face.sync.center.device.key import verified
from yibao_face.sync.center.ingest.batch import Batch
from yibao_face.sync.center.intake import take_in
from yibao_face.sync.chain import SCHEMA
from yibao_face.sync.stick import Header, StickError, open_export
from yibao_face.sync.wire import to_wire

_BOOT = "stick"
_HAVE = ("new", "dup")
# As many ranges and refused records fit into one document; the others come with the next one.
_MOST_TOLD = 4000


@dataclass(slots=True)
class Haul:
    """What the centre says of the records of one stick.

    ``taken``: ranges ``[first, last, hash]`` by number, as on the stick; ``refused``: ids and
    reasons; ``counts``: records by status.
    """

    device: str
    key_id: str
    taken: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])
    refused: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    counts: Counter[str] = field(default_factory=Counter[str])

    def receipt(self) -> dict[str, Any]:
        """The content of the document that tells the device."""
        return {
            "device": self.key_id,
            "taken": [[first, last, hash_] for first, last, hash_ in self.taken[:_MOST_TOLD]],
            "refused": [[id_, reason] for id_, reason in self.refused[:_MOST_TOLD]],
        }

    def add(self, link: Link, result: dict[str, str]) -> None:
        """One record more, in the order of the numbers."""
        self.counts[result["status"]] += 1
        if result["status"] not in _HAVE:
            reason = result["reason"] or result["status"]
            self.refused.append((result["id"], reason))
            return
        first = link.seq
        if self.taken and self.taken[-1][1] == link.seq - 1:
            first = self.taken.pop()[0]
        self.taken.append((first, link.seq, link.hash.hex()))


def take_stick(center: Center, file: Path) -> Haul:
    """Take in an exported file; the same file again changes nothing. ``CenterError``.

    It is found genuine as a whole before the first record is stored: signed with the key of a
    device that is bound here and not shut out.
    """
    whose: list[Caller] = []

    def check(key_id: str, signature: bytes, data: bytes) -> bool:
        caller = center.devices.named(key_id)
        if caller is None:
            return False
        whose.append(caller)
        return verified(center.devices.sign_keys(caller.device)[key_id], signature, data)

    try:
        header, records = open_export(file, check)
        return _taken(center, whose[0], header, records)
    except StickError as exc:
        raise CenterError(f"{file.name}: {exc}") from exc
    except RefusedError as exc:
        raise CenterError(f"{file.name}: {exc}") from exc


def _taken(
    center: Center, caller: Caller, header: Header, records: Iterator[tuple[Record, Link]]
) -> Haul:
    haul = Haul(caller.device, header.device)
    while part := [*islice(records, center.limits.records)]:
        now_ms = center.clock()
        batch = Batch(
            schema=SCHEMA,
            device=caller.device,
            institution=None,
            boot_id=_BOOT,
            sent_ms=now_ms,  # a stick does not say how its device's clock stands
            seq_from=header.first,
            head=None,
            records=[to_wire(record, link) for record, link in part],
            algorithm=header.algorithm,
        )
        results, _ = take_in(center, caller, batch, now_ms)
        for link, result in zip(_links(part), results, strict=True):
            haul.add(link, result)
    return haul


def _links(part: Iterable[tuple[Record, Link]]) -> list[Link]:
    return [link for _, link in part]
