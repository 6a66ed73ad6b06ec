"""A driver in a child process: what it says arrives, what it does to itself does not."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import misbehaving
import numpy as np
import psutil
import pytest
from misbehaving import rich

from yibao_face.drivers.api import (
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceStalledError,
    DeviceUnsupportedError,
    Frame,
)
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.host.camera import (
    HostedCamera,
    describe_hosted,
    discover_hosted,
    open_hosted,
)

HERE = Path(__file__).parent
SPEC = "misbehaving:DRIVER"
KINDS = [
    "DeviceMissingError",
    "DevicePermissionError",
    "DeviceLostError",
    "DeviceStalledError",
    "DeviceUnsupportedError",
    "DeviceConfigError",
    "ClipError",
]
# What a fault may take to be told, and a call beyond its timeout.
TOLD_S, GRACE_S = 3.0, 0.5


def opened(rest: str, budget_s: float = 10.0) -> HostedCamera:
    return open_hosted(SPEC, rest, Settings(width=320), uri=f"scripted:{rest}", budget_s=budget_s)


def frame_of(camera: HostedCamera) -> Frame:
    for _ in range(100):
        frame = camera.read(0.1)
        if frame is not None:
            return frame
    raise AssertionError("no frame within 10 s")


def error_of(camera: HostedCamera, within_s: float = TOLD_S) -> DeviceError:
    """The error a read ends in; none may block longer than it was told to."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        started = time.monotonic()
        try:
            camera.read(0.1)
        except DeviceError as exc:
            return exc
        finally:
            assert time.monotonic() - started <= 0.1 + GRACE_S
    raise AssertionError(f"no error within {within_s} s")


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def gone(pid: int, within_s: float = 5.0) -> bool:
    until = time.monotonic() + within_s
    while not is_gone(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return is_gone(pid)


def test_a_frame_arrives_as_the_driver_gave_it() -> None:
    with opened("order") as camera:
        got = [frame_of(camera) for _ in range(3)]

    for number, frame in enumerate(got, 1):
        wanted = rich(number)
        for name in ("bgr", "depth_mm", "ir"):
            plane, want = getattr(frame, name), getattr(wanted, name)
            assert want.dtype == plane.dtype
            assert np.array_equal(want, plane)
            assert plane.flags.owndata
        for name in ("seq", "at_ns", "device_us", "intrinsics", "skew_us", "ir_lit", "pair"):
            assert getattr(wanted, name) == getattr(frame, name)


def test_identity_and_settings_pass_and_the_child_loads_the_drivers_alone() -> None:
    with opened("well") as camera:
        info = camera.info

    assert ("scripted", "scripted:well", "320") == (info.driver, info.uri, info.model)
    assert "drivers" == info.firmware


def test_a_silent_camera_is_not_taken_for_a_hung_one() -> None:
    with opened("order") as camera:
        for _ in range(3):
            frame_of(camera)

        assert [None] * 5 == [camera.read(0.6) for _ in range(5)]


@pytest.mark.parametrize("when", ["at-open", "at-read"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_arrives_as_it_was_raised(when: str, kind: str) -> None:
    caught = raised_by(f"{when}={kind}")

    assert kind == type(caught).__name__
    assert f"scripted: {kind}, 摄像头" == str(caught)


def test_a_busy_camera_keeps_the_name_of_its_holder() -> None:
    caught = raised_by("at-open=DeviceBusyError")

    assert isinstance(caught, DeviceBusyError)
    assert ("scripted: held", "his.exe") == (str(caught), caught.holder)


def raised_by(rest: str) -> DeviceError:
    try:
        with opened(rest) as camera:
            return error_of(camera)
    except DeviceError as exc:
        return exc


@pytest.mark.parametrize("when", ["at-open", "at-read"])
def test_an_error_no_driver_means_is_loss_and_tells_the_place_not_the_text(when: str) -> None:
    caught = raised_by(f"{when}=Nonsense")

    assert DeviceLostError is type(caught)
    assert "RuntimeError at raised" in str(caught)
    assert "摄像头" not in str(caught)


@pytest.mark.parametrize(
    ("rest", "how"),
    [
        ("crash-open", "SIGSEGV"),
        ("crash", "SIGSEGV"),
        ("exit-open", "exit code 3"),
        ("quit-open", "SystemExit"),
    ],
)
def test_a_crash_is_loss_and_tells_how(rest: str, how: str) -> None:
    caught = raised_by(rest)

    assert DeviceLostError is type(caught)
    assert how in str(caught)
    assert f"scripted:{rest}" in str(caught)


def test_a_child_that_sends_nonsense_is_killed() -> None:
    with opened("babble") as camera:
        caught = error_of(camera)

        assert DeviceLostError is type(caught)
        assert "a message of" in str(caught)
        assert gone(camera.pid)


def test_loss_is_told_for_ever() -> None:
    with opened("crash") as camera:
        first = error_of(camera)

        assert [str(first)] * 3 == [str(error_of(camera, GRACE_S)) for _ in range(3)]


@pytest.mark.parametrize("rest", ["hang-open", "freeze-open"])
def test_an_open_that_hangs_is_killed_when_its_budget_is_spent(rest: str) -> None:
    started, before = time.monotonic(), children()

    with pytest.raises(DeviceStalledError, match=r"within 1\.5 s"):
        opened(rest, budget_s=1.5)
    assert time.monotonic() - started < 1.5 + TOLD_S
    assert before == children()


@pytest.mark.parametrize("rest", ["hang", "freeze"])
def test_a_read_that_hangs_is_killed_and_told_in_time(rest: str) -> None:
    with opened(rest) as camera:
        frame_of(camera)
        caught = error_of(camera)

        assert DeviceStalledError is type(caught)
        assert gone(camera.pid)


def test_a_hang_is_told_to_a_reader_that_never_waits() -> None:
    with opened("hang") as camera:
        frame_of(camera)
        time.sleep(2.5)
        for _ in range(4):
            camera_error(camera)

        assert DeviceStalledError is type(camera_error(camera))


def camera_error(camera: HostedCamera) -> DeviceError | None:
    try:
        camera.read(0.0)
    except DeviceError as exc:
        return exc
    return None


def test_a_child_that_hangs_ends_though_nobody_looks_after_it() -> None:
    with opened("freeze") as camera:
        frame_of(camera)

        assert gone(camera.pid, 10.0)


@pytest.mark.parametrize("by", ["event", "call"])
def test_opening_can_be_cancelled(by: str) -> None:
    event = threading.Event()
    cancelled = event if by == "event" else event.is_set
    threading.Timer(0.5, event.set).start()
    started = time.monotonic()

    with pytest.raises(DeviceLostError, match="cancelled"):
        open_hosted(SPEC, "hang-open", Settings(), cancelled=cancelled)
    assert time.monotonic() - started < 0.5 + TOLD_S


def test_close_is_asked_first_and_ends_a_read_that_waits(tmp_path: Path) -> None:
    file = tmp_path / "closed"
    camera = opened(f"closing={file}")
    frame_of(camera)
    threading.Timer(0.1, camera.close).start()

    assert "is closed" in str(error_of(camera))
    camera.close()
    assert gone(camera.pid)
    assert "closed" == file.read_text("utf-8")


def test_a_driver_that_does_not_close_is_killed() -> None:
    camera = opened("stubborn")
    frame_of(camera)
    started = time.monotonic()
    camera.close()

    assert time.monotonic() - started < TOLD_S
    assert gone(camera.pid)


def test_what_an_sdk_prints_is_nobodys(capfd: pytest.CaptureFixture[str]) -> None:
    with opened("chatter") as camera:
        frame_of(camera)

    assert ("", "") == capfd.readouterr()


def test_a_slow_reader_gets_new_frames_whole() -> None:
    with opened("large") as camera:
        got = list[Frame]()
        for _ in range(25):
            got.append(frame_of(camera))
            time.sleep(0.05)

    for frame in got:
        assert frame.depth_mm is not None
        assert {frame.seq % 251} == {*np.unique(frame.bgr), *np.unique(frame.depth_mm)}
    assert all(before.seq < now.seq for before, now in pairwise(got))
    # Frames were lost: those that came between the reads.
    assert got[-1].seq > 2 * len(got)


def test_planes_may_change_their_size() -> None:
    with opened("growing") as camera:
        got = [frame_of(camera) for _ in range(14)]

    assert [16 * n for n in range(2, 12)] == [f.bgr.shape[1] for f in got if 1 < f.seq < 12]
    assert 16 == got[-1].bgr.shape[1]
    for frame in got:
        assert {frame.seq % 251} == set(np.unique(frame.bgr))


@pytest.mark.parametrize("name", ["float", "flat", "empty", "none"])
def test_planes_against_the_contract_are_loss(name: str) -> None:
    assert DeviceLostError is type(raised_by(f"odd={name}"))


def test_a_view_is_copied_as_it_looks() -> None:
    with opened("odd=reversed") as camera:
        assert np.array_equal(misbehaving.odd("reversed").bgr, frame_of(camera).bgr)


def test_a_camera_outlives_the_thread_that_opened_it() -> None:
    got = list[HostedCamera]()
    opener = threading.Thread(target=lambda: got.append(opened("well")))
    opener.start()
    opener.join()

    with got[0] as camera:
        for _ in range(20):
            frame_of(camera)


OWNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.host.camera import open_hosted
camera = open_hosted("misbehaving:DRIVER", sys.argv[2], Settings())
print(camera.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("rest", ["well", "hang", "freeze", "stubborn"])
@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_ends_with_its_parent(rest: str, sig: signal.Signals) -> None:
    command = [sys.executable, "-P", "-c", OWNER, str(HERE), rest]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        time.sleep(0.3)
        assert not is_gone(pid)
        owner.send_signal(sig)
        owner.wait()

        assert gone(pid)


def children() -> list[int]:
    return [child.pid for child in psutil.Process().children(recursive=True)]


def held() -> tuple[int, int, list[int], set[str]]:
    gc.collect()
    me = psutil.Process()
    return me.num_fds(), me.num_threads(), children(), set(os.listdir("/dev/shm"))  # noqa: PTH208,S108  # names alone


CYCLES = int(os.environ.get("YIBAO_FACE_HOST_CYCLES", "20"))


def test_opening_again_and_again_keeps_nothing() -> None:
    endings: list[Callable[[HostedCamera], None]] = [
        lambda camera: camera.close(),
        lambda camera: os.kill(camera.pid, signal.SIGKILL),
    ]
    raised_by("crash")
    before = held()
    for turn in range(CYCLES):
        camera = opened("well")
        frame_of(camera)
        endings[turn % 2](camera)
        camera.close()
        del camera

    assert before == held()


def test_a_program_that_cannot_be_started_is_unsupported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))

    with pytest.raises(DeviceUnsupportedError, match="no driver process"):
        opened("well")


def test_a_password_in_a_uri_is_not_shown() -> None:
    for rest in (
        "//user:secret@host/",
        "crash-open//user:secret@host",
        "//user:se/cret@secret@host/",
        "//host/stream?key=secret",
    ):
        caught = raised_by(rest)

        assert "cret" not in str(caught)
        assert "//host" in str(caught)


def test_a_driver_can_be_described_and_asked_what_it_finds() -> None:
    assert {"name": "scripted", "api": 1, "recorded": False} == describe_hosted(SPEC)
    assert ["found"] == [info.serial for info in discover_hosted(SPEC, Settings())]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("misbehaving:OF_THE_FUTURE", "API 99, not 1"),
        ("misbehaving:NO_DRIVER", "is a str, not a Driver"),
        ("misbehaving:nothing", "no attribute"),
        ("no_such_module:DRIVER", "No module named"),
    ],
)
def test_what_is_no_driver_of_ours_is_unsupported(spec: str, reason: str) -> None:
    with pytest.raises(DeviceUnsupportedError, match=reason):
        open_hosted(spec, "well", Settings())


def test_a_driver_of_the_table_is_known_by_its_name(whole: Path) -> None:
    with open_hosted("replay", str(whole), Settings()) as camera:
        assert "replay" == camera.info.driver
        frame_of(camera)
