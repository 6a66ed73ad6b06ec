"""The table of cameras: the one that was fitted, another one, a recording, a program."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.core.encounter import HINTS, Cause
from yibao_face.daemon.core.liveness.device import (
    USB_DRIVERS,
    DeviceFacts,
    Pin,
    device_cause,
    is_software,
    is_usb_id,
)

FITTED = DeviceFacts(
    driver="uvc",
    model="Depth Camera 3D",
    serial="A1B2C3",
    firmware="5.12.7",
    usb_id="2bc5:0402",
    path="pci-0000:00:14.0-usb-0:3:1.0",
    device_name="Depth Camera 3D: IR",
)
PIN = Pin("2bc5:0402", "A1B2C3", "pci-0000:00:14.0-usb-0:3:1.0", "5.12.7")
NO_PIN = Pin()
CLIP = DeviceFacts("replay", "rgbd-clip", "0f1e2d", recorded=True)
UNTRUSTED = Cause.CAMERA_UNTRUSTED


@pytest.mark.parametrize("demo", [False, True])
@pytest.mark.parametrize("pin", [NO_PIN, PIN, Pin(serial="A1B2C3"), Pin(usb_id=" 2BC5:0402 ")])
def test_the_fitted_camera_may_be_used(pin: Pin, demo: bool) -> None:
    assert device_cause(FITTED, pin, demo=demo) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(FITTED, usb_id="2bc5:0403"),
        replace(FITTED, serial="A1B2C4"),
        replace(FITTED, serial="a1b2c3"),
        replace(FITTED, serial=""),
        replace(FITTED, path="pci-0000:00:14.0-usb-0:4:1.0"),
        replace(FITTED, firmware="5.12.8"),
        replace(FITTED, firmware=""),
    ],
    ids=["product", "serial", "case", "no-serial", "socket", "firmware", "no-firmware"],
)
@pytest.mark.parametrize("demo", [False, True])
def test_another_camera_than_the_pinned_one_may_not(other: DeviceFacts, demo: bool) -> None:
    assert UNTRUSTED == device_cause(other, PIN, demo=demo)
    assert device_cause(other, NO_PIN, demo=demo) is None


@pytest.mark.parametrize("field", ["usb_id", "serial", "path", "firmware"])
def test_each_field_is_pinned_by_itself(field: str) -> None:
    pin = replace(NO_PIN, **{field: getattr(PIN, field)})
    other = replace(FITTED, **{field: "2bc5:9999"})

    assert device_cause(FITTED, pin, demo=False) is None
    assert UNTRUSTED == device_cause(other, pin, demo=False)


@pytest.mark.parametrize(
    "name",
    [
        "OBS Virtual Camera",
        "OBS-Camera",
        "obs virtualcam",
        "ＯＢＳ　Ｖｉｒｔｕａｌ　Ｃａｍｅｒａ",
        "O\u200bBS Vir\u200btual Cam",
        "Óbs Vîrtual Cámera",
        "v4l2 loopback",
        "V4L2Loopback",
        "Dummy video device (0x0000)",
        "ManyCam Virtual Webcam",
        "ManyCam",
        "DroidCam Source 3",
        "DroidCam",
        "akvcam",
        "AkVirtualCamera",
        "Snap Camera",
        "e2eSoft VCam",
        "VCam",
        "e2eSoft iVCam",
        "XSplit VCam",
        "NDI Webcam Video 1",
        "NewTek NDI Video",
        "Unity Video Capture",
        "CyberLink YouCam 9",
        "Reincubate Camo",
        "Iriun Webcam",
        "Webcamoid",
        "vMix Video",
        "vivid",
        "screen-capture-recorder",
        "Windows Virtual Camera",
        "虚拟摄像头",
        "某某虚拟相机",
    ],
)
@pytest.mark.parametrize("field", ["driver", "model", "device_name"])
def test_a_program_that_says_what_it_is_may_not_be_used(name: str, field: str) -> None:
    facts = replace(FITTED, **{field: name})

    assert [UNTRUSTED, UNTRUSTED] == [
        device_cause(facts, pin, demo=demo) for pin, demo in ((PIN, False), (NO_PIN, True))
    ]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Orbbec Astra",
        "Astra Pro Plus",
        "Intel RealSense D415",
        "Intel(R) RealSense(TM) Depth Camera 435i",
        "HD Pro Webcam C920",
        "Logitech BRIO",
        "Integrated Camera: Integrated I",
        "USB2.0 HD UVC WebCam",
        "Integrated IR Camera",
        "Windows Hello Face Software Device",
        "FHD Camera",
        "Hikvision 2K USB Camera",
        "AVCam 300",
        "Indigo Landing Camera",
        "Camoral HD",
        "Vividia Scope",
        "奥比中光 3D 摄像头",
        "script",
        "virtual",
    ],
)
def test_no_camera_is_taken_for_a_program(name: str) -> None:
    assert not is_software(replace(FITTED, model=name, device_name=name))


@pytest.mark.parametrize(
    "path",
    [
        "/sys/devices/virtual/video4linux/video9",
        "platform:v4l2loopback-000",
        r"\\?\root#image#0000#{e5323777-f976-4f5b-9b94-b94699c46e44}",
        r"\\?\SWD#VCAMDEVAPI#0123",
        "platform:vivid-000",
    ],
)
def test_a_device_on_no_bus_is_a_program_whatever_its_name(path: str) -> None:
    assert UNTRUSTED == device_cause(replace(FITTED, path=path), Pin(path=path), demo=False)


def test_a_device_its_driver_knows_to_be_software_may_not_be_used() -> None:
    assert UNTRUSTED == device_cause(replace(FITTED, virtual=True), PIN, demo=True)
    assert UNTRUSTED == device_cause(replace(CLIP, virtual=True), NO_PIN, demo=True)


@pytest.mark.parametrize("driver", sorted(USB_DRIVERS))
@pytest.mark.parametrize("usb_id", ["", "0000:0000", "2bc5", "2BC5:0402", "2bc5:0402 ", "x:y"])
def test_a_usb_driver_names_the_bus_its_device_is_on(driver: str, usb_id: str) -> None:
    facts = replace(FITTED, driver=driver, usb_id=usb_id)

    assert UNTRUSTED == device_cause(facts, NO_PIN, demo=False)
    assert not is_usb_id(usb_id)


def test_a_camera_on_another_bus_needs_no_usb_id_but_no_false_one_either() -> None:
    network = DeviceFacts("vendor", "3D terminal", "77")

    assert device_cause(network, NO_PIN, demo=False) is None
    assert UNTRUSTED == device_cause(replace(network, usb_id="usb"), NO_PIN, demo=False)


@pytest.mark.parametrize("pin", [NO_PIN, PIN])
@pytest.mark.parametrize(("demo", "cause"), [(False, Cause.RECORDED_CAMERA), (True, None)])
def test_a_recording_is_for_the_demo_whatever_is_pinned(
    pin: Pin, demo: bool, cause: Cause | None
) -> None:
    assert cause == device_cause(CLIP, pin, demo=demo)


def test_an_untrusted_camera_is_no_hint() -> None:
    assert HINTS.isdisjoint({UNTRUSTED, Cause.RECORDED_CAMERA})


@given(
    st.builds(DeviceFacts, *[st.text(max_size=12)] * 7, st.booleans(), st.booleans()),
    st.booleans(),
)
def test_whatever_a_device_says_only_the_pinned_one_or_a_demo_recording_passes(
    facts: DeviceFacts, demo: bool
) -> None:
    passed = device_cause(facts, PIN, demo=demo) is None

    assert not passed or (demo and facts.recorded) or facts.serial == PIN.serial
