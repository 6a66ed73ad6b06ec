"""The challenge over real networks: who moves passes, masks and other persons do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain

import pytest
from moving_face import frames, living, mirrored, mouth_hole, mouth_open, rigid

from yibao_face.daemon.booth.counter import Counter
from yibao_face.daemon.capture.attempt import Attempt, DeadlineError
from yibao_face.daemon.capture.challenge import Challenge, Proof
from yibao_face.daemon.capture.examine import Examiner, Shot
from yibao_face.daemon.capture.session import Capture, Session
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import Action, ChallengePolicy, When, eased
from yibao_face.daemon.demo.picture import scene
from yibao_face.drivers.virtual import Step, VirtualCamera

Person = Callable[[str], scene.Subject]
POLICY = ChallengePolicy(When.ALWAYS, seconds=20.0)
# Between one person's mouth open and shut, and between two persons, with the networks we carry.
LEAST = 0.36
# Nothing more to see, for longer than any action is waited for: the time runs out.
NOTHING_MORE = [4.0]


class Heard(Counter):
    """A counter that keeps what it showed."""

    def __init__(self) -> None:
        super().__init__(attached_s=60.0)
        self.shown: list[Action | Cause] = []

    def tell(self, hint: Cause) -> None:
        super().tell(hint)
        self.shown.append(hint)

    def ask_action(self, action: Action, seconds: float) -> None:
        super().ask_action(action, seconds)
        self.shown.append(action)


def challenged(
    session: Session,
    script: Iterable[Iterable[Step]],
    policy: ChallengePolicy = POLICY,
    *,
    depth: bool = True,
    random: Callable[[int], int] = lambda _n: 0,
) -> tuple[Proof, Counter, list[Action | Cause]]:
    """A passive part over the beginning of ``script``, and the challenge over the rest."""
    counter = Heard()
    attempt = Attempt(100.0)
    with VirtualCamera(list(chain.from_iterable(script))) as camera:
        capture = session.gather(camera, attempt, counter.tell)
        assert isinstance(capture, Capture)
        challenge = Challenge(session, policy, random, LEAST)
        proof = challenge.run(camera, attempt, counter, capture, depth=depth)
    return proof, counter, counter.shown


@pytest.mark.parametrize("name", ["second", "third"])
def test_who_opens_the_mouth_passes(session: Session, person: Person, name: str) -> None:
    face = person(name)
    rest, opened = living(face), living(mouth_open(face, 0.5))

    proof, counter, shown = challenged(session, [frames(rest, 0, 9), frames(opened, 9, 12)])

    [trial] = proof.trials
    assert proof.cause is None
    assert [Action.MOUTH] == shown
    assert ("done", Action.MOUTH) == (trial.ended, trial.action)
    assert trial.change >= POLICY.jaw_mm
    assert counter.look().task is None
    assert {0, 1, 2, 3, 4} == {shot.frame.seq for shot in proof.capture.shots}


def test_who_does_nothing_is_asked_twice_and_then_refused(
    session: Session, person: Person
) -> None:
    policy = replace(POLICY, seconds=0.4)

    proof, counter, shown = challenged(
        session, [frames(living(person("third")), 0, 9), NOTHING_MORE], policy
    )

    assert Cause.ACTION_NOT_DONE is proof.cause
    assert [Action.MOUTH, Action.MOUTH] == shown
    assert ["action-not-done"] * 2 == [trial.ended for trial in proof.trials]
    assert all(trial.took_ms >= 400 for trial in proof.trials)
    assert proof.trials[1].asked_ms >= 400
    assert counter.look().task is None


@pytest.mark.parametrize("name", ["second", "third"])
@pytest.mark.parametrize("share", [0.45, 0.6])
def test_a_rigid_mask_with_a_hole_for_the_mouth_is_an_attack(
    session: Session, person: Person, name: str, share: float
) -> None:
    face = person(name)
    mask = rigid(mouth_hole(face, share), face)

    proof, _, _ = challenged(session, [frames(living(face), 0, 16), frames(mask, 16, 12)])

    assert Cause.SPOOF_RIGID is proof.cause
    assert ["spoof-rigid"] == [trial.ended for trial in proof.trials]


@pytest.mark.parametrize("name", ["second", "third"])
def test_a_picture_whose_jaw_drops_on_a_head_that_does_not_never_passes(
    session: Session, person: Person, name: str
) -> None:
    face = person(name)
    replayed = rigid(mouth_open(face, 0.5), face)

    proof, _, _ = challenged(session, [frames(living(face), 0, 16), frames(replayed, 16, 12)])

    assert Cause.SPOOF_RIGID is proof.cause


def test_a_print_held_up_during_the_challenge_ends_it(session: Session, person: Person) -> None:
    face = person("third")
    paper = scene.flat_print(mouth_open(face, 0.5))

    proof, _, _ = challenged(session, [frames(living(face), 0, 5), frames(paper, 5, 4)])

    assert Cause.SPOOF_FLAT is proof.cause


def test_another_person_who_opens_the_mouth_in_the_same_place_is_told(
    session: Session, person: Person
) -> None:
    rest, other = living(person("third")), living(mouth_open(person("second"), 0.5))

    proof, _, _ = challenged(session, [frames(rest, 0, 5), frames(other, 5, 20)])

    assert Cause.PERSON_CHANGED is proof.cause


def test_who_moves_once_is_looked_at_again_from_the_start(
    session: Session, person: Person
) -> None:
    face = person("third")
    rest, opened = living(face), living(mouth_open(face, 0.5))
    script = [
        frames(rest, 0, 7, -110.0),
        frames(rest, 7, 8, 110.0),
        frames(opened, 15, 12, 110.0),
    ]

    proof, _, shown = challenged(session, script)

    assert proof.cause is None
    assert [Action.MOUTH, Cause.MOVED, Action.MOUTH] == shown
    assert ["moved", "done"] == [trial.ended for trial in proof.trials]
    assert all(shot.frame.seq > 7 for shot in proof.capture.shots)


def test_who_moves_twice_is_another_person(session: Session, person: Person) -> None:
    rest = living(person("third"))
    script = [
        frames(rest, 0, 7, -110.0),
        frames(rest, 7, 8, 110.0),
        frames(rest, 15, 3, -110.0),
    ]

    proof, _, _ = challenged(session, script)

    assert Cause.PERSON_CHANGED is proof.cause
    assert ["moved", "moved"] == [trial.ended for trial in proof.trials]


def test_who_did_not_pass_before_is_not_asked(session: Session, person: Person) -> None:
    proof, _, shown = challenged(session, [frames(scene.flat_print(person("third")), 0, 9)])

    assert Cause.SPOOF_FLAT is proof.cause
    assert [] == shown
    assert () == proof.trials


def test_an_action_no_camera_could_see_is_not_asked_for(session: Session, person: Person) -> None:
    policy = replace(POLICY, actions=(Action.MOUTH,))

    proof, _, shown = challenged(
        session, [frames(living(person("third")), 0, 6)], policy, depth=False
    )

    assert Cause.NO_DEPTH_CAMERA is proof.cause
    assert [] == shown


@pytest.mark.parametrize(
    ("action", "cause"), [(Action.TURN_LEFT, Cause.ACTION_NOT_DONE), (Action.TURN_RIGHT, None)]
)
def test_a_head_must_turn_the_way_it_was_asked_to(
    session: Session, person: Person, action: Action, cause: Cause | None
) -> None:
    # The portrait looks to its left; what it looks like in the mirror, to its right.
    face = person("second")
    policy = replace(POLICY, actions=(action,), mask_proof=False, tries=1, seconds=3.0)
    script = [frames(living(face), 0, 5), frames(mirrored(face), 5, 6), NOTHING_MORE]

    proof, _, _ = challenged(session, script, policy)

    assert cause is proof.cause
    assert [action] == [trial.action for trial in proof.trials]


def test_a_face_asked_to_turn_may_be_turned(examiner: Examiner, person: Person) -> None:
    strict = replace(examiner, limits=replace(examiner.limits, max_yaw_deg=5.0))
    turned = next(frames(living(person("second")), 0, 1))

    assert Cause.NOT_FRONTAL is strict.examine(turned)
    asked = replace(strict, limits=eased(strict.limits, Action.TURN_LEFT))
    assert isinstance(asked.examine(turned), Shot)


def test_the_deadline_of_the_call_ends_a_challenge(session: Session, person: Person) -> None:
    counter = Heard()
    with VirtualCamera(list(frames(living(person("third")), 0, 8))) as camera:
        capture = session.gather(camera, Attempt(60.0), counter.tell)
        assert isinstance(capture, Capture)
        challenge = Challenge(session, POLICY, lambda _n: 0, LEAST)

        with pytest.raises(DeadlineError):
            challenge.run(camera, Attempt(0.0), counter, capture, depth=True)

    assert counter.look().task is None
