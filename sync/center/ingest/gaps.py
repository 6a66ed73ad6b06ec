"""Which sequence numbers of a device are here: the highest one, and the holes below it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter


@dataclass(frozen=True, slots=True)
class Received:
    """``top``: highest number received, 0 for none. ``gaps``: missing ranges below, ascending."""

    top: int = 0
    gaps: tuple[tuple[int, int], ...] = ()

    def holds(self, seq: int) -> bool:
        """Whether this number was received."""
        return 1 <= seq <= self.top and _gap_at(self.gaps, seq) is None

    def plus(self, seqs: Iterable[int]) -> Received:
        """With these numbers (from 1) received as well."""
        top, gaps = self.top, list(self.gaps)
        for seq in sorted(seqs):
            if seq > top:
                if seq > top + 1:
                    gaps.append((top + 1, seq - 1))
                top = seq
            elif gaps:
                gaps = _without(gaps, seq)
        return Received(top, tuple(gaps))


def _without(gaps: list[tuple[int, int]], seq: int) -> list[tuple[int, int]]:
    at = _gap_at(gaps, seq)
    if at is None:
        return gaps
    first, last = gaps[at]
    rest = [(first, seq - 1), (seq + 1, last)]
    return [*gaps[:at], *((a, b) for a, b in rest if a <= b), *gaps[at + 1 :]]


def _gap_at(gaps: Sequence[tuple[int, int]], seq: int) -> int | None:
    at = bisect_left(gaps, seq, key=itemgetter(1))
    return at if at < len(gaps) and gaps[at][0] <= seq else None
