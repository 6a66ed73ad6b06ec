"""The stream of one camera, over looks and challenge: what repeats, stands still or is late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from moving_face import frames, living, mouth_open

from yibao_face.daemon.booth.counter import Counter
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.capture.challenge import Challenge
from yibao_face.daemon.capture.session import Capture, Session
from yibao_face.daemon.capture.watch import Watch
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import ChallengePolicy, When
from yibao_face.daemon.core.liveness.stream import StreamPolicy
from yibao_face.daemon.demo.picture import scene
from yibao_face.drivers.api import Frame
from yibao_face.drivers.virtual import VirtualCamera
from yibao_face.models.api import Box

Person = Callable[[str], scene.Subject]
FACE = Box(250.0, 120.0, 140.0, 220.0)
LATE_MS = 1_001


@pytest.fixture
def shown(person: Person) -> list[Frame]:
    return list(frames(living(person("third")), 0, 12))


def seen(frames: list[Frame], policy: StreamPolicy | None = None) -> list[Cause | None]:
    watch = Watch(policy or StreamPolicy())
    return [watch.see(frame, FACE, frame.at_ns) for frame in frames]


def test_a_living_stream_has_nothing_wrong_with_it(shown: list[Frame]) -> None:
    assert [None] * 12 == seen(shown)


def test_a_frame_that_was_read_late_is_not_judged(shown: list[Frame]) -> None:
    watch = Watch(StreamPolicy())

    assert Cause.UNSYNCED is watch.see(shown[0], FACE, shown[0].at_ns + LATE_MS * 1_000_000)
    assert watch.see(shown[1], FACE, shown[1].at_ns) is None


def test_what_came_before_a_pause_is_remembered(shown: list[Frame]) -> None:
    later = [replace(f, at_ns=f.at_ns + 10**10, device_us=f.device_us + 10**7) for f in shown[:3]]
    repeated = seen([*shown[:3], *later])

    assert [None] * 4 == repeated[:4]
    assert [Cause.STREAM_IMPLAUSIBLE] * 2 == repeated[4:]


@pytest.mark.parametrize("shape", [(), (7,), (480, 640, 1)])
def test_a_plane_that_is_no_picture_raises_nothing(
    shown: list[Frame], shape: tuple[int, ...]
) -> None:
    broken = [replace(frame, depth_mm=np.ones(shape, np.uint16)) for frame in shown[:2]]

    assert 2 == len(seen(broken))


def test_a_look_over_repeated_frames_ends_at_once(session: Session, shown: list[Frame]) -> None:
    told: list[Cause] = []
    # These frames carry the times of the script, not of now.
    watch = Watch(StreamPolicy(max_age_ms=float("inf")))
    with VirtualCamera([shown[0]] * 6) as camera:
        found = session.gather(camera, Attempt(60.0), told.append, watch=watch)
        left = camera.read(0.1)

    assert Cause.STREAM_IMPLAUSIBLE is found
    assert left is not None
    assert [] == told


def test_frames_out_of_step_are_told_and_do_not_count(
    session: Session, shown: list[Frame]
) -> None:
    told: list[Cause] = []
    watch = Watch(StreamPolicy(max_age_ms=float("inf")))
    late = [replace(frame, skew_us=50_000) for frame in shown[:3]]
    with VirtualCamera([*late, *shown[3:]]) as camera:
        found = session.gather(camera, Attempt(60.0), told.append, watch=watch)

    assert isinstance(found, Capture)
    assert [Cause.UNSYNCED] * 3 == told
    assert [3, 4, 5, 6, 7] == sorted(shot.frame.seq for shot in found.shots)


def test_frames_of_the_look_that_come_back_in_the_challenge_end_it(
    session: Session, person: Person
) -> None:
    rest = list(frames(living(person("third")), 0, 5))
    opened = list(frames(living(mouth_open(person("third"), 0.5)), 5, 2))
    again = [replace(f, at_ns=f.at_ns + 10**9, device_us=f.device_us + 10**6) for f in rest]
    counter = Counter(60.0)
    watch = Watch(StreamPolicy(max_age_ms=float("inf")))
    with VirtualCamera([*rest, *opened, *again]) as camera:
        capture = session.gather(camera, Attempt(60.0), counter.tell, watch=watch)
        assert isinstance(capture, Capture)
        challenge = Challenge(
            session, ChallengePolicy(When.ALWAYS), lambda _n: 0, 0.4, watch=watch
        )
        proof = challenge.run(camera, Attempt(60.0), counter, capture, depth=True)

    assert Cause.STREAM_IMPLAUSIBLE is proof.cause
    assert ["stream-implausible"] == [trial.ended for trial in challenge.trials]
