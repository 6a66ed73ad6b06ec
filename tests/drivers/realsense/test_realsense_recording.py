"""From a software camera through the SDK's file and pipeline to our frames: nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyrealsense2
import pytest
from beds.realsense.bed import Socket
from beds.realsense.recording import (
    COLOUR_LENS,
    DEPTH_LENS,
    SERIAL,
    Shot,
    noise,
    write_recording,
)

from yibao_face.drivers.api import (
    Capability,
    DeviceLostError,
    DeviceStalledError,
    Frame,
    Intrinsics,
)
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.realsense import pump
from yibao_face.drivers.realsense.realsense import RealSenseCamera, open_realsense

rs: Any = pyrealsense2
PATIENCE_S = 10.0
SIZE = (240, 320)
SEEN = Capability.RGB | Capability.DEPTH | Capability.RECORDED
BENT = (0.12, -0.05, 0.002, -0.001, 0.01)


def opened(path: Path) -> RealSenseCamera:
    return open_realsense(f"file={path}", Settings())


def played(path: Path) -> list[Frame]:
    """All frames until the end of the recording."""
    frames: list[Frame] = []
    with opened(path) as camera:
        while True:
            try:
                frame = camera.read(PATIENCE_S)
            except DeviceLostError:
                return frames
            assert frame is not None
            frames.append(frame)


def one_frame(path: Path, shot: Shot, **how: Any) -> Frame:
    return played(write_recording(path, [shot] * 3, **how))[-1]


def wall(depth_mm: int = 600) -> Shot:
    """A flat wall; colour and IR are smooth, so that a place can be read off them."""
    v, u = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    rgb = np.stack([u * 255 // SIZE[1], v * 255 // SIZE[0], (u + v) // 3], -1)
    ir = (u // 2 + v // 3).astype(np.uint8)
    return Shot(np.full(SIZE, depth_mm, np.uint16), rgb.astype(np.uint8), ir)


def test_sixty_depth_images_come_back_bit_exact(tmp_path: Path) -> None:
    shots = noise(60)
    path = write_recording(tmp_path / "registered.db3", shots, registered=True)

    frames = played(path)

    assert [shot.depth.tobytes() for shot in shots] == [
        frame.depth_mm.tobytes() for frame in frames if frame.depth_mm is not None
    ]
    assert [shot.rgb[..., ::-1].tobytes() for shot in shots] == [f.bgr.tobytes() for f in frames]


def test_times_of_the_camera_are_kept_and_skew_is_told(recording: Path) -> None:
    frames = played(recording)

    assert [round(1e6 + n * 1e6 / 30) for n in range(60)] == [f.device_us for f in frames]
    assert {3000} == {frame.skew_us for frame in frames}
    assert list(range(1, 61)) == [frame.seq for frame in frames]


def test_a_recording_is_played_in_its_own_pace(recording: Path) -> None:
    frames = played(recording)

    early = [
        frame.seq
        for frame in frames
        # 2 ms: a wait may end a little early, by the clock's own grain.
        if frame.at_ns - frames[0].at_ns < (frame.device_us - frames[0].device_us - 2000) * 1000
    ]
    assert [] == early


def test_it_says_who_it_is_and_that_it_was_recorded(recording: Path) -> None:
    with opened(recording) as camera:
        info = camera.info

    assert ("SYNTH RGBD", SERIAL, "5.16.0.1") == (info.model, info.serial, info.firmware)
    assert SEEN | Capability.IR == info.capability
    assert f"realsense:file={recording}" == info.uri


def test_without_an_infrared_stream_there_is_no_infrared(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "plain.db3", noise(5, infrared=False))

    with opened(path) as camera:
        assert camera.info.capability == SEEN
    assert [None] * 5 == [frame.ir for frame in played(path)]


def test_the_lens_of_colour_is_told(recording: Path) -> None:
    with opened(recording) as camera:
        frame = camera.read(PATIENCE_S)

    assert frame is not None
    fx, fy, cx, cy = COLOUR_LENS
    assert Intrinsics(320, 240, fx, fy, cx, cy) == frame.intrinsics


def test_depth_lies_where_colour_sees_it(tmp_path: Path) -> None:
    depth = np.full(SIZE, 1000, np.uint16)
    depth[100:140, 150:200] = 400
    shot = wall()

    frame = one_frame(tmp_path / "box.db3", Shot(depth, shot.rgb, shot.ir))

    assert frame.depth_mm is not None
    near = np.argwhere(frame.depth_mm == 400)
    corners = [in_colour(150, 100, 400.0), in_colour(199, 139, 400.0)]
    np.testing.assert_allclose(near.min(0)[::-1], corners[0], atol=1.5)
    np.testing.assert_allclose(near.max(0)[::-1], corners[1], atol=1.5)


def in_colour(u: float, v: float, depth_mm: float) -> tuple[float, float]:
    """Where colour sees what depth has at ``u``, ``v``; it stands 15 mm beside."""
    fx, fy, cx, cy = DEPTH_LENS
    x, y = (u - cx) / fx * depth_mm + 15.0, (v - cy) / fy * depth_mm
    fx, fy, cx, cy = COLOUR_LENS
    return x / depth_mm * fx + cx, y / depth_mm * fy + cy


@pytest.mark.parametrize("hole", [False, True])
def test_infrared_lies_where_colour_sees_it_also_in_holes_of_depth(
    tmp_path: Path, hole: bool
) -> None:
    shot = wall(600)
    if hole:
        shot.depth[100:140, 150:200] = 0

    frame = one_frame(tmp_path / "wall.db3", shot)

    assert shot.ir is not None
    assert frame.ir is not None
    off = [
        abs(int(frame.ir[round(y), round(x)]) - int(shot.ir[v, u]))
        for u in range(20, 280, 13)
        for v in range(20, 220, 13)
        for x, y in [in_colour(u, v, 600.0)]
    ]
    assert max(off) <= 2


def test_a_bent_image_is_straightened(tmp_path: Path) -> None:
    shot = wall()

    frame = one_frame(tmp_path / "bent.db3", shot, distortion=BENT)

    fx, fy, cx, cy = COLOUR_LENS
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    straight = cv2.undistort(shot.rgb[..., ::-1].copy(), matrix, np.array(BENT))
    inside = np.s_[20:-20, 20:-20]
    off = np.abs(frame.bgr[inside].astype(int) - straight[inside].astype(int))
    moved = np.abs(shot.rgb[..., ::-1][inside].astype(int) - straight[inside].astype(int))
    assert off.max() <= 2
    assert moved.max() > 2


def test_depth_in_other_steps_becomes_millimetres(tmp_path: Path) -> None:
    path = tmp_path / "fine.db3"

    frame = one_frame(path, wall(6004), registered=True, unit_m=0.0001)

    assert frame.depth_mm is not None
    assert {600} == set(np.unique(frame.depth_mm))


def test_a_strobing_lamp_is_told_frame_by_frame(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "strobe.db3", noise(8), strobe=True)

    assert [False, True] * 4 == [frame.ir_lit for frame in played(path)]


def test_a_lamp_that_nobody_tells_of_is_unknown(recording: Path) -> None:
    with opened(recording) as camera:
        frame = camera.read(PATIENCE_S)

    assert frame is not None
    assert frame.ir_lit is None


def test_it_opens_again_twenty_times(recording: Path, shots: Sequence[Shot]) -> None:
    firsts: list[int] = []
    for _ in range(20):
        with opened(recording) as camera:
            frame = camera.read(PATIENCE_S)
            assert frame is not None
            firsts.append(frame.device_us)

    assert [1_000_000] * 20 == firsts
    assert 60 == len(shots)


@pytest.fixture
def socket(recording: Path, tmp_path: Path) -> Socket:
    own = tmp_path / "own.db3"
    shutil.copy(recording, own)
    return Socket(own)


def test_unplugging_is_told_at_once_though_frames_wait(socket: Socket) -> None:
    with socket.open() as camera:
        assert camera.read(PATIENCE_S) is not None
        socket.unplug()

        with pytest.raises(DeviceLostError, match="was unplugged"):
            for _ in range(5):
                camera.read(0.2)


def test_streams_that_fall_silent_are_started_anew(
    socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "RESTART_S", 0.5)
    with socket.open() as camera:
        assert camera.read(PATIENCE_S) is not None
        socket.stall()
        while camera.read(0.3) is not None:
            pass

        assert camera.read(PATIENCE_S) is not None


def test_a_camera_that_stays_silent_is_stalled(
    socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "RESTART_S", 99.0)
    monkeypatch.setattr(pump, "STALLED_S", 1.0)
    with socket.open() as camera:
        assert camera.read(PATIENCE_S) is not None
        socket.stall()

        for _ in range(2):
            with pytest.raises(DeviceStalledError, match="no frames"):
                for _ in range(20):
                    camera.read(0.2)


def test_one_that_is_gone_when_it_is_started_anew_is_lost(
    socket: Socket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pump, "RESTART_S", 0.5)
    with socket.open() as camera:
        assert camera.read(PATIENCE_S) is not None
        socket.stall()
        (tmp_path / "own.db3").rename(tmp_path / "elsewhere.db3")

        with pytest.raises(DeviceLostError, match="went away"):
            for _ in range(20):
                camera.read(0.2)
