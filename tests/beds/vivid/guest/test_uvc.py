"""One camera: what is agreed on, and every fault a kernel tells."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from beds.vivid.guest.rig import COLOUR, INFRARED, LINKS, Rig, settings, timed

from yibao_face.drivers.api import (
    Capability,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DevicePermissionError,
    Frame,
)
from yibao_face.drivers.conformance.point import first_frame
from yibao_face.drivers.uvc.linux.v4l2 import Node
from yibao_face.drivers.uvc.mode import Mode
from yibao_face.drivers.uvc.uvc import UvcCamera, discover_uvc, open_uvc

NOBODY = 65534


@pytest.fixture
def camera() -> Generator[UvcCamera]:
    with open_uvc(str(COLOUR), settings()) as opened:
        first_frame(opened)
        yield opened


def lost_after(camera: UvcCamera) -> tuple[float, DeviceLostError]:
    """Seconds until the loss is told, and the error."""
    started = time.monotonic()
    while time.monotonic() < started + 5.0:
        try:
            camera.read(0.2)
        except DeviceLostError as exc:
            return time.monotonic() - started, exc
    raise AssertionError("the loss was not told")


def brightness(frame: Frame) -> float:
    return float(frame.bgr.mean())


def test_thirty_frames_come_in_the_size_that_was_asked_for(camera: UvcCamera) -> None:
    frames = [first_frame(camera) for _ in range(30)]

    assert {(480, 640, 3)} == {frame.bgr.shape for frame in frames}
    assert {(640, 480)} == {(f.intrinsics.width, f.intrinsics.height) for f in frames}


def test_the_picture_is_the_one_vivid_draws(camera: UvcCamera) -> None:
    """75 % colour bars from left to right, below the text."""
    row = first_frame(camera).bgr[440]

    middles = [tuple(row[640 * (2 * n + 1) // 16] // 64) for n in range(8)]
    white, yellow, cyan, green = (2, 2, 2), (0, 2, 2), (2, 2, 0), (0, 2, 0)
    assert [white, yellow, cyan, green] == middles[:4]


def test_a_size_vivid_lacks_is_stepped_down_from_and_told() -> None:
    with open_uvc(str(COLOUR), settings(width=1000, height=700)) as camera:
        frame = first_frame(camera)

    assert (480, 640, 3) == frame.bgr.shape
    assert 640 == frame.intrinsics.width


@pytest.mark.parametrize("fourcc", ["YUYV", "NV12", "GREY", "Y10 ", "Y12 ", "Y16 "])
def test_what_was_agreed_on_is_read_back(fourcc: str) -> None:
    node = Node(COLOUR)
    try:
        agreed = node.agree(Mode(fourcc, 641, 481, 29.0))
    finally:
        node.close()

    assert (fourcc, 640, 480) == (agreed.fourcc, agreed.width, agreed.height)
    assert agreed.stride >= 640
    assert agreed.length >= 640 * 480


def test_a_format_vivid_lacks_is_not_believed() -> None:
    node = Node(COLOUR)
    try:
        agreed = node.agree(Mode("MJPG", 640, 480, 30.0))
    finally:
        node.close()

    assert "MJPG" != agreed.fourcc


def test_identity_names_socket_and_device() -> None:
    link = LINKS / "platform-vivid.0-video-index0"
    with open_uvc(str(link), settings()) as camera:
        info = camera.info

    assert (f"uvc:{link}", link.name, Capability.RGB) == (info.uri, info.path, info.capability)
    assert "vivid-000-vid-cap" == info.device_name


def test_both_nodes_are_discovered_by_their_sockets() -> None:
    found = discover_uvc(settings())

    assert [f"uvc:{LINKS}/platform-vivid.0-video-index{n}" for n in (0, 1)] == [
        info.uri for info in found
    ]


def test_a_busy_camera_names_its_holder(rig: Rig) -> None:
    rig.occupy(COLOUR)

    with pytest.raises(DeviceBusyError, match="uvc:/dev/video0 is held by v4l2-ctl") as told:
        open_uvc(str(COLOUR), settings())

    assert "v4l2-ctl" == told.value.holder


def test_a_camera_that_is_let_go_of_in_time_is_opened(rig: Rig) -> None:
    rig.occupy(COLOUR)
    release = threading.Timer(0.4, rig.vacate)
    release.start()

    with open_uvc(str(COLOUR), settings()) as camera:
        first_frame(camera)
    release.join()


def test_we_hold_nothing_after_a_refusal(rig: Rig) -> None:
    rig.occupy(COLOUR)
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(2):
        with pytest.raises(DeviceBusyError):
            open_uvc(str(COLOUR), settings())

    assert before == len(list(Path("/proc/self/fd").iterdir()))


def test_a_camera_that_is_not_there_is_missing() -> None:
    with pytest.raises(DeviceMissingError, match="/dev/video7"):
        open_uvc("/dev/video7", settings())


def test_a_denied_camera_is_told_so() -> None:
    os.seteuid(NOBODY)
    try:
        with pytest.raises(DevicePermissionError, match="group video"):
            open_uvc(str(COLOUR), settings())
    finally:
        os.seteuid(0)


def test_a_disconnected_camera_is_lost_within_a_second_and_a_half(
    rig: Rig, camera: UvcCamera
) -> None:
    rig.disconnect()

    took_s, error = lost_after(camera)

    assert took_s <= 1.5
    assert "uvc:/dev/video0 is gone: No such device" == str(error)


def test_one_pulled_off_the_bus_is_lost_and_gives_its_number_back(
    rig: Rig, camera: UvcCamera
) -> None:
    rig.unplug()
    took_s, _ = lost_after(camera)
    rig.replug()

    assert took_s <= 1.5
    with open_uvc(str(COLOUR), settings()) as again:
        first_frame(again)


def test_a_stream_that_breaks_is_lost(rig: Rig, camera: UvcCamera) -> None:
    rig.break_the_stream()

    took_s, _ = lost_after(camera)

    assert took_s <= 1.5
    with open_uvc(str(COLOUR), settings()) as again:
        first_frame(again)


def test_a_stalled_camera_never_blocks(rig: Rig, camera: UvcCamera) -> None:
    rig.stall()
    while camera.read(0.3) is not None:
        pass

    assert 0.4 <= timed(lambda: camera.read(0.5)) <= 1.0

    rig.resume()
    frame = first_frame(camera, 3.0)
    assert time.monotonic_ns() - frame.at_ns < 1_000_000_000


def test_what_was_buffered_while_nobody_read_is_not_shown(rig: Rig, camera: UvcCamera) -> None:
    time.sleep(1.0)
    asked_ns = time.monotonic_ns()
    rig.shine(COLOUR, 255)

    frame = first_frame(camera)
    assert asked_ns - frame.at_ns <= 250_000_000
    frames = [first_frame(camera) for _ in range(8)]
    rig.shine(COLOUR, 128)
    assert brightness(frames[-1]) > brightness(frame) or brightness(frame) > 150


def test_a_frame_the_kernel_calls_incomplete_is_left_out(rig: Rig, camera: UvcCamera) -> None:
    rig.damage_a_frame()

    frames = [first_frame(camera) for _ in range(10)]

    assert 10 == len({frame.at_ns for frame in frames})


@pytest.mark.parametrize("how", [1, 2])
def test_timestamps_of_another_clock_are_replaced_by_ours(rig: Rig, how: int) -> None:
    rig.wrap_clock(COLOUR, how)
    try:
        with open_uvc(str(COLOUR), settings()) as camera:
            for _ in range(20):
                frame = first_frame(camera)
                assert 0 <= time.monotonic_ns() - frame.at_ns < 1_000_000_000
    finally:
        rig.wrap_clock(COLOUR, 0)


def test_a_start_the_kernel_refuses_is_an_error_with_the_uri(rig: Rig) -> None:
    rig.refuse_a_start()

    with pytest.raises(DeviceError, match="uvc:/dev/video0"):
        open_uvc(str(COLOUR), settings())

    with open_uvc(str(COLOUR), settings()) as camera:
        first_frame(camera)


def test_a_file_that_is_no_camera_is_missing() -> None:
    with pytest.raises(DeviceMissingError):
        open_uvc("/dev/null", settings())


def test_a_size_another_program_left_behind_changes_nothing() -> None:
    node = Node(INFRARED)
    node.agree(Mode("GREY", 320, 180, 30.0))
    node.close()

    with open_uvc(str(INFRARED), settings()) as camera:
        assert (480, 640, 3) == first_frame(camera).bgr.shape
