"""The challenge: who is asked, what for, and when a movement counts as done."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import (
    PROMPTS,
    Action,
    ChallengePolicy,
    Done,
    Measures,
    When,
    chosen,
    eased,
    has_baseline,
    is_exempt,
    judge_action,
    needed,
    steady,
)
from yibao_face.daemon.core.liveness.gate import Gate, LivenessPolicy
from yibao_face.daemon.core.quality import Limits

POLICY = ChallengePolicy(When.ABOVE_AMOUNT, min_amount_fen=50_000)
REST = Measures(chin_mm=70.0, edge_mm=80.0, mouth_ratio=0.02, yaw_deg=-2.0, blink=0.05)
BEFORE = [REST] * 5
OPEN = replace(REST, chin_mm=90.0, edge_mm=100.0, mouth_ratio=0.5)
MASK = replace(REST, mouth_ratio=0.5)
# Landmarks of the chin that slide down a neck, while the edge of the jaw is where it was.
SLID = replace(OPEN, edge_mm=80.0)
UNREAD = Measures()
MEASURES = st.builds(
    Measures,
    chin_mm=st.floats(),
    edge_mm=st.floats(),
    mouth_ratio=st.floats(),
    yaw_deg=st.floats(),
    blink=st.floats(),
)
TURNS = (Action.TURN_LEFT, Action.TURN_RIGHT)


@pytest.mark.parametrize(
    ("when", "amount_fen", "rejects", "asked"),
    [
        (When.NEVER, 10**9, 3, False),
        (When.NEVER, None, 0, False),
        (When.AFTER_REJECT, 10**9, 0, False),
        (When.AFTER_REJECT, 1, 1, True),
        (When.ABOVE_AMOUNT, 49_999, 0, False),
        (When.ABOVE_AMOUNT, 50_000, 0, True),
        (When.ABOVE_AMOUNT, 1, 1, True),
        (When.ABOVE_AMOUNT, None, 0, True),
        (When.ABOVE_AMOUNT, 0, 0, True),
        (When.ABOVE_AMOUNT, -1, 0, True),
        (When.ALWAYS, 1, 0, True),
    ],
)
def test_the_policy_says_who_is_asked(
    when: When, amount_fen: int | None, rejects: int, asked: bool
) -> None:
    assert asked is needed(replace(POLICY, when=when), amount_fen, rejects, camera_needs_it=False)


@pytest.mark.parametrize("when", When)
def test_who_cannot_move_is_not_asked(when: When) -> None:
    policy = replace(POLICY, when=when)

    assert not needed(policy, None, 3, camera_needs_it=False, exempt=True)


@pytest.mark.parametrize(
    ("cases", "exempt"),
    [
        ((), False),
        (("face-unrecognised",), True),
        (("on-leave", "face-unrecognised"), True),
        (("on-leave", "in-treatment", "transferred"), False),
    ],
)
def test_only_a_face_registered_as_unrecognisable_is_spared(
    cases: tuple[str, ...], exempt: bool
) -> None:
    assert exempt is is_exempt(cases)


@pytest.mark.parametrize("exempt", [False, True])
def test_a_camera_that_proves_nothing_without_asks_everybody(exempt: bool) -> None:
    policy = replace(POLICY, when=When.NEVER)

    assert needed(policy, 1, 0, camera_needs_it=True, exempt=exempt)


@given(st.integers(0, 3), st.integers(1, 4))
def test_with_depth_the_mouth_is_always_among_what_is_asked(drawn: int, actions: int) -> None:
    asked = chosen(POLICY, lambda n: drawn % n, depth=True, count=actions)

    assert not isinstance(asked, Cause)
    assert Action.MOUTH in asked
    assert actions == len(set(asked)) == len(asked)


@given(st.integers(0, 3), st.integers(1, 4))
def test_without_depth_the_mouth_is_never_asked(drawn: int, actions: int) -> None:
    asked = chosen(POLICY, lambda n: drawn % n, depth=False, count=actions)

    assert not isinstance(asked, Cause)
    assert Action.MOUTH not in asked
    assert min(actions, 3) == len(set(asked)) == len(asked)


def test_without_depth_every_other_action_may_come() -> None:
    draws = count()

    asked = {chosen(POLICY, lambda n: next(draws) % n, depth=False) for _ in range(3)}

    assert {(Action.TURN_LEFT,), (Action.TURN_RIGHT,), (Action.BLINK,)} == asked


def test_where_no_action_proves_anything_the_camera_will_not_do() -> None:
    policy = replace(POLICY, actions=(Action.MOUTH,))

    assert Cause.NO_DEPTH_CAMERA is chosen(policy, lambda _n: 0, depth=False)


@pytest.mark.parametrize(
    "changed",
    [
        {"actions": ()},
        {"actions": (Action.BLINK,)},
        {"jaw_mm": nan},
        {"jaw_mm": 5.0},
        {"rigid_mm": 0.0},
        {"mouth_rise": nan},
        {"mouth_least": 0.25},
        {"mouth_least": 0.0},
        {"turn_deg": 0.0},
        {"seconds": 0.0},
        {"blink_open": 0.5},
        {"window": 0},
        {"tries": 0},
    ],
)
def test_a_policy_that_cannot_be_is_refused(changed: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"challenge|actions"):
        replace(POLICY, **changed)  # type: ignore[arg-type]  # one field at a time


def test_every_action_has_its_words() -> None:
    assert set(Action) == set(PROMPTS)
    assert len(set(PROMPTS.values())) == len(Action)


@pytest.mark.parametrize(
    ("during", "found"),
    [
        ([OPEN] * 5, Done(Action.MOUTH, 20.0)),
        ([REST] * 30 + [OPEN] * 5, Done(Action.MOUTH, 20.0)),
        ([OPEN] * 5 + [REST] * 30, Done(Action.MOUTH, 20.0)),
        ([OPEN] * 4, None),
        ([OPEN] * 2 + [REST] * 3, None),
        ([replace(OPEN, chin_mm=80.0, edge_mm=nan)] * 5, Done(Action.MOUTH, 10.0)),
        ([replace(OPEN, chin_mm=nan, edge_mm=90.0)] * 5, Done(Action.MOUTH, 10.0)),
        ([replace(OPEN, chin_mm=79.9, edge_mm=89.9)] * 5, None),
        ([OPEN, UNREAD] * 3 + [OPEN] * 2, Done(Action.MOUTH, 20.0)),
        ([OPEN, *[UNREAD] * 6] * 5, None),
        ([replace(OPEN, edge_mm=nan)] * 5, Done(Action.MOUTH, 20.0)),
        ([replace(OPEN, edge_mm=84.9)] * 5, None),
        ([replace(OPEN, mouth_ratio=0.11)] * 30, None),
        ([replace(OPEN, mouth_ratio=nan)] * 30, None),
        ([replace(OPEN, chin_mm=nan, edge_mm=nan)] * 30, None),
        ([replace(OPEN, chin_mm=inf, edge_mm=inf)] * 30, None),
        ([], None),
    ],
    ids=[
        "open", "late", "shut-again", "too-short", "not-most-of-them", "chin-at-the-limit",
        "edge-at-the-limit",
        "below-the-limit", "some-unread", "too-many-unread", "no-edge", "edge-stays",
        "mouth-shut", "no-mouth", "no-depth", "endless", "nothing",
    ],
)  # fmt: skip
def test_a_mouth_is_open_when_the_chin_went_away(
    during: list[Measures], found: Done | None
) -> None:
    assert found == judge_action(Action.MOUTH, BEFORE, during, POLICY)


@pytest.mark.parametrize(
    ("during", "found"),
    [
        ([MASK] * 5, Cause.SPOOF_RIGID),
        ([MASK, REST] * 5, None),
        ([MASK] * 4, None),
        ([replace(MASK, mouth_ratio=0.2)] * 9, None),
        ([replace(MASK, chin_mm=74.9)] * 5, Cause.SPOOF_RIGID),
        ([replace(MASK, chin_mm=75.0)] * 5, None),
        ([replace(MASK, edge_mm=85.0)] * 5, None),
        ([replace(MASK, edge_mm=nan)] * 5, Cause.SPOOF_RIGID),
        ([replace(MASK, chin_mm=nan)] * 5, Cause.SPOOF_RIGID),
        ([SLID] * 30, None),
        ([replace(MASK, chin_mm=nan, edge_mm=nan)] * 30, None),
        ([replace(MASK, mouth_ratio=nan)] * 30, None),
        ([MASK] * 5 + [OPEN] * 5, Cause.SPOOF_RIGID),
    ],
    ids=[
        "mask", "now-and-then", "too-short", "lips-only", "hardly", "moved", "edge-moved",
        "no-edge", "no-chin", "slid", "no-depth",
        "no-lips", "mask-then-face",
    ],
)  # fmt: skip
def test_a_mouth_that_opens_in_a_face_that_does_not_move_is_a_mask(
    during: list[Measures], found: Cause | None
) -> None:
    assert found == judge_action(Action.MOUTH, BEFORE, during, POLICY)


def test_a_mask_is_told_from_its_mouth_at_rest() -> None:
    laughing = [replace(REST, mouth_ratio=0.4)] * 5

    assert judge_action(Action.MOUTH, laughing, [MASK] * 5, POLICY) is None


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("before", [[], [REST] * 4, [*[REST] * 4, UNREAD]])
def test_without_five_readings_at_rest_nothing_is_proven(
    action: Action, before: list[Measures]
) -> None:
    moved = replace(OPEN, yaw_deg=30.0, blink=0.9)

    assert not has_baseline(action, before, POLICY)
    assert judge_action(action, before, [moved] * 9, POLICY) is None


@pytest.mark.parametrize(
    ("action", "yaw_deg", "done"),
    [
        (Action.TURN_LEFT, 10.0, True),
        (Action.TURN_LEFT, 9.9, False),
        (Action.TURN_LEFT, -30.0, False),
        (Action.TURN_RIGHT, -14.0, True),
        (Action.TURN_RIGHT, -13.9, False),
        (Action.TURN_RIGHT, 30.0, False),
        (Action.TURN_RIGHT, nan, False),
        (Action.TURN_LEFT, inf, False),
    ],
)
def test_a_head_is_turned_when_it_went_far_enough_in_the_direction_asked(
    action: Action, yaw_deg: float, done: bool
) -> None:
    found = judge_action(action, BEFORE, [replace(REST, yaw_deg=yaw_deg)] * 3, POLICY)

    assert done is isinstance(found, Done)


@pytest.mark.parametrize("action", TURNS)
def test_one_frame_of_a_turned_head_is_noise(action: Action) -> None:
    far = 40.0 if action is Action.TURN_LEFT else -40.0

    assert judge_action(action, BEFORE, [REST, replace(REST, yaw_deg=far), REST], POLICY) is None


@pytest.mark.parametrize(
    ("blinks", "done"),
    [
        ([0.1, 0.6, 0.1], True),
        ([0.6, 0.4, 0.3], True),
        ([0.6, nan, 0.1], True),
        ([0.6, 0.6, 0.6], False),
        ([0.1, 0.49, 0.1], False),
        ([0.1, 0.1, 0.6], False),
        ([nan, nan, nan], False),
        ([inf, inf, 0.1], False),
    ],
)
def test_a_blink_is_open_shut_and_open_again(blinks: list[float], done: bool) -> None:
    during = [replace(REST, blink=blink) for blink in blinks]

    assert done is isinstance(judge_action(Action.BLINK, BEFORE, during, POLICY), Done)


def test_who_had_his_eyes_shut_before_did_not_blink() -> None:
    asleep = [replace(REST, blink=0.7)] * 5
    during = [replace(REST, blink=0.7), REST]

    assert judge_action(Action.BLINK, asleep, during, POLICY) is None


@pytest.mark.parametrize("action", Action)
def test_what_is_not_done_in_time_is_not_done(action: Action) -> None:
    found = judge_action(action, BEFORE, [REST] * 90, POLICY, over=True)

    assert Cause.ACTION_NOT_DONE is found
    assert Cause.ACTION_NOT_DONE not in {Cause.SPOOF_RIGID}


def test_what_was_done_at_the_last_moment_is_done() -> None:
    assert Done(Action.MOUTH, 20.0) == judge_action(
        Action.MOUTH, BEFORE, [OPEN] * 5, POLICY, over=True
    )


@given(st.sampled_from(Action), st.lists(MEASURES, max_size=12), st.lists(MEASURES, max_size=20))
def test_whatever_is_measured_it_is_done_only_above_the_limit(
    action: Action, before: list[Measures], during: list[Measures]
) -> None:
    found = judge_action(action, before, during, POLICY)

    least = {Action.MOUTH: POLICY.jaw_mm, Action.BLINK: POLICY.blink_shut - POLICY.blink_open}
    if isinstance(found, Done):
        assert action is found.action
        assert found.change >= least.get(action, POLICY.turn_deg)
        assert has_baseline(action, before, POLICY)


@given(st.sampled_from(Action), st.lists(st.booleans(), max_size=30))
def test_a_face_at_rest_does_nothing_whatever_is_not_read_of_it(
    action: Action, unread: list[bool]
) -> None:
    during = [UNREAD if gone else REST for gone in unread]

    assert judge_action(action, BEFORE, during, POLICY) is None


@given(st.lists(st.floats(-4.9, 4.9), min_size=5, max_size=30))
def test_noise_below_half_the_limit_is_neither_a_movement_nor_a_mask(noise: list[float]) -> None:
    during = [replace(REST, chin_mm=70.0 + mm) for mm in noise]

    assert judge_action(Action.MOUTH, BEFORE, during, POLICY) is None


def test_gates_that_the_action_does_not_touch_go_on_holding() -> None:
    names = ("gain1", "corr1", "gain2", "corr2", "ring", "ipd_mm", "procrustes_mm", "ir_face")
    gates = tuple(Gate(name, 0.0, 1.0, Cause.SPOOF_FLAT) for name in names)
    policy = LivenessPolicy((), gates, 5, 2, "test")

    kept = {action: {gate.feature for gate in steady(policy, action).attack} for action in Action}

    assert set(names) == kept[Action.BLINK]
    assert kept[Action.MOUTH] == kept[Action.TURN_LEFT] == kept[Action.TURN_RIGHT]
    assert {"gain1", "ring", "ipd_mm", "ir_face"} == kept[Action.MOUTH]


def test_only_who_is_asked_to_turn_may_be_turned() -> None:
    limits = Limits()

    assert {action: eased(limits, action).max_yaw_deg for action in Action} == {
        Action.MOUTH: 20.0,
        Action.BLINK: 20.0,
        Action.TURN_LEFT: 45.0,
        Action.TURN_RIGHT: 45.0,
    }
    assert limits == eased(limits, Action.MOUTH)
