"""When and how fast a device may send evidence: its own part of the day, away from busy hours.

Results never wait for this; it keeps a thousand machines from sending pictures at the same time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from yibao_face.sync.center.api import CenterError

DAY_MS = 24 * 3600 * 1000
_CHINA_MS = 8 * 3600 * 1000
_HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """``closed``: spans of the day in China in which no evidence is sent, ms from midnight.

    ``slots``: how many parts the rest of the day is divided into.
    """

    closed: tuple[Span, ...] = ()
    slots: int = 1

    def spans(self, slot: int) -> tuple[Span, ...]:
        """The parts of the day that belong to a slot, ms from midnight; closed hours cut it."""
        opened = _open(self.closed)
        long = sum(end - start for start, end in opened)
        first, last = long * slot // self.slots, long * (slot + 1) // self.slots
        found: list[Span] = []
        passed = 0
        for start, end in opened:
            a, b = max(first, passed), min(last, passed + end - start)
            if a < b:
                found.append((start + a - passed, start + b - passed))
            passed += end - start
        return tuple(found)


def parse_hours(text: str) -> tuple[Span, ...]:
    """``08:00-11:30,14:00-17:00`` as spans; empty for none. Raises ``CenterError``."""
    spans: list[Span] = []
    for part in filter(None, text.replace(" ", "").split(",")):
        match = _HOURS.fullmatch(part)
        if match is None:
            raise CenterError(f"hours are written like 08:00-11:30, not {part[:20]!r}")
        h1, m1, h2, m2 = map(int, match.groups())
        start, end = (h1 * 60 + m1) * 60_000, (h2 * 60 + m2) * 60_000
        if not start < end <= DAY_MS:
            raise CenterError(f"the hours {part} do not end later on the same day")
        spans.append((start, end))
    if not _open(spans):
        raise CenterError("no hour of the day is left for evidence")
    return tuple(spans)


def slot_of(device: str, slots: int) -> int:
    """The slot of a device, from 0; the same on every day and in every process."""
    return int.from_bytes(hashlib.sha256(device.encode()).digest()[:8]) % slots


def after_ms(device: str, now_ms: int, window: Window) -> int:
    """From when on the device may send: now when its slot is open, else when it opens next."""
    midnight = (now_ms + _CHINA_MS) // DAY_MS * DAY_MS - _CHINA_MS
    spans = window.spans(slot_of(device, window.slots))
    for start, end in [*spans, *((a + DAY_MS, b + DAY_MS) for a, b in spans)]:
        if midnight + end > now_ms:
            return max(now_ms, midnight + start)
    raise AssertionError("a slot has no span")  # a window without open hours is never made


def bytes_per_s(device: str, active: Iterable[str], total: int, window: Window) -> int:
    """The device's share of ``total`` among those active now that have the same slot."""
    mine = slot_of(device, window.slots)
    others = sum(slot_of(o, window.slots) == mine for o in active if o != device)
    return max(1, total // (1 + others))


def _open(closed: Iterable[Span]) -> list[Span]:
    """What is left of the day."""
    left: list[Span] = []
    at = 0
    for start, end in sorted(closed):
        if start > at:
            left.append((at, start))
        at = max(at, end)
    return [*left, (at, DAY_MS)] if at < DAY_MS else left
