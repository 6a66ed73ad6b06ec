"""Planes of several streams are put together by the time they were exposed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from yibao_face.drivers.openni2.planes import Plane

# Kept of a stream while another is silent: more would be too old to match.
_KEPT = 4
# Between the rounds of a recording.
_PAUSE_US = 33_333


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """A plane, the device's time of it in us and the host's time of its receipt in ns."""

    plane: Plane
    device_us: int
    at_ns: int


class Pairing:
    """Matches each exposure of the slowest stream with the nearest of the others, none twice.

    ``period_us``: of the fastest stream; nearer than half of it no later exposure can be.
    """

    def __init__(self, sensors: Iterable[int], period_us: int) -> None:
        self._waiting: dict[int, deque[Exposure]] = {s: deque(maxlen=_KEPT) for s in sensors}
        self._near_us = period_us // 2

    def add(self, sensor: int, exposure: Exposure) -> dict[int, Exposure] | None:
        """The newest complete set, once there is one."""
        self._waiting[sensor].append(exposure)
        found = None
        while (one := self._next()) is not None:
            found = one
        return found

    def _next(self) -> dict[int, Exposure] | None:
        if not all(self._waiting.values()):
            return None
        pivot_us = max(waiting[0].device_us for waiting in self._waiting.values())
        chosen = {
            sensor: min(waiting, key=lambda shot: abs(shot.device_us - pivot_us))
            for sensor, waiting in self._waiting.items()
        }
        if not all(self._settled(sensor, chosen[sensor], pivot_us) for sensor in chosen):
            return None
        for sensor, shot in chosen.items():
            while self._waiting[sensor] and self._waiting[sensor][0].device_us <= shot.device_us:
                self._waiting[sensor].popleft()
        return chosen

    def _settled(self, sensor: int, shot: Exposure, pivot_us: int) -> bool:
        """Whether no exposure yet to come can be nearer."""
        newest_us = self._waiting[sensor][-1].device_us
        return newest_us >= pivot_us or pivot_us - shot.device_us <= self._near_us


class Rounds:
    """The clock of a recording that starts over goes on: one offset for all its streams."""

    def __init__(self) -> None:
        self._offsets_us = [0]
        self._round: dict[int, int] = {}
        self._last_us: dict[int, int] = {}
        self._end_us = 0

    def going_on(self, sensor: int, device_us: int) -> int:
        """``device_us`` of an exposure of ``sensor``, as if there were no new rounds."""
        if device_us < self._last_us.get(sensor, 0):
            self._round[sensor] = self._round.get(sensor, 0) + 1
        self._last_us[sensor] = device_us
        if self._round.get(sensor, 0) == len(self._offsets_us):
            self._offsets_us.append(self._end_us)
        on_us = self._offsets_us[self._round.get(sensor, 0)] + device_us
        self._end_us = max(self._end_us, on_us + _PAUSE_US)
        return on_us


def skew_us(shots: Iterable[Exposure]) -> int:
    """The largest difference of their exposure times."""
    times = [shot.device_us for shot in shots]
    return max(times) - min(times)
