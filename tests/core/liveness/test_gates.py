"""Depth gates: reading hints first, two attack frames end at once, what is no number fails."""

from __future__ import annotations

import pytest

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.gate import (
    Features,
    Gate,
    LivenessPolicy,
    LivenessVerdict,
    attack_cause,
    judge,
    reading_hint,
)

NAN, INF = float("nan"), float("inf")
READING = (Gate("coverage", 0.5, 1.0, Cause.DEPTH_POOR), Gate("shift", 0.0, 9.0, Cause.MOVED))
ATTACK = (
    Gate("relief", 8.0, 60.0, Cause.SPOOF_FLAT),
    Gate("width", 100.0, 220.0, Cause.SPOOF_SIZE),
)
POLICY = LivenessPolicy(READING, ATTACK, frames=5, attack_frames=2, version="test")
SLACK = LivenessPolicy(READING, ATTACK, frames=5, attack_frames=4, version="test")
ALIVE = {"coverage": 0.9, "shift": 1.0, "relief": 20.0, "width": 150.0}
FLAT = {**ALIVE, "relief": 1.0}
SMALL = {**ALIVE, "width": 60.0}
NOTHING: dict[str, float] = {}


def without(feature: str) -> dict[str, float]:
    return {name: value for name, value in ALIVE.items() if name != feature}


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        (8.0, True),
        (20.0, True),
        (60.0, True),
        (7.999, False),
        (60.001, False),
        (-20.0, False),
        (INF, False),
        (-INF, False),
        (NAN, False),
    ],
)
def test_a_gate_holds_from_its_low_to_its_high(value: float, holds: bool) -> None:
    assert holds is ATTACK[0].holds({"relief": value})


def test_a_gate_without_its_feature_does_not_hold() -> None:
    assert ATTACK[0].holds({"width": 20.0}) is False


def test_an_open_gate_still_wants_a_number() -> None:
    gate = Gate("relief", -INF, INF, Cause.SPOOF_FLAT)

    assert [True, False, False] == [
        gate.holds({"relief": 1.0}),
        gate.holds({"relief": NAN}),
        gate.holds({}),
    ]


@pytest.mark.parametrize(
    ("features", "hint"),
    [
        (ALIVE, None),
        (FLAT, None),
        ({**ALIVE, "coverage": 0.2}, Cause.DEPTH_POOR),
        ({**ALIVE, "shift": 30.0}, Cause.MOVED),
        ({**ALIVE, "coverage": 0.2, "shift": 30.0}, Cause.DEPTH_POOR),
        ({**ALIVE, "coverage": NAN}, Cause.DEPTH_POOR),
        (without("shift"), Cause.MOVED),
        ({}, Cause.DEPTH_POOR),
    ],
    ids=["alive", "flat", "holes", "moved", "both", "nan", "missing", "empty"],
)
def test_a_frame_that_cannot_be_judged_gives_the_hint_of_its_first_failing_gate(
    features: Features, hint: Cause | None
) -> None:
    assert hint is reading_hint(features, POLICY)


@pytest.mark.parametrize(
    ("features", "cause"),
    [
        (ALIVE, None),
        ({**ALIVE, "coverage": 0.0}, None),
        (FLAT, Cause.SPOOF_FLAT),
        (SMALL, Cause.SPOOF_SIZE),
        ({**SMALL, "relief": 1.0}, Cause.SPOOF_FLAT),
        ({**ALIVE, "relief": NAN}, Cause.SPOOF_FLAT),
        (without("width"), Cause.SPOOF_SIZE),
        ({}, Cause.SPOOF_FLAT),
    ],
    ids=["alive", "holes", "flat", "small", "both", "nan", "missing", "empty"],
)
def test_a_frame_that_is_no_head_gives_the_cause_of_its_first_failing_gate(
    features: Features, cause: Cause | None
) -> None:
    assert cause is attack_cause(features, POLICY)


@pytest.mark.parametrize("count", range(5))
def test_too_few_frames_decide_nothing(count: int) -> None:
    assert judge([ALIVE] * count, POLICY) is None


def test_enough_frames_of_a_living_head_are_alive() -> None:
    assert LivenessVerdict(None, ALIVE, 5) == judge([ALIVE] * 5, POLICY)


