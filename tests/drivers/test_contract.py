"""What holds for every camera there is: the ``Camera`` protocol, run on each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yibao_face.drivers.api import Camera, Capability, DeviceLostError, Frame, Intrinsics
from yibao_face.drivers.clip import Planes
from yibao_face.drivers.replay import ReplayCamera, open_replay
from yibao_face.drivers.virtual import VirtualCamera

Record = Callable[[Path, Sequence[int]], list[Planes]]
Script = Callable[[int], list[Frame]]

# Small clips are decoded long before this, on a busy machine too.
PATIENCE_S = 20.0
FRAMES = 6
STEP_US = 20_000
GRACE_S = 0.5


@pytest.fixture(params=["replay", "replay unpaced", "replay once", "virtual", "virtual colour"])
def camera(
    request: pytest.FixtureRequest, tmp_path: Path, record: Record, script: Script
) -> Generator[Camera]:
    """Every camera, with at least FRAMES frames to give."""
    path = tmp_path / "contract.rgbd"
    record(path, [n * STEP_US for n in range(FRAMES)])
    colour = [replace(frame, depth_mm=None, ir=None) for frame in script(FRAMES)]
    cameras: dict[str, Callable[[], Camera]] = {
        "replay": lambda: open_replay(str(path)),
        "replay unpaced": lambda: ReplayCamera(path, paced=False),
        "replay once": lambda: ReplayCamera(path, loop=False),
        "virtual": lambda: VirtualCamera(script(FRAMES)),
        "virtual colour": lambda: VirtualCamera(colour, Capability.RGB),
    }
    with cameras[request.param]() as opened:
        yield opened


@pytest.fixture(params=["replay", "virtual"])
def silent(
    request: pytest.FixtureRequest, tmp_path: Path, record: Record, script: Script
) -> Generator[Camera]:
    """Every camera, after its first frame, with the next one a minute away."""
    path = tmp_path / "silent.rgbd"
    record(path, [0, 60_000_000])
    one, other = script(2)
    cameras: dict[str, Callable[[], Camera]] = {
        "replay": lambda: open_replay(str(path)),
        "virtual": lambda: VirtualCamera([one, 60.0, other]),
    }
    with cameras[request.param]() as opened:
        assert opened.read(PATIENCE_S) is not None
        yield opened


def frames_of(camera: Camera) -> list[Frame]:
    found = [camera.read(PATIENCE_S) for _ in range(FRAMES)]
    return [frame for frame in found if frame is not None]


def test_every_read_brings_a_frame_while_there_are_any(camera: Camera) -> None:
    assert FRAMES == len(frames_of(camera))


@pytest.mark.parametrize("timeout_s", [0.0, 0.05, 0.3])
def test_a_read_without_a_frame_ends_in_time(silent: Camera, timeout_s: float) -> None:
    started = time.monotonic()

    got = silent.read(timeout_s)

    took = time.monotonic() - started
    assert got is None
    assert timeout_s - 0.005 < took < timeout_s + GRACE_S


def test_no_read_lasts_longer_than_asked(camera: Camera) -> None:
    slow: list[float] = []
    for timeout_s in (0.0, 0.001, 0.02, 0.1):
        started = time.monotonic()
        camera.read(timeout_s)
        slow.append(time.monotonic() - started - timeout_s)

    assert max(slow) < GRACE_S


def test_planes_fit_the_calibration_and_the_capability(camera: Camera) -> None:
    capability = camera.info.capability
    for frame in frames_of(camera):
        size = (frame.intrinsics.height, frame.intrinsics.width)

        assert ((*size, 3), np.dtype(np.uint8)) == (frame.bgr.shape, frame.bgr.dtype)
        assert (Capability.DEPTH in capability) is (frame.depth_mm is not None)
        assert (Capability.IR in capability) is (frame.ir is not None)
        if frame.depth_mm is not None:
            assert (size, np.dtype(np.uint16)) == (frame.depth_mm.shape, frame.depth_mm.dtype)
        if frame.ir is not None:
            assert (size, np.dtype(np.uint8)) == (frame.ir.shape, frame.ir.dtype)


def test_frames_are_counted_and_timed_upwards(camera: Camera) -> None:
    frames = frames_of(camera)

    assert list(range(1, FRAMES + 1)) == [frame.seq for frame in frames]
    for clock in ([f.at_ns for f in frames], [f.device_us for f in frames]):
        assert sorted(set(clock)) == clock
    assert frames[-1].at_ns <= time.monotonic_ns()


def test_calibration_stays(camera: Camera, lens: Intrinsics) -> None:
    assert {lens} == {frame.intrinsics for frame in frames_of(camera)}


def test_identity_stays_while_open_and_after(camera: Camera) -> None:
    before = camera.info
    frames_of(camera)
    during = camera.info
    camera.close()

    assert before == during == camera.info
    assert before.driver == before.uri.partition(":")[0]
    assert Capability.RGB in before.capability
    assert all((before.driver, before.uri, before.model, before.serial))


def test_closing_twice_is_nothing_special(camera: Camera) -> None:
    camera.read(PATIENCE_S)

    camera.close()
    camera.close()

    for _ in range(2):
        with pytest.raises(DeviceLostError):
            camera.read(0.1)


def test_an_unread_camera_closes(camera: Camera) -> None:
    camera.close()

    with pytest.raises(DeviceLostError):
        camera.read(0.1)


def test_leaving_the_context_closes_whatever_happened_inside(camera: Camera) -> None:
    with pytest.raises(KeyError, match="inside"), camera:
        raise KeyError("inside")

    with pytest.raises(DeviceLostError):
        camera.read(0.1)


def test_a_silent_camera_closes_at_once(silent: Camera) -> None:
    silent.read(0.01)
    started = time.monotonic()

    silent.close()

    assert time.monotonic() - started < 3.0
    with pytest.raises(DeviceLostError):
        silent.read(0.0)
