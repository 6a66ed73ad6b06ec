"""The demo clips are plausible streams, and what is put into them is found. Simulated (仿真)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.stream import Exposure, StreamPolicy, stream_cause
from yibao_face.drivers.api import Frame
from yibao_face.drivers.replay import ReplayCamera
from yibao_face.models.api import Box
from yibao_face.models.liveness.noise import plane_digests, still_share, temporal_noise_mm

POLICY, LOOPED = StreamPolicy(), StreamPolicy(looped=True)
FACE = Box(250.0, 120.0, 140.0, 220.0)
CLIPS = ("live-first", "live-second", "live-third", "flat-first", "bent-first", "tablet-first")
FRAMES_OF_A_CLIP = 24


def exposed(frame: Frame, before: Frame | None) -> Exposure:
    planes = (frame.bgr, frame.depth_mm, frame.ir)
    old = None if before is None else (before.bgr, before.depth_mm, before.ir)
    assert frame.depth_mm is not None
    noise_mm = None
    if before is not None and before.depth_mm is not None:
        noise_mm = temporal_noise_mm(before.depth_mm, frame.depth_mm, FACE)
    still = None if old is None else still_share(old, planes, FACE)
    return Exposure(
        frame.at_ns, frame.device_us, frame.skew_us, plane_digests(planes), noise_mm, still
    )


def exposures(frames: list[Frame]) -> list[Exposure]:
    return [exposed(now, old) for old, now in zip([None, *frames], frames, strict=False)]


@pytest.fixture(scope="module")
def seen(clips: Path) -> Callable[[str, int], list[Frame]]:
    """Frames of a clip, as fast as they decode, from the start again after its end."""

    def seen(name: str, count: int) -> list[Frame]:
        with ReplayCamera(clips / f"{name}.rgbd", paced=False) as camera:
            found = [camera.read(10.0) for _ in range(count)]
        return [frame for frame in found if frame is not None]

    return seen


@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_is_a_plausible_stream(seen: Callable[[str, int], list[Frame]], name: str) -> None:
    shown = exposures(seen(name, 8))

    assert [None, None] == [stream_cause(shown, policy) for policy in (POLICY, LOOPED)]
    assert all(e.noise_mm is None or e.noise_mm > 20 * POLICY.min_noise_mm for e in shown)
    assert all(e.still is None or e.still < 0.5 for e in shown)


def test_a_clip_in_a_loop_is_plausible_in_the_demo_alone(
    seen: Callable[[str, int], list[Frame]],
) -> None:
    shown = exposures(seen("live-first", FRAMES_OF_A_CLIP + 4))

    assert stream_cause(shown, LOOPED) is None
    assert Cause.STREAM_IMPLAUSIBLE == stream_cause(shown, POLICY)


@pytest.mark.parametrize("policy", [POLICY, LOOPED], ids=["site", "demo"])
@pytest.mark.parametrize("plane", ["bgr", "depth_mm", "ir"])
def test_one_still_plane_among_living_ones_is_implausible(
    seen: Callable[[str, int], list[Frame]], plane: str, policy: StreamPolicy
) -> None:
    frames = seen("live-first", 4)
    frozen = [replace(frame, **{plane: getattr(frames[0], plane)}) for frame in frames]

    assert Cause.STREAM_IMPLAUSIBLE == stream_cause(exposures(frozen), policy)


def test_a_frame_delivered_twice_is_forgiven_once(
    seen: Callable[[str, int], list[Frame]],
) -> None:
    one, two, three, four = seen("live-first", 4)

    assert stream_cause(exposures([one, two, two, three, four]), POLICY) is None
    assert Cause.STREAM_IMPLAUSIBLE == stream_cause(
        exposures([one, two, two, three, three]), POLICY
    )
