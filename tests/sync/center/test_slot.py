"""Evidence has its own part of the day per machine, evenly spread, and a share of the rate."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from center_bed import chained, record, running
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.sync.center.api import CenterError, Limits
from yibao_face.sync.center.ingest.slot import (
    DAY_MS,
    Window,
    after_ms,
    bytes_per_s,
    parse_hours,
    slot_of,
)

HOUR_MS = 3600 * 1000
PEAK = parse_hours("08:00-11:30,14:00-17:00")
# Midnight of 22 November 2026 in China.
MIDNIGHT = 1_795_276_800_000
NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    edges = sorted(draw(st.sets(st.integers(1, DAY_MS - 1), max_size=6)))
    closed = tuple(zip(edges[::2], edges[1::2], strict=False))
    return Window(closed, draw(st.integers(1, 48)))


@given(windows())
def test_the_slots_are_the_open_day_without_gap_or_overlap(window: Window) -> None:
    spans = sorted(span for slot in range(window.slots) for span in window.spans(slot) if span)
    closed = [*window.closed, *spans]

    assert DAY_MS == sum(end - start for start, end in closed)
    edges = sorted(closed)
    assert all(end <= start for (_, end), (start, _) in pairwise(edges))


@given(windows())
def test_every_slot_is_as_long_as_every_other(window: Window) -> None:
    lengths = [sum(b - a for a, b in window.spans(slot)) for slot in range(window.slots)]

    assert max(lengths) - min(lengths) <= 1


@given(NAMES, st.integers(0, 10 * DAY_MS), windows())
def test_a_device_sends_within_its_slot_and_within_a_day(
    device: str, later_ms: int, window: Window
) -> None:
    now_ms = MIDNIGHT + later_ms
    at_ms = after_ms(device, now_ms, window)

    assert now_ms <= at_ms <= now_ms + DAY_MS
    of_day = (at_ms - MIDNIGHT) % DAY_MS
    assert any(a <= of_day < b for a, b in window.spans(slot_of(device, window.slots)))
    # Whoever is in the slot is not put off.
    assert at_ms == after_ms(device, at_ms, window)


def test_ten_thousand_machines_are_spread_evenly_over_the_slots() -> None:
    slots = 24
    found = Counter(slot_of(f"P{n:011d}-counter-{n % 7}", slots) for n in range(10_000))

    assert slots == len(found)
    # Mean 417, deviation of a fair die 20: five deviations.
    assert all(317 < count < 517 for count in found.values())


def test_no_slot_lies_in_the_busy_hours_of_the_counters() -> None:
    window = Window(PEAK, 24)
    for n in range(500):
        for hour in range(24):
            at_ms = after_ms(f"counter-{n}", MIDNIGHT + hour * HOUR_MS, window)
            of_day = (at_ms - MIDNIGHT) % DAY_MS
            assert not any(start <= of_day < end for start, end in PEAK)


def test_the_rate_is_shared_by_those_of_the_same_slot() -> None:
    window, names = Window(PEAK, 4), [f"counter-{n}" for n in range(100)]
    mine = [name for name in names if slot_of(name, 4) == slot_of("counter-1", 4)]

    assert 12_000_000 // len(mine) == bytes_per_s("counter-1", names, 12_000_000, window)
    assert 12_000_000 == bytes_per_s("counter-1", [], 12_000_000, window)
    assert 1 == bytes_per_s("counter-1", names, 1, window)
    for slot in range(4):
        together = [n for n in names if slot_of(n, 4) == slot]
        rates = [bytes_per_s(name, names, 12_000_000, window) for name in together]
        assert sum(rates) <= 12_000_000


@pytest.mark.parametrize(
    "hours", ["8-9", "08:00", "08:00-07:00", "08:00-08:00", "23:00-24:30", "00:00-24:00", "x"]
)
def test_hours_that_are_none_are_refused(hours: str) -> None:
    with pytest.raises(CenterError):
        parse_hours(hours)


@given(st.text(max_size=30))
def test_any_text_is_hours_or_refused(text: str) -> None:
    with suppress(CenterError):
        assert all(0 <= a < b <= DAY_MS for a, b in parse_hours(text))


def test_hours_are_read_as_they_are_written() -> None:
    assert () == parse_hours("")
    assert ((8 * HOUR_MS, int(11.5 * HOUR_MS)), (14 * HOUR_MS, 17 * HOUR_MS)) == PEAK


def test_the_answer_tells_a_machine_its_slot_and_share(tmp_path: Path) -> None:
    clock = [MIDNIGHT + 9 * HOUR_MS]
    limits = Limits(evidence_bytes_per_s=1_000_000, evidence_slots=2, evidence_closed=PEAK)
    with running(tmp_path, limits=limits, clock=lambda: clock[0]) as site:
        names = [f"counter-{n}" for n in range(1, 7)]
        for n, name in enumerate(names):
            sent = chained([record(100 * n + 1)])
            told = site.machine(name).batch(sent, device=name, sent_ms=clock[0]).body["evidence"]
            assert after_ms(name, clock[0], Window(PEAK, 2)) == told["after_ms"] > clock[0]
        clock[0] += 31_000
        last = site.machine(names[0]).batch([], device=names[0], sent_ms=clock[0])

    share = bytes_per_s(names[0], names, 1_000_000, Window(PEAK, 2))
    assert share == last.body["evidence"]["bytes_per_s"] < 1_000_000
