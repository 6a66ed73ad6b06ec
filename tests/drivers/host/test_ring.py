"""Frames in shared memory: whole or not at all, however writer and reader meet."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from misbehaving import plain, rich

from yibao_face.drivers.host.memory import GRANULE, Memory
from yibao_face.drivers.host.ring import SLOTS, Place, RingReader, RingWriter


@pytest.fixture
def memory() -> Iterator[Memory]:
    made = Memory.create()
    yield made
    made.close()


def test_the_newest_frames_can_be_copied_and_older_ones_are_gone(memory: Memory) -> None:
    writer, reader = RingWriter(memory), RingReader(memory)
    places = [writer.put(rich(n)) for n in range(1, SLOTS + 4)]
    copies = [reader.copy(place) for place in places]

    assert [None] * 3 == copies[:3]
    for number, planes in enumerate(copies[3:], 4):
        assert planes is not None
        assert np.array_equal(rich(number).bgr, planes["bgr"])


def test_a_frame_that_is_being_written_is_not_read(memory: Memory) -> None:
    """As a reader sees it that comes, or leaves, while the writer is at work."""
    writer, reader = RingWriter(memory), RingReader(memory)
    place = writer.put(plain(1))
    area = memory.map(place.begin, SLOTS * place.slot_bytes)
    area[place.offset] = 1 + SLOTS

    assert reader.copy(place) is None


def test_planes_are_whole_while_another_thread_writes_over_them(memory: Memory) -> None:
    writer, reader = RingWriter(memory), RingReader(memory)
    places, stop = [writer.put(plain(1, 640, 480))], threading.Event()

    def write() -> None:
        number = 1
        while not stop.is_set():
            number += 1
            places.append(writer.put(plain(number, 640, 480)))

    thread = threading.Thread(target=write)
    thread.start()
    whole, torn = 0, 0
    try:
        while whole + torn < 600 and whole < 300:
            # The oldest that may still be there: the writer is about to take its slot.
            place = places[max(0, len(places) - SLOTS + 1)]
            planes = reader.copy(place)
            whole, torn = whole + (planes is not None), torn + (planes is None)
            if planes is not None:
                values = {*np.unique(planes["bgr"]), *np.unique(planes["depth_mm"])}
                assert {place.number % 251} == values
    finally:
        stop.set()
        thread.join()

    assert whole > 0


def test_larger_planes_leave_the_earlier_frames_where_they_are(memory: Memory) -> None:
    writer, reader = RingWriter(memory), RingReader(memory)
    small, large = writer.put(plain(1)), writer.put(plain(2, 320, 240))
    again = writer.put(plain(3))
    for place in (small, large, again):
        planes = reader.copy(place)

        assert planes is not None
        assert {place.number} == set(np.unique(planes["bgr"]))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"number": 0}, "frame 0"),
        ({"begin": 1}, "at 1"),
        ({"begin": -GRANULE}, "at -"),
        ({"slot_bytes": 64}, "slots of 64"),
        ({"slot_bytes": 1 << 31}, "slots of"),
        ({"shapes": {"bgr": (12, 16)}}, "plane bgr"),
        ({"shapes": {"bgr": (12, 16, 4)}}, "plane bgr"),
        ({"shapes": {"bgr": (-12, -16, 3)}}, "plane bgr"),
        ({"shapes": {"bgr": (12, 99999, 3)}}, "plane bgr"),
        ({"shapes": {"other": (12, 16)}}, "plane other"),
    ],
)
def test_a_place_that_cannot_be_is_refused(changes: dict[str, object], reason: str) -> None:
    good = Place(1, 0, 1024, {"bgr": (12, 16, 3)})
    with pytest.raises(ValueError, match=reason):
        dataclasses.replace(good, **changes)


def test_a_place_beyond_the_memory_is_refused(memory: Memory) -> None:
    place = RingWriter(memory).put(plain(1))
    beyond = dataclasses.replace(place, begin=GRANULE * 1000)
    with pytest.raises(ValueError, match="mmap"):
        RingReader(memory).copy(beyond)


@given(st.integers(0, 1 << 20))
def test_memory_never_shrinks_under_its_reader(end: int) -> None:
    held = Memory.create()
    try:
        held.extend(GRANULE)
        area = held.map(0, GRANULE)
        held.extend(end)
        with pytest.raises(PermissionError):
            os.truncate(held.handle, 0)
        assert bytes(GRANULE) == area[:]
    finally:
        held.close()
