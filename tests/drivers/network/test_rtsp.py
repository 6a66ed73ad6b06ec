"""The RTSP driver over time: streams, logins, frozen and restarted servers, nothing kept."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from beds.network.rtsp_bed import Server

from yibao_face.drivers.api import (
    DeviceLostError,
    DevicePermissionError,
    DeviceStalledError,
    Intrinsics,
)
from yibao_face.drivers.clip import ClipReader, ClipWriter, Planes
from yibao_face.drivers.conformance.point import first_frame
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.network.address import Credentials
from yibao_face.drivers.network.rtsp import STALL_S, RtspCamera, open_rtsp

# The long form: YIBAO_FACE_CYCLES=100.
CYCLES = int(os.environ.get("YIBAO_FACE_CYCLES", "10"))


def open_at(server: Server, path: str = "/cam", login: str = "") -> RtspCamera:
    return open_rtsp(f"//{login}127.0.0.1:{server.port}{path}", Settings(fov_deg=90.0))


@pytest.mark.parametrize("path", ["/cam", "/h264"])
def test_frames_come_and_none_is_old(server: Server, path: str) -> None:
    with open_at(server, path) as camera:
        ages_s = [(time.monotonic_ns() - first_frame(camera).at_ns) / 1e9 for _ in range(50)]

    assert max(ages_s) < 1.0


def test_a_slow_reader_gets_the_newest_frame_not_the_next(server: Server) -> None:
    with open_at(server) as camera:
        before = first_frame(camera)
        time.sleep(1.0)
        after = first_frame(camera)

    assert after.seq > before.seq + 5
    assert (time.monotonic_ns() - after.at_ns) / 1e9 < 1.0


def test_the_calibration_follows_from_the_field_of_view(server: Server) -> None:
    with open_at(server) as camera:
        lens = first_frame(camera).intrinsics

    assert (640, 480, 320.0, 240.0) == (lens.width, lens.height, lens.cx, lens.cy)
    assert pytest.approx(320.0) == lens.fx == lens.fy


def test_a_login_by_digest_is_let_in(locked: Server) -> None:
    with open_at(locked, login=Credentials(*locked.login).login + "@") as camera:
        first_frame(camera)


@pytest.mark.parametrize("login", ["", "clerk:wrong@", "nobody:wrong@"])
def test_another_login_is_refused(locked: Server, login: str) -> None:
    with pytest.raises(DevicePermissionError):
        open_at(locked, login=login)


def test_a_frozen_server_is_told_as_stalled_and_for_ever(server: Server) -> None:
    with open_at(server) as camera:
        first_frame(camera)
        server.freeze()
        try:
            silent_s = until_it_raises(camera, DeviceStalledError)
            with pytest.raises(DeviceStalledError):
                camera.read(0.0)
            with pytest.raises(DeviceStalledError):
                open_at(server)
        finally:
            server.thaw()

    assert STALL_S - 0.5 <= silent_s <= STALL_S + 1.0


def until_it_raises(camera: RtspCamera, kind: type[Exception]) -> float:
    """Seconds of short reads until ``kind``, 15 at the most."""
    started = time.monotonic()
    while time.monotonic() < started + 15:
        try:
            camera.read(0.1)
        except kind:
            return time.monotonic() - started
    raise AssertionError(f"no {kind.__name__} in 15 s")


def test_after_a_restart_of_the_frozen_server_it_opens_again(server: Server) -> None:
    with open_at(server) as camera:
        first_frame(camera)
        server.freeze()
        server.kill()
        until_it_raises(camera, DeviceLostError)
    server.start()

    with open_at(server) as camera:
        assert 50 == len([first_frame(camera) for _ in range(50)])


def test_closing_a_frozen_camera_does_not_wait_for_it(server: Server) -> None:
    camera = open_at(server)
    first_frame(camera)
    server.freeze()
    try:
        started = time.monotonic()
        camera.close()
        took_s = time.monotonic() - started
    finally:
        server.thaw()

    assert took_s < 2.0


def test_opening_again_and_again_adds_no_thread_and_no_file(server: Server) -> None:
    me = psutil.Process()
    before = 0, 0
    for cycle in range(CYCLES):
        with open_at(server) as camera:
            first_frame(camera)
        if cycle == 1:
            gc.collect()
            before = me.num_fds(), me.num_threads()
    gc.collect()

    assert before >= (me.num_fds(), me.num_threads())


def test_what_rtsp_needs_does_not_reach_the_clips_of_this_process(
    server: Server, tmp_path: Path
) -> None:
    with open_at(server):
        path = tmp_path / "beside.rgbd"
        plane = np.zeros((12, 16), np.uint8)
        with ClipWriter(path, Intrinsics(16, 12, 9.0, 9.0, 8.0, 6.0), 15.0, "") as clip:
            clip.add(Planes(np.dstack([plane] * 3), None, plane), 0)

        assert 1 == len(list(ClipReader(path).frames()))
