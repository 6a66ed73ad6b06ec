"""Pairs of pictures and the flashing lamp."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.drivers.uvc.match import Lamp, Matcher
from yibao_face.drivers.uvc.mode import Mode
from yibao_face.drivers.uvc.source import Picture, Seen

MODE = Mode("GREY", 4, 4, 25.0)
MS = 1_000_000


def seen(at_ms: float) -> Seen:
    return Seen(round(at_ms * MS), np.zeros((4, 4), np.uint8), MODE)


def flat(mean: int) -> Picture:
    return np.full((8, 8), mean, np.uint8)


def times(matched: tuple[Seen, Seen] | None) -> tuple[float, float] | None:
    return matched and (matched[0].at_ns / MS, matched[1].at_ns / MS)


def test_the_nearest_belong_together() -> None:
    matcher = Matcher()
    matcher.add(seen(100), infrared=False)
    for at_ms in (64, 104):
        matcher.add(seen(at_ms), infrared=True)

    assert (100, 104) == times(matcher.take())


def test_a_lone_picture_waits_for_the_slower_camera() -> None:
    matcher = Matcher()
    matcher.add(seen(100), infrared=False)

    assert matcher.take() is None


def test_a_far_picture_waits_for_a_nearer_one() -> None:
    matcher = Matcher()
    matcher.add(seen(100), infrared=True)
    matcher.add(seen(130), infrared=False)
    assert matcher.take() is None

    matcher.add(seen(140), infrared=True)

    assert (130, 140) == times(matcher.take())


def test_no_picture_is_used_twice() -> None:
    matcher = Matcher()
    matcher.add(seen(100), infrared=False)
    matcher.add(seen(101), infrared=True)
    matcher.take()
    matcher.add(seen(110), infrared=False)

    assert matcher.take() is None


def test_after_a_pause_the_newest_pair_comes() -> None:
    matcher = Matcher()
    for n in range(10):
        matcher.add(seen(40 * n), infrared=False)
        matcher.add(seen(40 * n + 3), infrared=True)

    assert (360, 363) == times(matcher.take())
    assert matcher.take() is None


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 90)), max_size=60))
def test_pairs_rise_in_both_times_and_use_nothing_twice(steps: list[tuple[bool, int]]) -> None:
    matcher, clock, pairs = Matcher(), {True: 0, False: 0}, list[tuple[Seen, Seen]]()
    for infrared, step_ms in steps:
        clock[infrared] += step_ms
        matcher.add(seen(clock[infrared]), infrared=infrared)
        matched = matcher.take()
        pairs += [matched] if matched else []

    for index in (0, 1):
        at_ns = [pair[index].at_ns for pair in pairs]
        assert sorted(set(at_ns)) == at_ns


def test_a_flashing_lamp_is_told_frame_by_frame() -> None:
    lamp = Lamp()

    told = [lamp.lit(flat(mean)) for mean in (90, 20, 95, 22, 91, 19, 94, 20)]

    assert [None] * 5 + [False, True, False] == told


def test_a_steady_lamp_is_not_told() -> None:
    lamp = Lamp()

    assert {None} == {lamp.lit(flat(mean)) for mean in (90, 91, 90, 92, 90, 91, 90, 92)}


def test_a_room_that_grows_lighter_is_no_lamp() -> None:
    lamp = Lamp()

    assert {None} == {lamp.lit(flat(10 * n)) for n in range(20)}


def test_two_flashes_out_of_turn_end_the_belief() -> None:
    lamp = Lamp()
    for mean in (90, 20) * 4:
        lamp.lit(flat(mean))

    assert lamp.lit(flat(20)) is None
