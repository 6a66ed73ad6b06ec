"""The table of streams: what a camera does, what only an imitation does, and what may happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.core.encounter import HINTS, Cause
from yibao_face.daemon.core.liveness.stream import Exposure, Stream, StreamPolicy, stream_cause

POLICY = StreamPolicy()
LOOPED = StreamPolicy(looped=True)
STEP_US = 33_333
IMPLAUSIBLE, UNSYNCED = Cause.STREAM_IMPLAUSIBLE, Cause.UNSYNCED


def stream(count: int = 10, step_us: int = STEP_US, start_us: int = 5_000_000) -> list[Exposure]:
    """A camera of 30 frames a second: no plane like another, noise, a clock that keeps pace."""
    return [
        Exposure(
            at_ns=10**15 + n * step_us * 1000,
            device_us=start_us + n * step_us,
            skew_us=4000,
            digest=tuple(f"{plane}{n}".encode() for plane in ("colour", "depth", "ir")),
            noise_mm=1.5 if n else None,
            still=0.3 if n else None,
        )
        for n in range(count)
    ]


def changed(exposures: list[Exposure], *at: int, **fields: Any) -> list[Exposure]:
    """The stream with ``fields`` of the exposures ``at`` set otherwise."""
    return [replace(e, **fields) if n in at else e for n, e in enumerate(exposures)]


def repeated(
    exposures: list[Exposure], *pairs: tuple[int, int], plane: int | None = None
) -> list[Exposure]:
    """The stream with the digests (of one ``plane``) of some exposures like those of others."""
    made = list(exposures)
    for to, of in pairs:
        own, other = made[to].digest, made[of].digest
        taken = other if plane is None else (*own[:plane], other[plane], *own[plane + 1 :])
        made[to] = replace(made[to], digest=taken)
    return made


@pytest.mark.parametrize("count", [0, 1, 2, 5, 15, 300])
def test_a_camera_of_30_frames_a_second_is_plausible(count: int) -> None:
    assert stream_cause(stream(count), POLICY) is None


@pytest.mark.parametrize("step_us", [8_333, 16_667, 66_667, 142_857, 500_000])
def test_so_is_a_faster_or_a_slower_one(step_us: int) -> None:
    assert stream_cause(stream(10, step_us), POLICY) is None


@pytest.mark.parametrize(
    ("skew_us", "cause"),
    [(0, None), (20_000, None), (20_001, UNSYNCED), (10**9, UNSYNCED), (-1, UNSYNCED)],
)
def test_planes_of_different_moments_are_a_hint(skew_us: int, cause: Cause | None) -> None:
    assert cause == stream_cause(changed(stream(), 9, skew_us=skew_us), POLICY)
    assert UNSYNCED in HINTS
    assert IMPLAUSIBLE not in HINTS


def test_only_the_newest_exposure_is_asked_for_its_skew() -> None:
    assert stream_cause(changed(stream(), 0, 4, 8, skew_us=90_000), POLICY) is None


@pytest.mark.parametrize(
    ("age_ms", "cause"), [(0, None), (1000, None), (1001, UNSYNCED), (-1, UNSYNCED)]
)
def test_a_frame_of_long_ago_or_of_later_is_a_hint(age_ms: int, cause: Cause | None) -> None:
    seen = stream()

    assert cause == stream_cause(seen, POLICY, seen[-1].at_ns + age_ms * 1_000_000)


@pytest.mark.parametrize("field", ["noise_mm", "still"])
@pytest.mark.parametrize("value", [nan, inf])
def test_a_frame_that_could_not_be_compared_is_not_judged(field: str, value: float) -> None:
    assert UNSYNCED == stream_cause(changed(stream(), 9, **{field: value}), POLICY)


@pytest.mark.parametrize(
    ("pairs", "cause"),
    [
        ((), None),
        (((5, 4),), None),
        (((5, 4), (6, 5)), IMPLAUSIBLE),
        (((5, 4), (8, 7)), IMPLAUSIBLE),
        (((9, 0),), None),
        (((8, 0), (9, 1)), IMPLAUSIBLE),
        (((8, 0), (9, 0)), IMPLAUSIBLE),
    ],
)
@pytest.mark.parametrize("plane", [None, 0, 1, 2])
def test_one_repeat_is_a_hiccup_and_two_are_none(
    pairs: Sequence[tuple[int, int]], cause: Cause | None, plane: int | None
) -> None:
    assert cause == stream_cause(repeated(stream(), *pairs, plane=plane), POLICY)


def test_a_still_picture_in_the_infrared_plane_alone_is_found() -> None:
    frozen = repeated(stream(), *((n, 0) for n in range(1, 10)), plane=2)

    assert IMPLAUSIBLE == stream_cause(frozen, POLICY)


def test_planes_that_are_absent_or_of_one_value_repeat_nothing() -> None:
    black = [replace(e, digest=(e.digest[0], b"", b"")) for e in stream()]

    assert stream_cause(black, POLICY) is None


def test_the_same_digest_in_two_planes_is_no_repeat() -> None:
    swapped = changed(stream(), 5, 7, digest=(b"depth4", b"ir4", b"colour4"))

    assert stream_cause(swapped[:7], POLICY) is None


@pytest.mark.parametrize(
    ("at", "noise_mm", "cause"),
    [
        ((5,), 0.0, None),
        ((5, 6), 0.0, IMPLAUSIBLE),
        ((5, 6), 0.049, IMPLAUSIBLE),
        ((5, 6), 0.05, None),
        ((5, 6), -1.0, IMPLAUSIBLE),
        (tuple(range(1, 10)), 12.0, None),
        (tuple(range(10)), None, None),
    ],
)
def test_depth_without_noise_is_none_of_a_sensor(
    at: tuple[int, ...], noise_mm: float | None, cause: Cause | None
) -> None:
    assert cause == stream_cause(changed(stream(), *at, noise_mm=noise_mm), POLICY)


@pytest.mark.parametrize(
    ("at", "still", "cause"),
    [
        ((5,), 1.0, None),
        ((5, 8), 1.0, IMPLAUSIBLE),
        ((5, 8), 0.996, IMPLAUSIBLE),
        ((5, 8), 0.995, None),
        (tuple(range(10)), 0.9, None),
    ],
)
def test_a_plane_that_hardly_changes_is_none_of_a_sensor(
    at: tuple[int, ...], still: float, cause: Cause | None
) -> None:
    assert cause == stream_cause(changed(stream(), *at, still=still), POLICY)


def test_all_signs_of_one_doubled_frame_are_one_hiccup() -> None:
    seen = stream()
    doubled = replace(seen[4], at_ns=seen[5].at_ns, noise_mm=0.0, still=1.0)

    assert stream_cause([*seen[:5], doubled, *seen[6:]], POLICY) is None


@pytest.mark.parametrize(
    ("device_us", "cause"),
    [
        ([0, 33, 66, 100, 133, 166], None),
        ([0, 33, 33, 100, 133, 166], None),
        ([0, 33, 33, 33, 133, 166], IMPLAUSIBLE),
        ([0, 0, 0, 0, 0, 0], IMPLAUSIBLE),
        ([0, 1, 2, 3, 4, 5], IMPLAUSIBLE),
        ([0, 33, 66, 65, 133, 166], IMPLAUSIBLE),
        ([166, 133, 100, 66, 33, 0], IMPLAUSIBLE),
        ([-100, -66, -33, 0, 33, 66], None),
        ([4294900, 4294934, 4294967, 33, 66, 100], None),
        ([4294900, 33, 4294967, 66, 100, 133], IMPLAUSIBLE),
    ],
    ids=[
        "runs",
        "hiccup",
        "stands",
        "no-clock",
        "crawls",
        "back",
        "reverse",
        "minus",
        "wraps",
        "x",
    ],
)
def test_the_clock_of_the_device_runs_forward(device_us: list[int], cause: Cause | None) -> None:
    made = [replace(e, device_us=ms * 1000) for e, ms in zip(stream(6), device_us, strict=True)]

    assert cause == stream_cause(made, POLICY)


def test_a_clock_of_32_bits_may_begin_again() -> None:
    wrapped = [
        replace(e, device_us=e.device_us % (1 << 32)) for e in stream(start_us=2**32 - 150_000)
    ]

    assert wrapped[-1].device_us < wrapped[0].device_us
    assert stream_cause(wrapped, POLICY) is None


def test_a_clock_of_more_bits_may_not() -> None:
    back = [replace(e, device_us=e.device_us - (n > 4) * 2**32) for n, e in
            enumerate(stream(start_us=2**40))]  # fmt: skip

    assert IMPLAUSIBLE == stream_cause(back, POLICY)


def test_the_clock_of_the_host_does_not_run_back() -> None:
    seen = stream()

    assert IMPLAUSIBLE == stream_cause(changed(seen, 5, at_ns=seen[3].at_ns), POLICY)


@pytest.mark.parametrize(
    ("pace", "cause"),
    [(1.0, None), (1.1, None), (0.6, None), (1.9, None), (0.3, IMPLAUSIBLE), (4.0, IMPLAUSIBLE)],
)
def test_both_clocks_keep_pace_roughly(pace: float, cause: Cause | None) -> None:
    made = [replace(e, device_us=round(e.device_us * pace)) for e in stream(120)]

    assert cause == stream_cause(made, POLICY)


def test_frames_of_a_full_buffer_come_at_once_and_are_plausible() -> None:
    seen = stream(20)
    stalled_ns = seen[9].at_ns

    burst = [replace(e, at_ns=max(e.at_ns, stalled_ns)) for e in seen[4:]]

    assert stream_cause(burst, POLICY) is None


def test_after_a_long_gap_the_clocks_are_compared_anew() -> None:
    seen = stream(20)
    paused = [
        replace(e, at_ns=e.at_ns + 5_000_000_000) if n >= 10 else e for n, e in enumerate(seen)
    ]

    assert stream_cause(paused, POLICY) is None


@pytest.mark.parametrize("period", [3, 24])
def test_a_recording_in_a_loop_is_found_out_unless_it_is_our_own(period: int) -> None:
    played = stream(period * 3)
    looped = [replace(e, digest=played[n % period].digest) for n, e in enumerate(played)]

    assert IMPLAUSIBLE == stream_cause(looped, POLICY)
    assert stream_cause(looped, LOOPED) is None


@pytest.mark.parametrize("host_step_us", [0, 1_000, 400_000])
def test_an_own_recording_may_be_read_at_any_pace_and_start_over(host_step_us: int) -> None:
    played = [
        replace(e, at_ns=n * host_step_us * 1000, device_us=(n % 8) * 66_667)
        for n, e in enumerate(stream(30))
    ]

    assert IMPLAUSIBLE == stream_cause(played, POLICY)
    assert stream_cause(played, LOOPED) is None


def test_an_own_recording_that_freezes_is_found_all_the_same() -> None:
    frozen = repeated(stream(), (5, 4), (6, 4))

    assert IMPLAUSIBLE == stream_cause(frozen, LOOPED)
    assert IMPLAUSIBLE == stream_cause(changed(stream(), 5, 6, noise_mm=0.0), LOOPED)
    assert UNSYNCED == stream_cause(changed(stream(), 9, skew_us=20_001), LOOPED)


def test_what_is_implausible_is_no_hint() -> None:
    both = changed(repeated(stream(), (5, 4), (6, 5)), 9, skew_us=90_000)

    assert IMPLAUSIBLE == stream_cause(both, POLICY)


@given(jitter_us=st.lists(st.integers(-15_000, 15_000), min_size=12, max_size=12))
def test_jitter_of_the_host_is_no_fault(jitter_us: list[int]) -> None:
    seen = stream(12)
    late = [e.at_ns + us * 1000 for e, us in zip(seen, jitter_us, strict=True)]

    assert (
        stream_cause([replace(e, at_ns=at) for e, at in zip(seen, late, strict=True)], POLICY)
        is None
    )


@given(
    kept=st.integers(2, 9),
    more=st.lists(st.integers(0, 9), max_size=6),
)
def test_nothing_that_follows_makes_an_implausible_stream_good(kept: int, more: list[int]) -> None:
    bad = repeated(stream(), (1, 0), (2, 1))[: kept + 1]
    after = [replace(stream(30)[10 + n], at_ns=10**15 + (20 + i) * STEP_US * 1000)
             for i, n in enumerate(more)]  # fmt: skip

    assert IMPLAUSIBLE == stream_cause([*bad, *after], POLICY)


@pytest.mark.parametrize("policy", [POLICY, LOOPED])
@given(
    of=st.lists(st.integers(0, 40), min_size=1, max_size=8),
    device_us=st.lists(st.integers(-1, 1 << 32), min_size=8, max_size=8),
)
def test_frame_by_frame_says_what_all_exposures_together_say(
    policy: StreamPolicy, of: list[int], device_us: list[int]
) -> None:
    made = [
        replace(stream(41)[n], device_us=us) if us % 3 == 0 else stream(41)[n]
        for n, us in zip(of, device_us, strict=False)
    ]
    fold = Stream(policy)

    told = [fold.add(exposure) for exposure in made]

    assert told == [stream_cause(made[: n + 1], policy) for n in range(len(made))]
    first = next((n for n, cause in enumerate(told) if cause is IMPLAUSIBLE), len(told))
    assert {IMPLAUSIBLE} >= set(told[first:])
