"""What stands between us and the SDK: its absence, its texts, modes and options to ask for."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pyrealsense2
import pytest

from yibao_face.drivers.api import (
    Capability,
    ClipError,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.optics.register import filled, millimetres
from yibao_face.drivers.optics.settle import MAX_FRAMES, WarmUp
from yibao_face.drivers.realsense.mode import Mode, configs, ladder
from yibao_face.drivers.realsense.option import apply, emitter_is_on
from yibao_face.drivers.realsense.realsense import DRIVER, open_realsense
from yibao_face.drivers.realsense.sdk import describe, error_of, socket_of

rs: Any = pyrealsense2
WITHOUT = """
import sys
sys.modules["pyrealsense2"] = None
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.realsense.realsense import DRIVER
assert DRIVER.discover(Settings()) == []
try:
    DRIVER.open("", Settings())
except Exception as exc:
    print(type(exc).__name__, exc)
"""


def test_without_the_sdk_nothing_is_found_and_nothing_opens() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], check=False, capture_output=True, text=True
    )

    assert "DeviceUnsupportedError realsense:: pyrealsense2 cannot be loaded" in done.stdout


def test_importing_the_driver_does_not_load_the_sdk() -> None:
    code = (
        "import sys; import yibao_face.drivers.realsense.realsense; print('pyrealsense2' in "
        "sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )

    assert "False\n" == done.stdout


@pytest.mark.parametrize("serial", ["", "000000000000"])
def test_a_camera_that_is_not_there_is_missing(serial: str) -> None:
    with pytest.raises(DeviceMissingError, match=f"realsense:{serial}"):
        open_realsense(serial, Settings())


def test_the_driver_is_kept_apart_and_knows_its_cameras() -> None:
    assert DRIVER.isolated
    assert not DRIVER.recorded
    assert all(info.driver == "realsense" for info in DRIVER.discover(Settings()))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("No device connected", DeviceMissingError),
        ("xioctl(VIDIOC_S_FMT) failed, errno=16 Last Error: Device or resource busy", 1),
        ("failed to claim usb interface: 0, error: RS2_USB_STATUS_BUSY", 1),
        ("open(...) failed. UVC device is already opened!", 1),
        ("failed to open usb interface: 0, error: RS2_USB_STATUS_ACCESS", DevicePermissionError),
        ("Cannot open '/dev/video0' errno=13 Permission denied", DevicePermissionError),
        ("hr returned: Access is denied.", DevicePermissionError),
        ("Device disconnected. Failed to reconnect: RGB", DeviceLostError),
        ("control_transfer returned error, RS2_USB_STATUS_NO_DEVICE", DeviceLostError),
        ("xioctl(VIDIOC_QUERYCTRL) failed, errno=19", DeviceLostError),
        ("xioctl(VIDIOC_QUERYCTRL) failed, errno=195", DeviceStalledError),
        ("Couldn't resolve requests", DeviceUnsupportedError),
        ('Request to enable_device_from_file("errno=16.db3") was invalid', ClipError),
        ("something new", DeviceStalledError),
    ],
)
def test_texts_of_the_sdk_become_our_errors(text: str, kind: type[DeviceError] | int) -> None:
    error = error_of(text, "realsense:1", DeviceStalledError)

    assert (DeviceBusyError if kind == 1 else kind) is type(error)
    assert f"realsense:1: {text}" == str(error)


def test_usb_2_gets_the_two_streams_it_carries() -> None:
    wanted = Settings(width=1280, height=720)

    assert [Mode(640, 480, 15, infrared=False)] == ladder(wanted, "2.1")


@pytest.mark.parametrize("usb", ["3.2", ""])
def test_what_is_not_to_be_had_is_stepped_down_from(usb: str) -> None:
    steps = list(map(str, ladder(Settings(width=1280, height=720, fps=30), usb)))

    assert [
        "1280x720@30 with IR",
        "1280x720@15 with IR",
        "640x480@30 with IR",
        "640x480@15 with IR",
        "640x480@15",
    ] == steps


def test_no_step_is_tried_twice() -> None:
    assert len(ladder(Settings(), "3.2")) == len(set(ladder(Settings(), "3.2"))) == 3


def test_the_sdk_takes_every_mode_and_has_no_camera_for_it() -> None:
    wrapper = rs.pipeline_wrapper(rs.pipeline())
    modes = ladder(Settings(), "3.2")

    asked = [config.can_resolve(wrapper) for config in configs(rs, "000000000000", modes)]

    assert [False] * 3 == asked


RANGES = {
    "emitter_enabled": (0, 1),
    "emitter_on_off": (0, 1),
    "global_time_enabled": (0, 1),
    "enable_auto_exposure": (0, 1),
    "auto_exposure_priority": (0, 1),
    "power_line_frequency": (0, 3),
    "exposure": (1, 10_000),
}
STEREO = ("emitter_enabled", "emitter_on_off", "global_time_enabled", "enable_auto_exposure")
COLOUR = (
    "auto_exposure_priority",
    "enable_auto_exposure",
    "exposure",
    "global_time_enabled",
    "power_line_frequency",
)


def software_camera(readable_only: bool = False) -> Any:
    """A device of the SDK with the options of a D400 that we set, none as we would."""
    device = rs.software_device()
    for name, options in (("Stereo Module", STEREO), ("RGB Camera", COLOUR)):
        sensor = device.add_sensor(name)
        if options == STEREO:
            sensor.add_read_only_option(rs.option.depth_units, 0.001)
        for option in options:
            bounds = rs.option_range()
            bounds.min, bounds.max = RANGES[option]
            bounds.step, bounds.default = 1, bounds.max
            sensor.add_option(getattr(rs.option, option), bounds, not readable_only)
    return device


def set_in(device: Any) -> list[dict[str, float]]:
    """Options of the stereo and of the colour sensor."""
    return [
        {name: sensor.get_option(getattr(rs.option, name)) for name in names}
        for sensor, names in zip(device.query_sensors(), (STEREO, COLOUR), strict=True)
    ]


def test_lamps_exposure_and_mains_are_set_as_asked() -> None:
    device = software_camera()

    apply(rs, device, Settings(emitter=True, strobe=True, mains_hz=60, exposure_ms=8.0))

    stereo, colour = set_in(device)
    assert {
        "emitter_enabled": 1.0,
        "emitter_on_off": 1.0,
        "global_time_enabled": 0.0,
        "enable_auto_exposure": 1.0,
    } == stereo
    assert {
        "auto_exposure_priority": 0.0,
        "enable_auto_exposure": 0.0,
        "exposure": 80.0,
        "global_time_enabled": 0.0,
        "power_line_frequency": 2.0,
    } == colour


def test_by_itself_exposure_is_automatic_for_mains_of_50_hz() -> None:
    device = software_camera()

    apply(rs, device, Settings())

    _, colour = set_in(device)
    assert (1.0, 1.0) == (colour["enable_auto_exposure"], colour["power_line_frequency"])


def test_an_exposure_out_of_range_is_the_nearest() -> None:
    device = software_camera()

    apply(rs, device, Settings(exposure_ms=5000.0))

    assert 10_000.0 == set_in(device)[1]["exposure"]


def test_what_may_only_be_read_is_left_alone() -> None:
    device = software_camera(readable_only=True)
    before = set_in(device)

    apply(rs, device, Settings(emitter=False, exposure_ms=8.0))

    assert before == set_in(device)


@pytest.mark.parametrize(
    ("emitter", "strobe", "burns"),
    [(True, False, True), (False, False, False), (False, True, False), (True, True, None)],
)
def test_whether_the_lamp_burns_is_known_unless_it_alternates(
    emitter: bool, strobe: bool, burns: bool | None
) -> None:
    device = software_camera()

    apply(rs, device, Settings(emitter=emitter, strobe=strobe))

    assert burns is emitter_is_on(rs, device)


def test_a_camera_is_described_by_what_it_tells() -> None:
    device = rs.software_device()
    for name, value in {
        "name": "Intel RealSense D435",
        "serial_number": "012345",
        "product_id": "0B07",
        "usb_type_descriptor": "2.1",
        "firmware_version": "5.16.0.1",
        "physical_port": "/sys/devices/usb2/2-1/2-1:1.0/video4linux/video3",
    }.items():
        kind: Any = getattr(rs.camera_info, name)
        if device.supports(kind):
            device.update_info(kind, value)
        else:
            device.register_info(kind, value)

    info = describe(rs, device, "", Capability.RGB)

    assert ("realsense:012345", "8086:0b07") == (info.uri, info.usb_id)
    assert "/sys/devices/usb2/2-1/2-1:1.0" == info.path
    assert "Intel RealSense D435 USB 2.1" == info.device_name


@pytest.mark.parametrize("port", ["2-1-4", "", "\\\\?\\usb#vid_8086&pid_0b07&mi_00#6&1"])
def test_a_socket_that_holds_no_node_is_kept_as_it_is(port: str) -> None:
    assert port == socket_of(port)


def test_a_camera_without_options_is_left_alone() -> None:
    device = rs.software_device()
    device.add_sensor("Stereo Module")
    device.add_sensor("RGB Camera")

    apply(rs, device, Settings(strobe=True, exposure_ms=8.0))

    assert emitter_is_on(rs, device) is None


def test_warm_up_ends_when_brightness_stays() -> None:
    warm_up = WarmUp()
    levels = [10, 60, 100, 102, 10]

    over = [warm_up.is_over(grey(level), n / 30) for n, level in enumerate(levels)]

    assert [False, False, False, True, True] == over


def test_warm_up_ends_after_half_a_second() -> None:
    warm_up = WarmUp()

    over = [warm_up.is_over(grey(level), at_s) for level, at_s in [(10, 9.0), (60, 9.4), (9, 9.5)]]

    assert [False, False, True] == over


def test_warm_up_ends_after_fifteen_frames() -> None:
    warm_up = WarmUp()

    over = [warm_up.is_over(grey(60 + 60 * (n % 2)), n / 1000) for n in range(MAX_FRAMES + 1)]

    assert [*[False] * MAX_FRAMES, True] == over


def grey(level: int) -> Any:
    return np.full((48, 64, 3), level, np.uint8)


def test_holes_take_the_last_reading_of_their_row_or_the_median() -> None:
    depth = np.array([[0, 5, 0, 7], [0, 0, 0, 0], [9, 0, 0, 6]], np.uint16)

    assert [[6, 5, 5, 7], [6, 6, 6, 6], [9, 9, 9, 6]] == filled(depth).tolist()


def test_a_picture_without_any_reading_has_no_holes_either() -> None:
    assert filled(np.zeros((2, 2), np.uint16)).all()


def test_depth_beyond_what_millimetres_hold_is_no_reading() -> None:
    raw = np.array([[0, 1, 6553, 6554]], np.uint16)

    assert [[0, 10, 65530, 0]] == millimetres(raw, 0.01).tolist()
    assert millimetres(raw, 0.001).tolist() == raw.tolist()
