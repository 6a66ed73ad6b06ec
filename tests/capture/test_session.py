"""The passive part: one face from frame to frame, at most so many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from moving_face import frames, living, mirrored

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.capture.examine import Examiner, Shot
from yibao_face.daemon.capture.session import Capture, Follower, Session
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.demo.picture import scene
from yibao_face.drivers.api import DeviceLostError, Frame
from yibao_face.drivers.virtual import VirtualCamera

Person = Callable[[str], scene.Subject]


def gathered(
    session: Session, script: Iterable[Frame], held: tuple[Cause, ...] = ()
) -> tuple[Capture | Cause, list[Cause]]:
    """The end of the passive part over ``script``, and what was told on the way."""
    told: list[Cause] = []
    with VirtualCamera(list(script)) as camera:
        return session.gather(camera, Attempt(60.0), told.append, held), told


def test_five_frames_of_one_living_face_are_judged_and_kept(
    session: Session, person: Person
) -> None:
    found, told = gathered(session, frames(living(person("third")), 0, 6))

    assert isinstance(found, Capture)
    assert [] == told
    assert (None, 5, 5) == (found.verdict.cause, len(found.shots), len(found.before))
    assert [0, 1, 2, 3, 4] == sorted(shot.frame.seq for shot in found.shots)
    assert sorted((s.merit for s in found.shots), reverse=True) == [s.merit for s in found.shots]
    assert np.isfinite([(m.chin_mm, m.edge_mm, m.yaw_deg, m.blink) for m in found.before]).all()


def test_a_face_that_leaps_is_another_and_counting_starts_again(
    session: Session, person: Person
) -> None:
    view = living(person("third"))
    script = [*frames(view, 0, 4, -110.0), *frames(view, 4, 6, 110.0)]

    found, told = gathered(session, script)

    assert isinstance(found, Capture)
    assert [Cause.MOVED] == told
    assert [4, 5, 6, 7, 8] == sorted(shot.frame.seq for shot in found.shots)
    assert 5 == len(found.before)


def test_a_face_that_was_away_too_long_is_another(session: Session, person: Person) -> None:
    view = living(person("third"))

    found, told = gathered(session, [*frames(view, 0, 4), *frames(view, 30, 6)])

    assert isinstance(found, Capture)
    assert [Cause.MOVED] == told
    assert [30, 31, 32, 33, 34] == sorted(shot.frame.seq for shot in found.shots)


def test_fifteen_usable_frames_are_judged_and_no_more(session: Session, person: Person) -> None:
    view = living(person("third"))
    script = [f for n in range(20) for f in frames(view, n, 1, 110.0 if n % 2 else -110.0)]
    with VirtualCamera(script) as camera:
        found = session.gather(camera, Attempt(60.0), lambda _hint: None)
        after = camera.read(1.0)

    assert Cause.MOVED is found
    assert after is not None
    assert 15 == after.seq


def test_frames_without_a_face_do_not_count_as_judged(session: Session, person: Person) -> None:
    script = [*frames(scene.empty(), 0, 20), *frames(living(person("third")), 20, 6)]

    found, told = gathered(session, script)

    assert isinstance(found, Capture)
    assert [Cause.NO_FACE] * 20 == told


def test_attack_frames_of_before_count_on(session: Session, person: Person) -> None:
    paper = frames(scene.flat_print(person("third")), 0, 6)

    found, _ = gathered(session, paper, held=(Cause.SPOOF_FLAT,))

    assert isinstance(found, Capture)
    assert (Cause.SPOOF_FLAT, 1) == (found.verdict.cause, found.verdict.frames)
    assert (Cause.SPOOF_FLAT, Cause.SPOOF_FLAT) == found.held


def test_a_camera_that_goes_away_ends_it(session: Session, person: Person) -> None:
    with pytest.raises(DeviceLostError):
        gathered(session, frames(living(person("third")), 0, 3))


def shot(examiner: Examiner, frame: Frame) -> Shot:
    found = examiner.examine(frame)
    assert isinstance(found, Shot)
    return found


def test_a_follower_goes_on_with_the_same_face(examiner: Examiner, person: Person) -> None:
    follower = Follower()
    shots = [shot(examiner, frame) for frame in frames(living(person("third")), 0, 3)]

    followed = [follower.follow(seen) for seen in shots]

    assert [True, True, True] == followed
    assert 1 == follower.id


def test_a_head_that_turns_is_followed(examiner: Examiner, person: Person) -> None:
    follower, face = Follower(), person("second")
    one = shot(examiner, next(frames(living(face), 0, 1)))
    other = shot(examiner, next(frames(mirrored(face), 1, 1)))

    assert follower.follow(one)
    assert follower.follow(other)


def test_who_comes_back_after_many_empty_frames_is_somebody_new(
    examiner: Examiner, person: Person
) -> None:
    follower = Follower()
    before, after = (shot(examiner, frame) for frame in frames(living(person("third")), 0, 2))
    follower.follow(before)
    for _ in range(12):
        follower.miss()

    assert not follower.follow(after)
