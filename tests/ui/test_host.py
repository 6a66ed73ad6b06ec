"""What the agent makes for its windows: pictures, a state at a glance, one seat on a machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harness import wait_for
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.agent.lock import take_seat
from yibao_face.daemon.agent.status import Light, Link, Sources, status_of
from yibao_face.daemon.agent.window.picture import Mirror, face_shares, height_px
from yibao_face.daemon.booth.board import Phase
from yibao_face.daemon.booth.eye import Eye
from yibao_face.daemon.core.quality import FaceBox
from yibao_face.daemon.demo.window.drawn import DrawnCamera, drawn_face, drawn_person
from yibao_face.drivers.api import Camera, DeviceBusyError
from yibao_face.drivers.supervise.health import State
from yibao_face.drivers.supervise.supervisor import Patience, Supervisor
from yibao_face.models.api import ModelAlteredError


def test_a_picture_is_upright_and_a_mirror() -> None:
    frame = np.zeros((480, 640, 3), np.uint8)
    frame[:, 140:320] = (10, 20, 30)

    shown = Mirror().show(frame, 480)
    assert (480, 360, 4) == shown.shape
    assert shown.flags.c_contiguous
    assert [10, 20, 30] == shown[240, 300, :3].tolist()
    assert [0, 0, 0] == shown[240, 60, :3].tolist()


@given(st.integers(16, 700), st.integers(16, 700), st.integers(120, 900))
def test_whatever_the_camera_sends_is_of_the_height_asked_for(
    width: int, height: int, rows: int
) -> None:
    mirror = Mirror()
    shown = mirror.show(np.zeros((height, width, 3), np.uint8), rows)

    assert rows == shown.shape[0]
    assert shown is mirror.show(np.ones((height, width, 3), np.uint8), rows)


@pytest.mark.parametrize("asked", [None, True, "9", 0, -5, 3.5])
def test_a_height_that_is_none_is_no_picture(asked: object) -> None:
    assert 0 == height_px(asked)


def test_a_height_is_kept_within_reason() -> None:
    assert (120, 500, 1440) == (height_px(1), height_px(500), height_px(10**9))


def test_a_face_is_where_the_mirror_shows_it() -> None:
    left_of_the_middle = FaceBox(160, 100, 80, 120)

    assert [0.7222, 0.2083, 0.2222, 0.25] == face_shares(left_of_the_middle, (640, 480))
    assert face_shares(None, (640, 480)) is None
    assert face_shares(left_of_the_middle, (0, 0)) is None
    assert face_shares(FaceBox(float("nan"), 0, 1, 1), (640, 480)) is None


def test_the_drawn_person_is_where_she_is_said_to_be() -> None:
    face = drawn_face(1.0)
    x, y = round(face.x + face.width / 2), round(face.y + face.height * 0.9)

    assert (480, 640, 3) == drawn_person(1.0).shape
    assert [176, 205, 240] == drawn_person(1.0)[y, x].tolist()


def test_a_seat_is_taken_once_and_free_when_its_process_ends(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib; from yibao_face.daemon.agent.lock import take_seat;"
        "s = take_seat(pathlib.Path(sys.argv[1])); print(s is not None, flush=True);"
        "time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert b"True" == other.stdout.readline().strip()
        assert take_seat(tmp_path) is None
        other.kill()
    seat = take_seat(tmp_path)
    assert seat is not None
    with seat:
        assert take_seat(tmp_path) is None
    again = take_seat(tmp_path)
    assert again is not None
    again.close()


def nothing() -> Camera:
    raise DeviceBusyError("taken")


@pytest.mark.parametrize(
    ("phase", "link", "version", "light"),
    [
        (Phase.IDLE, None, "", Light.READY),
        (Phase.TOLD, Link(True, 3), "", Light.READY),
        (Phase.LOOKING, Link(False, 3), "2.0", Light.BUSY),
        (Phase.JUDGED, None, "", Light.BUSY),
        (Phase.IDLE, Link(False, 3), "2.0", Light.OFFLINE),
        (Phase.IDLE, Link(True, 0), "2.0", Light.UPDATE),
    ],
)
def test_the_light_is_the_worst_there_is(
    phase: Phase, link: Link | None, version: str, light: Light
) -> None:
    sources = Sources(Eye(nothing), None, lambda: link, lambda: version)
    found = status_of(sources, phase)

    assert light is found.light
    assert (3 if light is Light.OFFLINE else 0) == found.waiting


def test_models_that_cannot_be_used_are_a_fault_with_its_reason() -> None:
    found = status_of(Sources(Eye(nothing), ModelAlteredError("x")), Phase.LOOKING)

    assert Light.FAULT is found.light
    assert "算法模型文件被改动" in found.reason


@pytest.mark.parametrize(
    ("open_", "reason"),
    [
        (nothing, "摄像头被其他程序占用，请关闭后重试"),
        (lambda: DrawnCamera(30.0), ""),
    ],
    ids=["busy", "well"],
)
def test_a_camera_in_trouble_is_told_with_what_to_do(
    open_: Callable[[], Camera], reason: str
) -> None:
    with Supervisor(open_, Patience(idle_s=-1.0, settle_s=0.0)) as supervisor:
        eye = Eye(supervisor.lease, supervisor)
        wait_for(lambda: supervisor.health().state in (State.FAULTY, State.STREAMING))

        assert reason == status_of(Sources(eye, None), Phase.IDLE).reason
