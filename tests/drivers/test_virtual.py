"""The camera that plays a script: frames, silences, errors, then it is lost."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    DeviceBusyError,
    DeviceLostError,
    DeviceMissingError,
    Frame,
)
from yibao_face.drivers.virtual import VirtualCamera

Script = Callable[[int], list[Frame]]


def test_frames_come_in_the_order_of_the_script_at_once(script: Script) -> None:
    frames = script(3)

    with VirtualCamera(frames) as camera:
        got = [camera.read(0.0) for _ in range(3)]

    assert all(a is b for a, b in zip(frames, got, strict=True))


@pytest.mark.parametrize("count", [0, 1])
def test_after_its_script_the_camera_is_lost_for_good(script: Script, count: int) -> None:
    camera = VirtualCamera(script(count))
    for _ in range(count):
        camera.read(0.0)

    for _ in range(3):
        with pytest.raises(DeviceLostError, match="virtual:0"):
            camera.read(0.1)


@pytest.mark.parametrize("kind", [DeviceBusyError, DeviceLostError, DeviceMissingError, OSError])
def test_an_error_of_the_script_is_raised_and_the_script_goes_on(
    script: Script, kind: type[Exception]
) -> None:
    [frame] = script(1)
    camera = VirtualCamera([kind("in the script"), frame])

    with pytest.raises(kind, match="in the script"):
        camera.read(0.1)

    assert camera.read(0.1) is frame


def test_a_silence_outlasts_short_reads_and_delays_the_frame(script: Script) -> None:
    [frame] = script(1)
    camera = VirtualCamera([0.4, frame])
    started = time.monotonic()

    silent = [camera.read(0.0), camera.read(0.05)]
    got = camera.read(10.0)

    assert [None, None] == silent
    assert got is frame
    assert time.monotonic() - started > 0.39


def test_a_read_that_meets_a_silence_takes_its_time(script: Script) -> None:
    camera = VirtualCamera([60.0, *script(1)])
    started = time.monotonic()

    got = camera.read(0.2)

    assert got is None
    assert 0.19 < time.monotonic() - started < 10.0


def test_silences_in_a_row_do_not_make_a_read_longer(script: Script) -> None:
    camera = VirtualCamera([0.5, 0.5, 0.5, 0.5, *script(1)])
    started = time.monotonic()

    camera.read(0.6)

    assert time.monotonic() - started < 0.6 + 0.5


def test_a_silence_at_the_end_is_followed_by_the_loss() -> None:
    camera = VirtualCamera([0.01])

    with pytest.raises(DeviceLostError):
        camera.read(10.0)


def test_a_camera_closed_in_a_silence_is_lost_at_once(script: Script) -> None:
    camera = VirtualCamera([60.0, *script(1)])
    camera.read(0.01)

    camera.close()

    with pytest.raises(DeviceLostError):
        camera.read(0.01)


def test_a_closed_camera_gives_nothing_more_and_says_so(script: Script) -> None:
    camera = VirtualCamera(script(2))
    camera.read(0.0)
    open_before = camera.closed

    camera.close()

    assert not open_before
    assert camera.closed
    with pytest.raises(DeviceLostError):
        camera.read(0.1)


def test_leaving_the_context_closes(script: Script) -> None:
    with VirtualCamera(script(1)) as camera:
        pass

    assert camera.closed


def test_it_counts_as_real_unless_told_otherwise() -> None:
    real, recorded = VirtualCamera([]), VirtualCamera([], Capability.RGB | Capability.RECORDED)

    assert Capability.RGB | Capability.DEPTH | Capability.IR == real.info.capability
    assert Capability.RGB | Capability.RECORDED == recorded.info.capability


def test_it_says_to_be_whatever_it_is_told_to() -> None:
    identity = CameraInfo(
        "uvc", "uvc:0", "OBS Virtual Camera", "1", Capability.RGB | Capability.VIRTUAL
    )

    assert identity == VirtualCamera([], identity=identity).info
