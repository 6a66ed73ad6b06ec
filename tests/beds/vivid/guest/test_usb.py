"""The kernel's USB video driver with a binocular camera: MJPG, controls, lies, flashing lamp."""

from __future__ import annotations

import time
from collections.abc import Generator

import cv2
import numpy as np
import pytest
from beds.vivid.guest.usb_rig import USB_ID, UsbRig

from yibao_face.drivers.api import (
    Camera,
    DeviceConfigError,
    DeviceLostError,
    DeviceMissingError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.conformance.point import first_frame
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.uvc.pair import discover_pair, open_pair
from yibao_face.drivers.uvc.uvc import discover_uvc, open_uvc

VGA = Settings(fps=15)
SMALL = Settings(width=320, height=240, fps=15)


@pytest.fixture(scope="module")
def plugged(tmp_path_factory: pytest.TempPathFactory) -> Generator[UsbRig]:
    with UsbRig(tmp_path_factory.mktemp("seen")) as rig:
        yield rig


@pytest.fixture
def usb(plugged: UsbRig) -> Generator[UsbRig]:
    """Plugged in and well."""
    if not plugged.nodes():
        plugged.plug()
    plugged.tell("well")
    yield plugged
    if plugged.nodes():
        plugged.tell("well")


def until_error(camera: Camera, within_s: float) -> Exception:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            camera.read(0.2)
        except (DeviceLostError, DeviceUnsupportedError) as exc:
            return exc
    raise AssertionError("no error came")


def test_identity_is_the_usb_device_s(usb: UsbRig) -> None:
    with open_uvc(f"{USB_ID}:BED0001", VGA) as camera:
        info = camera.info

    assert (USB_ID, "BED0001", "Binocular", "2.03") == (
        info.usb_id,
        info.serial,
        info.model,
        info.firmware,
    )
    assert "Binocular: RGB Camera"[:31] == info.device_name[:31]


def test_metadata_and_infrared_nodes_are_no_colour_cameras(usb: UsbRig) -> None:
    found = [info for info in discover_uvc(VGA) if info.usb_id == USB_ID]

    assert 4 == len(usb.nodes())
    assert [f"uvc:{USB_ID}:BED0001"] == [info.uri for info in found]


def test_the_infrared_camera_of_the_device_is_found(usb: UsbRig) -> None:
    found = [info for info in discover_pair(SMALL) if info.usb_id == USB_ID]

    assert [f"uvc-pair:{USB_ID}:BED0001"] == [info.uri for info in found]


def test_compressed_frames_come_as_they_were_sent(usb: UsbRig) -> None:
    with open_uvc(USB_ID, VGA) as camera:
        frames = [first_frame(camera) for _ in range(10)]

    folder = usb.folder
    sent = [np.asarray(cv2.imread(str(file))) for file in sorted(folder.glob("colour-640x480-*"))]
    for frame in frames:
        assert any(np.array_equal(frame.bgr, image) for image in sent)


def test_lamps_of_fifty_hertz_and_a_fixed_exposure_reach_the_camera(usb: UsbRig) -> None:
    usb.tell("well")
    with open_uvc(USB_ID, Settings(fps=15, mains_hz=50, exposure_ms=8.0)) as camera:
        first_frame(camera)

    said = usb.tell("well")
    # Interface 0: mains frequency 1 is 50 Hz; exposure mode 1 by hand; 80 times 100 µs.
    assert {"set 0 5 1", "set 0 2 1", "set 0 4 80"} <= set(said)


@pytest.mark.parametrize("way", ["lie-800x600", "silent-800x600"])
def test_a_mode_the_camera_does_not_keep_is_stepped_down_from(usb: UsbRig, way: str) -> None:
    usb.tell(way)
    with open_uvc(USB_ID, Settings(width=800, height=600, fps=15)) as camera:
        frame = first_frame(camera)

    assert (480, 640, 3) == frame.bgr.shape
    assert (640, 480) == (frame.intrinsics.width, frame.intrinsics.height)


def test_a_mode_it_keeps_is_used(usb: UsbRig) -> None:
    with open_uvc(USB_ID, Settings(width=800, height=600, fps=15)) as camera:
        assert (600, 800, 3) == first_frame(camera).bgr.shape


def test_a_camera_that_sends_another_size_in_every_mode_is_refused(usb: UsbRig) -> None:
    with open_uvc(USB_ID, VGA) as camera:
        first_frame(camera)
        usb.tell("lie")
        error = until_error(camera, 10.0)

    assert isinstance(error, DeviceUnsupportedError)
    assert "160x120 is no frame of MJPG" in str(error)


def test_cut_compressed_frames_do_not_pass_for_pictures(usb: UsbRig) -> None:
    with open_uvc(USB_ID, VGA) as camera:
        first_frame(camera)
        usb.tell("short")
        error = until_error(camera, 10.0)

    assert isinstance(error, DeviceUnsupportedError)
    assert "cannot be decoded" in str(error)


def test_a_silent_camera_is_no_frame_and_goes_on(usb: UsbRig) -> None:
    with open_uvc(USB_ID, VGA) as camera:
        first_frame(camera)
        usb.tell("silent")
        while camera.read(0.4) is not None:
            pass
        usb.tell("well")
        first_frame(camera, 3.0)


def test_a_pulled_cable_is_loss_and_the_camera_is_found_again(usb: UsbRig) -> None:
    with open_uvc(USB_ID, VGA) as camera:
        first_frame(camera)
        started = time.monotonic()
        usb.unplug()
        error = until_error(camera, 3.0)
        took_s = time.monotonic() - started

    assert isinstance(error, DeviceLostError)
    assert took_s <= 1.5
    with pytest.raises(DeviceMissingError):
        open_uvc(USB_ID, VGA)
    usb.plug()
    with open_uvc(USB_ID, VGA) as camera:
        first_frame(camera, 3.0)


def test_a_pair_of_one_device_comes_together(usb: UsbRig) -> None:
    with open_pair(USB_ID, SMALL) as camera:
        frames = [first_frame(camera) for _ in range(8)]

    for frame in frames:
        assert frame.ir is not None
        assert ((240, 320, 3), (240, 320)) == (frame.bgr.shape, frame.ir.shape)
        assert frame.ir_lit is None


def test_sizes_that_differ_need_a_calibration(usb: UsbRig) -> None:
    with pytest.raises(DeviceConfigError, match="need a calibration"):
        open_pair(USB_ID, VGA)


def test_a_flashing_lamp_is_told_of_every_frame(usb: UsbRig) -> None:
    usb.tell("strobe-infrared")
    with open_pair(USB_ID, SMALL) as camera:
        frames = [first_frame(camera) for _ in range(24)]

    told = [frame for frame in frames if frame.ir_lit is not None]
    assert len(told) >= 8
    for frame in told:
        assert frame.ir is not None
        assert frame.ir_lit == (frame.ir.mean() > 100)