@pytest.mark.parametrize(
    ("frames", "cause"),
    [
        ([FLAT, FLAT], Cause.SPOOF_FLAT),
        ([SMALL, FLAT], Cause.SPOOF_SIZE),
        ([ALIVE, FLAT, ALIVE, SMALL], Cause.SPOOF_FLAT),
        ([ALIVE, ALIVE, ALIVE, SMALL, FLAT], Cause.SPOOF_SIZE),
        ([{**ALIVE, "relief": NAN}] * 2, Cause.SPOOF_FLAT),
        ([without("width")] * 2, Cause.SPOOF_SIZE),
        ([NOTHING, NOTHING], Cause.SPOOF_FLAT),
    ],
    ids=["first", "mixed", "scattered", "last", "nan", "missing", "empty"],
)
def test_two_attack_frames_end_the_encounter_at_once(frames: list[Features], cause: Cause) -> None:
    verdict = judge(frames, POLICY)

    assert verdict is not None
    assert (cause, len(frames)) == (verdict.cause, verdict.frames)


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("odd", [FLAT, SMALL], ids=["flat", "small"])
def test_one_attack_frame_is_noise_when_the_medians_hold(odd: dict[str, float], at: int) -> None:
    frames = [ALIVE] * 5
    frames[at] = odd

    assert LivenessVerdict(None, ALIVE, 5) == judge(frames, POLICY)


def test_medians_outside_a_gate_refuse_though_attack_frames_are_few() -> None:
    verdict = judge([ALIVE, ALIVE, FLAT, FLAT, FLAT], SLACK)

    assert LivenessVerdict(Cause.SPOOF_FLAT, FLAT, 5) == verdict


def test_medians_that_cannot_be_read_refuse() -> None:
    holes = {**ALIVE, "coverage": 0.1}

    assert LivenessVerdict(Cause.DEPTH_POOR, holes, 5) == judge(
        [ALIVE, ALIVE, holes, holes, holes], POLICY
    )


def test_the_verdict_reports_the_median_of_each_feature() -> None:
    frames = [{**ALIVE, "relief": 20.0 + i, "width": 150.0 - i} for i in (0, 4, 1, 9, 2)]

    verdict = judge(frames, POLICY)

    assert LivenessVerdict(None, {**ALIVE, "relief": 22.0, "width": 148.0}, 5) == verdict


@pytest.mark.parametrize(
    ("frames", "earlier", "cause"),
    [
        ([FLAT], (Cause.SPOOF_SIZE,), Cause.SPOOF_SIZE),
        ([ALIVE, FLAT], (Cause.SPOOF_SHAPE,), Cause.SPOOF_SHAPE),
        ([ALIVE], (Cause.SPOOF_FLAT, Cause.SPOOF_SIZE), Cause.SPOOF_FLAT),
        ([ALIVE] * 5, (Cause.SPOOF_FLAT, Cause.SPOOF_FLAT), Cause.SPOOF_FLAT),
        ([], (Cause.SPOOF_FLAT, Cause.SPOOF_SIZE), Cause.SPOOF_FLAT),
    ],
    ids=["one-and-one", "later", "two-held", "alive-now", "no-frame"],
)
def test_attacks_by_earlier_faces_are_held_against_later_ones(
    frames: list[Features], earlier: tuple[Cause, ...], cause: Cause
) -> None:
    verdict = judge(frames, POLICY, earlier)

    assert verdict is not None
    assert (cause, len(frames)) == (verdict.cause, verdict.frames)


def test_one_earlier_attack_alone_does_not_refuse_a_living_head() -> None:
    assert LivenessVerdict(None, ALIVE, 5) == judge([ALIVE] * 5, POLICY, (Cause.SPOOF_FLAT,))


def test_a_feature_that_only_some_frames_lack_is_an_attack_as_one_that_all_lack() -> None:
    verdict = judge([ALIVE, without("width"), without("width")], POLICY)

    assert verdict is not None
    assert Cause.SPOOF_SIZE is verdict.cause


def test_where_the_frame_without_a_number_stands_changes_nothing() -> None:
    steady = [{**ALIVE, "relief": 20.0 + i} for i in range(4)]
    broken = {**ALIVE, "relief": NAN}

    verdicts = [judge([*steady[:at], broken, *steady[at:]], POLICY) for at in range(5)]

    assert 1 == len({verdict and verdict.cause for verdict in verdicts}), verdicts
