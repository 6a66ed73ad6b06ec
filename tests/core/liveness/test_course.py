"""Courses: what looks at one face add up to, and how tries of an action end."""

from __future__ import annotations

from math import nan

import pytest

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import Action, ChallengePolicy, Done, Measures
from yibao_face.daemon.core.liveness.course import Guard, PassiveCourse, Try, tried
from yibao_face.daemon.core.liveness.gate import Gate, LivenessPolicy

POLICY = LivenessPolicy((), (Gate("gain1", 0.5, 1.5, Cause.SPOOF_FLAT),), 5, 2, "test")
REST = Measures(chin_mm=60.0, edge_mm=70.0, mouth_ratio=0.0, yaw_deg=0.0, blink=0.1)
OPEN = Measures(chin_mm=80.0, edge_mm=90.0, mouth_ratio=0.6, yaw_deg=0.0, blink=0.1)
ASKED = ChallengePolicy(tries=3)
HEAD, FLAT = {"gain1": 1.0}, {"gain1": 0.0}


def course(looks: str, held: tuple[Cause, ...] = ()) -> PassiveCourse:
    """``h``: a head, ``f``: flat; in capitals: another face than the one before."""
    made = PassiveCourse(POLICY, held)
    for look in looks:
        made.add(FLAT if look in "fF" else HEAD, REST, same=look.islower())
    return made


@pytest.mark.parametrize(
    ("looks", "held", "cause"),
    [
        ("hhhhh", 0, None),
        ("hhhfh", 0, None),
        ("ff", 0, Cause.SPOOF_FLAT),
        ("hhhhf", 1, Cause.SPOOF_FLAT),
        ("fHhhhh", 0, None),
        ("fHf", 0, Cause.SPOOF_FLAT),
        ("fHHHHf", 0, Cause.SPOOF_FLAT),
    ],
)
def test_attack_frames_of_earlier_faces_count(looks: str, held: int, cause: Cause | None) -> None:
    verdict = course(looks, (Cause.SPOOF_FLAT,) * held).judged()

    assert verdict is not None
    assert cause is verdict.cause


@pytest.mark.parametrize("looks", ["", "hhhh", "f", "hhhhH", "hhhfHhh"])
def test_nobody_is_judged_by_looks_at_several_faces(looks: str) -> None:
    assert course(looks).judged() is None


def test_another_face_starts_the_counting_again_but_not_the_record() -> None:
    made = course("hfhH")

    assert (1, 1, 4) == (made.counted, len(made.before), made.usable)
    assert (Cause.SPOOF_FLAT,) == made.held
    assert Cause.MOVED is made.lasting_hint


def test_the_hint_seen_most_lasts_and_nobody_seen_is_no_face() -> None:
    made = PassiveCourse(POLICY)
    assert Cause.NO_FACE is made.lasting_hint

    for hint in (Cause.TOO_FAR, Cause.TOO_DARK, Cause.TOO_DARK):
        made.hint(hint)

    assert Cause.TOO_DARK is made.lasting_hint


@pytest.mark.parametrize(
    ("held", "frames", "condemned"),
    [
        (0, "hhfhh", False),
        (0, "fhhhf", True),
        (0, "fhhhhhf", False),
        (1, "f", True),
        (1, "hhhhhf", False),
    ],
)
def test_who_acts_is_condemned_by_attack_frames_close_together(
    held: int, frames: str, condemned: bool
) -> None:
    guard = Guard(POLICY, (Cause.SPOOF_FLAT,) * held)

    passed = [guard.passes(HEAD if frame == "h" else FLAT, POLICY) for frame in frames]

    assert [frame == "h" for frame in frames] == passed
    assert (Cause.SPOOF_FLAT if condemned else None) is guard.condemned
    assert held + frames.count("f") == len(guard.held)


def test_an_action_is_done_once_enough_frames_show_it() -> None:
    trial = Try(Action.MOUTH, [REST] * 5, ASKED)

    assert [None] * 4 == [trial.see(OPEN) for _ in range(4)]
    assert Done(Action.MOUTH, 20.0) == trial.see(OPEN)


def test_a_frame_that_says_nothing_is_never_the_one_that_proves() -> None:
    trial = Try(Action.MOUTH, [REST] * 5, ASKED)
    for _ in range(5):
        trial.see(OPEN)

    assert trial.see(None) is None


@pytest.mark.parametrize(
    ("frames", "ended"),
    [
        ([REST] * 3, Cause.ACTION_NOT_DONE),
        ([REST] * 30, Cause.ACTION_NOT_DONE),
        ([None] * 30, Cause.DEPTH_POOR),
        ([Measures(mouth_ratio=0.6)] * 30, Cause.DEPTH_POOR),
        ([Measures(chin_mm=nan)] * 2, Cause.ACTION_NOT_DONE),
    ],
)
def test_a_try_whose_time_is_over_says_why(frames: list[Measures | None], ended: Cause) -> None:
    trial = Try(Action.MOUTH, [REST] * 5, ASKED)

    assert [None] * len(frames) == [trial.see(frame) for frame in frames]
    assert ended is trial.time_out()


@pytest.mark.parametrize(
    ("ends", "asked"),
    [
        ([Cause.ACTION_NOT_DONE] * 3, 3),
        ([Cause.DEPTH_POOR, Done(Action.BLINK, 0.5)], 2),
        ([Cause.SPOOF_RIGID], 1),
        ([Cause.MOVED], 1),
        ([Done(Action.BLINK, 0.5)], 1),
    ],
)
def test_only_what_another_try_may_mend_is_asked_again(
    ends: list[Done | Cause], asked: int
) -> None:
    left = list(ends)

    ended = tried(ASKED, lambda: left.pop(0))

    assert (ends[-1], asked) == (ended, len(ends) - len(left))
