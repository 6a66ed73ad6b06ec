"""How often a machine may call: buckets that fill again, bounded in number."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

_MOST_BUCKETS = 1024


@dataclass(slots=True)
class Budget:
    """``per_min`` units for each key, all of which may be spent at once.

    Of the least used keys more than 1024 are forgotten: their buckets were nearly full.
    """

    per_min: float
    _left: OrderedDict[str, tuple[float, float]] = field(
        default_factory=OrderedDict[str, tuple[float, float]]
    )

    def has(self, key: str, now_s: float) -> bool:
        """Whether one unit is left."""
        return self._now(key, now_s) >= 1

    def spend(self, key: str, now_s: float, units: float = 1.0) -> None:
        """Take ``units``; what is not there is owed up to one whole bucket."""
        left = max(self._now(key, now_s) - units, -self.per_min)
        self._left[key] = left, now_s
        self._left.move_to_end(key)
        while len(self._left) > _MOST_BUCKETS:
            self._left.popitem(last=False)

    def _now(self, key: str, now_s: float) -> float:
        left, at_s = self._left.get(key, (self.per_min, now_s))
        return min(self.per_min, left + (now_s - at_s) * self.per_min / 60)
