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
    own = {link.seq for link in links}
    beside = {seq + step for seq in own for step in (-1, 1)} - own
    return {seq for seq in beside if received.holds(seq)}


def judge(
    links: Sequence[Link], received: Received, stored: Callable[[int], Link | None]
) -> list[Chain]:
    """The verdict on each link of a batch; ``stored``: the link the centre holds at a number."""
    first: dict[int, Link] = {}
    for link in links:
        first.setdefault(link.seq, link)

    def at(seq: int) -> Link | None:
        return stored(seq) if received.holds(seq) else first.get(seq)

    return [_verdict(link, first, received, at) for link in links]


def _verdict(
    link: Link, first: dict[int, Link], received: Received, at: Callable[[int], Link | None]
) -> Chain:
    if received.holds(link.seq) or first[link.seq] != link:
        return Chain.FORK
    after = at(link.seq + 1) if received.holds(link.seq + 1) else None
    if after is not None and after.prev != link.hash:
        return Chain.BROKEN
    if link.seq == 1:
        return Chain.WHOLE if link.prev == GENESIS else Chain.BROKEN
    before = at(link.seq - 1)
    if before is None:
        return Chain.OPEN
    return Chain.WHOLE if before.hash == link.prev else Chain.BROKEN
