"""Which seeds are to be done, in blocks that a crash may cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yibao_face.daemon.evaluate.simulated.shard import Block

BLOCK = 500
# Small enough that no process waits long for the last one.
_PER_WORKER = 4


@dataclass(frozen=True, slots=True)
class Order:
    """``count`` seeds from ``first`` on of one species."""

    species: str
    first: int
    count: int


def missing(orders: Sequence[Order], done: Sequence[Block], workers: int) -> list[Block]:
    """Blocks of the seeds ordered and not done, at most ``BLOCK`` each."""
    gaps = [gap for order in orders for gap in _gaps(order, done)]
    total = sum(len(gap.seeds) for gap in gaps)
    size = max(1, min(BLOCK, -(-total // (workers * _PER_WORKER))))
    return [
        Block(gap.species, first, min(first + size, gap.stop))
        for gap in gaps
        for first in range(gap.first, gap.stop, size)
    ]


def _gaps(order: Order, done: Sequence[Block]) -> Iterator[Block]:
    at, stop = order.first, order.first + order.count
    for block in sorted((b for b in done if b.species == order.species), key=lambda b: b.first):
        if block.first > at:
            yield Block(order.species, at, min(block.first, stop))
        at = max(at, block.stop)
        if at >= stop:
            return
    if at < stop:
        yield Block(order.species, at, stop)
