"""The replay camera: a clip as a camera that keeps its time and never passes for a real one."""

from __future__ import annotations

import hashlib
import json
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from yibao_face.drivers.api import (
    Capability,
    ClipError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    Frame,
)
from yibao_face.drivers.clip import Planes
from yibao_face.drivers.replay import ReplayCamera, open_replay

Record = Callable[[Path, Sequence[int]], list[Planes]]
Forged = Callable[[Mapping[str, bytes]], Path]

# Every frame of a small clip is decoded long before this, on a busy machine too.
PATIENCE_S = 20.0
MS = 1000


@pytest.fixture
def broken_inside(forged: Forged, members: dict[str, bytes]) -> Path:
    """A clip that opens well and whose depth ends before its first frame."""
    depth = members["depth.mkv"][: len(members["depth.mkv"]) // 2]
    body = json.loads(members["clip.json"])
    body["sha256"]["depth"] = hashlib.sha256(depth).hexdigest()
    return forged({"clip.json": json.dumps(body).encode(), "depth.mkv": depth})


def next_frame(camera: ReplayCamera) -> Frame:
    frame = camera.read(PATIENCE_S)
    assert frame is not None, "no frame came"
    return frame


def shown(frame: Frame) -> tuple[object, ...]:
    """What a frame holds, without when it came."""
    assert frame.depth_mm is not None
    assert frame.ir is not None
    planes = (frame.bgr, frame.depth_mm, frame.ir)
    return frame.seq, frame.device_us, frame.intrinsics, [plane.tobytes() for plane in planes]


def drained(camera: ReplayCamera) -> list[Frame]:
    """All frames until the camera is lost."""
    found: list[Frame] = []
    while True:
        try:
            found.append(next_frame(camera))
        except DeviceLostError:
            return found


@pytest.mark.parametrize("rest", ["", "nothing.rgbd", "no/such/folder/clip.rgbd", "a\0b"])
def test_a_missing_clip_is_a_missing_device(tmp_path: Path, rest: str) -> None:
    with pytest.raises(DeviceMissingError, match="replay:"):
        open_replay(str(tmp_path / rest) if rest else "")


def test_a_folder_is_a_missing_device(tmp_path: Path) -> None:
    with pytest.raises(DeviceMissingError):
        open_replay(str(tmp_path))


def test_a_corrupt_clip_is_refused_when_opened(tmp_path: Path, whole: Path) -> None:
    data = bytearray(whole.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path = tmp_path / "corrupt.rgbd"
    path.write_bytes(data)

    with pytest.raises(ClipError):
        open_replay(str(path))


def test_a_clip_that_breaks_off_is_told_by_read_and_stays_so(broken_inside: Path) -> None:
    with ReplayCamera(broken_inside) as camera:
        for _ in range(3):
            with pytest.raises(ClipError, match=r"depth\.mkv"):
                camera.read(PATIENCE_S)


def test_every_error_names_the_clip(tmp_path: Path, whole: Path, broken_inside: Path) -> None:
    corrupt = tmp_path / "corrupt.rgbd"
    corrupt.write_bytes(whole.read_bytes()[:-1])
    silent: list[str] = []

    for path in (tmp_path / "missing.rgbd", corrupt, broken_inside):
        with pytest.raises(DeviceError) as told, open_replay(str(path)) as camera:
            camera.read(PATIENCE_S)
        if path.name not in str(told.value):
            silent.append(str(told.value))

    assert [] == silent


def test_frames_are_what_the_clip_holds(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "noise.rgbd"
    written = record(path, [0, 10 * MS, 20 * MS])

    with ReplayCamera(path, loop=False, paced=False) as camera:
        frames = drained(camera)

    assert [1, 2, 3] == [frame.seq for frame in frames]
    assert [0, 10 * MS, 20 * MS] == [frame.device_us for frame in frames]
    for planes, frame in zip(written, frames, strict=True):
        np.testing.assert_array_equal(planes.depth_mm, frame.depth_mm)
        np.testing.assert_array_equal(planes.ir, frame.ir)


@pytest.mark.parametrize("loop", [True, False])
@pytest.mark.parametrize("paced", [True, False])
def test_a_replay_never_passes_for_a_real_camera(whole: Path, loop: bool, paced: bool) -> None:
    with ReplayCamera(whole, loop=loop, paced=paced) as camera:
        before = camera.info.capability
        next_frame(camera)
        after = camera.info.capability
    closed = camera.info.capability

    everything = Capability.RGB | Capability.DEPTH | Capability.IR | Capability.RECORDED
    assert [everything] * 3 == [before, after, closed]


def test_two_plays_show_the_same(whole: Path) -> None:
    plays: list[list[Frame]] = []
    for paced in (True, False):
        with ReplayCamera(whole, loop=False, paced=paced) as camera:
            plays.append(drained(camera))

    first, second = ([shown(frame) for frame in play] for play in plays)
    assert 3 == len(first)
    assert first == second


def test_paced_frames_never_come_before_they_are_due(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "paced.rgbd"
    record(path, [500 * MS, 600 * MS, 750 * MS, 900 * MS])
    started = time.monotonic_ns()

    with ReplayCamera(path, loop=False) as camera:
        frames = drained(camera)

    assert [0, 100 * MS, 250 * MS, 400 * MS] == [frame.device_us for frame in frames]
    # 2 ms: a sleep may end a little early, by the clock's own grain.
    early = [f for f in frames if f.at_ns - started < (f.device_us - 2 * MS) * 1000]
    assert [] == early
    assert sorted(f.at_ns for f in frames) == [f.at_ns for f in frames]


def test_the_pace_goes_on_into_the_next_round(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "paced.rgbd"
    record(path, [0, 100 * MS])
    started = time.monotonic_ns()

    with ReplayCamera(path) as camera:
        frames = [next_frame(camera) for _ in range(5)]

    # A round lasts its 100 ms and one frame of 15 per second.
    expected = [0, 100_000, 166_667, 266_667, 333_334]
    assert expected == [frame.device_us for frame in frames]
    assert frames[-1].at_ns - started >= (frames[-1].device_us - 2 * MS) * 1000


def test_without_pace_frames_do_not_wait_to_be_due(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "slow.rgbd"
    hour = 3_600_000_000
    record(path, [0, hour, 2 * hour])

    with ReplayCamera(path, loop=False, paced=False) as camera:
        frames = drained(camera)

    assert [0, hour, 2 * hour] == [frame.device_us for frame in frames]


def test_a_frame_that_is_not_due_is_neither_given_nor_lost(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "gap.rgbd"
    record(path, [0, 1000 * MS, 1010 * MS])

    with ReplayCamera(path, loop=False) as camera:
        first = next_frame(camera)
        too_soon = [camera.read(0.0), camera.read(0.05), camera.read(0.05)]
        rest = drained(camera)

    assert [None, None, None] == too_soon
    assert [0, 1000 * MS, 1010 * MS] == [frame.device_us for frame in (first, *rest)]
    assert [1, 2, 3] == [frame.seq for frame in (first, *rest)]


def test_a_loop_shows_the_same_again_while_the_clock_runs_on(whole: Path) -> None:
    with ReplayCamera(whole, paced=False) as camera:
        frames = [next_frame(camera) for _ in range(9)]

    times = [frame.device_us for frame in frames]
    pictures = [shown(frame)[-1] for frame in frames]
    assert list(range(1, 10)) == [frame.seq for frame in frames]
    assert sorted(set(times)) == times
    assert pictures[:3] == pictures[3:6] == pictures[6:]
    assert pictures[0] != pictures[1]


def test_a_single_frame_loops_too(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "single.rgbd"
    record(path, [42])

    with ReplayCamera(path, paced=False) as camera:
        times = [next_frame(camera).device_us for _ in range(4)]

    assert [0, 66_667, 133_334, 200_001] == times


def test_the_end_of_a_clip_is_the_loss_of_the_camera_for_good(whole: Path) -> None:
    with ReplayCamera(whole, loop=False, paced=False) as camera:
        drained(camera)

        for timeout_s in (0.0, 0.01, PATIENCE_S):
            with pytest.raises(DeviceLostError, match=r"replay:.*has ended"):
                camera.read(timeout_s)


@pytest.mark.parametrize("read_first", [0, 1])
def test_closing_ends_reading_and_may_be_repeated(whole: Path, read_first: int) -> None:
    camera = ReplayCamera(whole, paced=False)
    for _ in range(read_first):
        next_frame(camera)

    camera.close()
    camera.close()

    for _ in range(2):
        with pytest.raises(DeviceLostError, match=r"replay:.*is closed"):
            camera.read(0.1)


def test_closing_after_the_end_keeps_the_first_reason(whole: Path) -> None:
    camera = ReplayCamera(whole, loop=False, paced=False)
    drained(camera)

    camera.close()

    with pytest.raises(DeviceLostError, match="has ended"):
        camera.read(0.0)


def test_closing_is_prompt_and_leaves_no_thread(whole: Path) -> None:
    before = set(threading.enumerate())
    cameras = [ReplayCamera(whole, paced=paced) for paced in (True, False)]
    for camera in cameras:
        next_frame(camera)
    decoders = set(threading.enumerate()) - before
    started = time.monotonic()

    for camera in cameras:
        camera.close()

    assert 2 == len(decoders)
    assert set() == set(threading.enumerate()) - before
    assert time.monotonic() - started < 3.0


def test_closing_ends_a_read_that_waits(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "gap.rgbd"
    record(path, [0, 20_000 * MS])
    camera = ReplayCamera(path)
    next_frame(camera)
    seen: queue.Queue[object] = queue.Queue()

    def wait() -> None:
        try:
            seen.put(camera.read(30.0))
        except DeviceLostError as exc:
            seen.put(exc)

    reader = threading.Thread(target=wait)
    reader.start()
    time.sleep(0.2)  # not needed to pass: it lets the reader get into its wait
    camera.close()
    reader.join(10.0)

    assert not reader.is_alive()
    assert not isinstance(seen.get_nowait(), Frame), "a frame came long before it was due"
