"""Whether a record continues the chain of its device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from yibao_face.sync.api import Link
from yibao_face.sync.center.ingest.gaps import Received
from yibao_face.sync.chain import GENESIS


class Chain(StrEnum):
    """How a stored record hangs together with its neighbours."""

    WHOLE = "whole"  # its prev is the hash of the record before
    OPEN = "open"  # the record before is not here yet
    BROKEN = "broken"  # its prev is not the hash of the record before, or not so one after it
    FORK = "fork"  # another record has this number already


def neighbours(links: Sequence[Link], received: Received) -> set[int]:
    """Numbers of stored records whose links ``judge`` will ask for."""
    # Of a batch that holds a stored record once more, too: what is stored counts.
    beside = {link.seq + step for link in links for step in (-1, 1)}
    return {seq for seq in beside if received.holds(seq)}


def judge(
    links: Sequence[Link], received: Received, stored: Callable[[int], Sequence[Link]]
) -> list[Chain]:
    """The verdict on each link of a batch.

    ``stored``: the links under which the centre knows the record of a number; more than one
    where the device has chained its records anew.
    """
    first: dict[int, Link] = {}
    for link in links:
        first.setdefault(link.seq, link)

    def at(seq: int) -> Sequence[Link]:
        if received.holds(seq):
            return stored(seq)
        return (first[seq],) if seq in first else ()

    return [_verdict(link, first, received, at) for link in links]


def standing(links: Sequence[Link], before: Sequence[Link], after: Sequence[Link]) -> Chain:
    """How a record hangs together with what is known of the numbers beside it.

    ``links``: all it is known under. Chained anew, it may hold each neighbour by another one: the
    one after may have come before the repair, and have become a gap by it.
    """
    hashes = {link.hash for link in links}
    if after and all(one.prev not in hashes for one in after):
        return Chain.BROKEN
    known = {GENESIS} if links[0].seq == 1 else {one.hash for one in before}
    if not known:
        return Chain.OPEN
    return Chain.WHOLE if any(link.prev in known for link in links) else Chain.BROKEN


def _verdict(
    link: Link, first: dict[int, Link], received: Received, at: Callable[[int], Sequence[Link]]
) -> Chain:
    if received.holds(link.seq) or first[link.seq] != link:
        return Chain.FORK
    after = at(link.seq + 1) if received.holds(link.seq + 1) else ()
    return standing([link], at(link.seq - 1), after)
