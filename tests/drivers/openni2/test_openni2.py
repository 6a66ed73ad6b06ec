"""What the openni2 driver makes of a camera: its pictures, its choices, its refusals."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from beds.openni2.camera import PERIOD_US, Astra, bgr, depth_mm, exposure_of, ir

from yibao_face.drivers.api import (
    Camera,
    Capability,
    ClipError,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceUnsupportedError,
    Frame,
)
from yibao_face.drivers.conformance.point import first_frame
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.openni2.openni2 import discover_openni2, open_openni2

ALL = Capability.RGB | Capability.DEPTH | Capability.IR | Capability.PAIRED
TWO = Capability.RGB | Capability.DEPTH


def one_frame(settings: Settings, rest: str = "") -> Frame:
    with open_openni2(rest, settings) as camera:
        return first_frame(camera)


def silent(camera: Camera) -> bool:
    """Whether the camera falls silent within three seconds."""
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        if camera.read(0.3) is None:
            return True
    return False


def test_pictures_arrive_bit_for_bit(astra: Astra, settings: Settings) -> None:
    del astra
    with open_openni2("", settings) as camera:
        for _ in range(5):
            frame = first_frame(camera)
            assert frame.depth_mm is not None
            assert frame.ir is not None
            k = exposure_of(frame.depth_mm)
            assert np.array_equal(depth_mm(k), frame.depth_mm)
            assert np.array_equal(ir(k), frame.ir)
            assert np.array_equal(bgr(k), frame.bgr)
            assert k * PERIOD_US == frame.device_us
            assert 0 == frame.skew_us


def test_tenths_of_a_millimetre_become_millimetres(astra: Astra, settings: Settings) -> None:
    astra.set(unit="100um")

    plane = one_frame(settings).depth_mm

    assert plane is not None
    assert np.array_equal(depth_mm(exposure_of(plane)), plane)


def test_a_camera_that_stays_mirrored_is_turned_here(astra: Astra, settings: Settings) -> None:
    astra.set(mirror=1)

    frame = one_frame(settings)

    assert frame.depth_mm is not None
    k = exposure_of(frame.depth_mm)
    assert np.array_equal(depth_mm(k), frame.depth_mm)
    assert np.array_equal(bgr(k), frame.bgr)


def test_the_size_asked_for_is_taken_or_the_next_smaller(astra: Astra, settings: Settings) -> None:
    del astra

    asked = [(1280, 960), (640, 480), (639, 480), (320, 240), (100, 100)]
    got = [one_frame(replace(settings, width=w, height=h)).bgr.shape[1::-1] for w, h in asked]

    assert [(640, 480), (640, 480), (320, 240), (320, 240), (320, 240)] == got


def test_the_lens_is_that_of_the_field_of_view(astra: Astra, settings: Settings) -> None:
    del astra

    lens = one_frame(settings).intrinsics

    assert 58.4 == pytest.approx(np.degrees(2 * np.arctan(320 / lens.fx)))
    assert 45.5 == pytest.approx(np.degrees(2 * np.arctan(240 / lens.fy)))
    assert (320, 240) == (lens.cx, lens.cy)


def test_a_camera_without_field_of_view_has_that_of_the_settings(
    astra: Astra, settings: Settings
) -> None:
    astra.set(fov=0)

    lens = one_frame(replace(settings, fov_deg=70.0)).intrinsics

    assert 70.0 == pytest.approx(np.degrees(2 * np.arctan(320 / lens.fx)))
    assert lens.fx == lens.fy


def test_the_place_of_the_infrared_imager_comes_from_the_device(
    astra: Astra, settings: Settings
) -> None:
    del astra

    pair = one_frame(settings).pair

    assert pair is not None
    assert (-25.0, 0.0, 0.0) == pytest.approx(pair.translation_mm, abs=0.5)
    assert (640, 480) == (pair.infrared.width, pair.infrared.height)


@pytest.mark.parametrize("fault", [{"third": 0}, {"registration": 2}])
def test_infrared_is_left_out_where_it_cannot_be_had_or_placed(
    astra: Astra, settings: Settings, fault: dict[str, int]
) -> None:
    with open_openni2("", settings) as camera:
        assert ALL == camera.info.capability
    astra.set(**fault)

    with open_openni2("", settings) as camera:
        frame = first_frame(camera)

        assert TWO == camera.info.capability
        assert (None, None) == (frame.ir, frame.pair)


def test_planes_are_paired_by_nearest_time_and_the_rest_is_told(
    astra: Astra, settings: Settings
) -> None:
    astra.set(colour_us=5000)

    with open_openni2("", settings) as camera:
        frames = [first_frame(camera) for _ in range(5)]

    for frame in frames:
        assert frame.depth_mm is not None
        assert np.array_equal(bgr(exposure_of(frame.depth_mm)), frame.bgr)
    assert {5000} == {frame.skew_us for frame in frames}


def test_a_slower_colour_sensor_sets_the_pace(astra: Astra, settings: Settings) -> None:
    astra.set(colour_every=2)

    with open_openni2("", settings) as camera:
        frames = [first_frame(camera) for _ in range(5)]

    for frame in frames:
        assert frame.depth_mm is not None
        assert 0 == exposure_of(frame.depth_mm) % 2
        assert 0 == frame.skew_us


@pytest.mark.parametrize("frozen", [1, 2])
def test_the_same_picture_again_is_silence(astra: Astra, settings: Settings, frozen: int) -> None:
    with open_openni2("", settings) as camera:
        first_frame(camera)
        astra.set(frozen=frozen)
        assert silent(camera)
        astra.set(frozen=0)
        first_frame(camera, 3.0)


@pytest.mark.parametrize(
    ("fault", "said"), [("lie", "did not promise"), ("broken", "reports an error")]
)
def test_a_camera_gone_wrong_is_lost_for_ever(
    astra: Astra, settings: Settings, fault: str, said: str
) -> None:
    with open_openni2("", settings) as camera:
        first_frame(camera)
        astra.set(**{fault: 1})
        until = time.monotonic() + 3.0
        with pytest.raises(DeviceLostError, match=said):
            while time.monotonic() < until:
                camera.read(0.3)
        astra.set(**{fault: 0})
        with pytest.raises(DeviceLostError, match=said):
            camera.read(0.3)


def test_unplugging_wakes_a_read_that_waits(astra: Astra, settings: Settings) -> None:
    with open_openni2("", settings) as camera:
        first_frame(camera)
        astra.set(stalled=1)
        assert silent(camera)
        astra.set(plugged=0)
        started = time.monotonic()
        with pytest.raises(DeviceLostError, match="unplugged"):
            camera.read(30.0)
        assert time.monotonic() - started < 3.0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("USB interface busy", DeviceBusyError),
        ("Failed to claim USB interface", DeviceBusyError),
        ("USB access denied: LIBUSB_ERROR_ACCESS", DevicePermissionError),
        ("Failed to open the USB device!", DeviceMissingError),
    ],
)
def test_the_librarys_text_tells_why_it_refuses(
    astra: Astra, settings: Settings, text: str, kind: type[DeviceError]
) -> None:
    astra.set(refuse=text)

    with pytest.raises(kind, match=text) as refused:
        open_openni2("", settings)

    assert kind is type(refused.value)
    assert "openni2:" in str(refused.value)


@pytest.mark.parametrize("rest", ["", "2bc5/0401", "2BC5/0401", "2bc5/0401@virtual", "VA0001"])
def test_a_camera_goes_by_its_kind_its_uri_and_its_serial(
    astra: Astra, settings: Settings, rest: str
) -> None:
    del astra

    with open_openni2(rest, settings) as camera:
        info = camera.info

    assert ("openni2:VA0001", "VA0001", "2bc5:0401") == (info.uri, info.serial, info.usb_id)
    assert "Orbbec Astra" == info.model


@pytest.mark.parametrize("rest", ["2bc5/0402", "VA0002", "2bc5/0401@elsewhere"])
def test_another_camera_is_missing(astra: Astra, settings: Settings, rest: str) -> None:
    del astra

    with pytest.raises(DeviceMissingError, match=f"openni2:{rest}"):
        open_openni2(rest, settings)


def test_an_astra_pro_is_refused_with_the_camera_that_has_its_colour(
    astra: Astra, settings: Settings
) -> None:
    astra.plug(0)
    astra.plug(1, pid="0403")

    with pytest.raises(DeviceUnsupportedError, match=r"2bc5:0403.*2bc5:0501"):
        open_openni2("", settings)

    assert [] == discover_openni2(settings)


def test_depth_that_cannot_be_registered_is_refused(astra: Astra, settings: Settings) -> None:
    astra.set(registration=0)

    with pytest.raises(DeviceUnsupportedError, match="map its depth"):
        open_openni2("", settings)


def test_a_camera_that_was_refused_once_opens_when_it_is_well(
    astra: Astra, settings: Settings
) -> None:
    astra.set(registration=0)
    with pytest.raises(DeviceUnsupportedError):
        open_openni2("", settings)
    astra.plug(0, registration=1)
    with pytest.raises(DeviceMissingError):
        open_openni2("", settings)
    astra.plug(1)

    one_frame(settings)


def test_the_found_camera_opens_by_its_uri(astra: Astra, settings: Settings) -> None:
    del astra

    found = discover_openni2(settings)

    assert ["2bc5:0401"] == [info.usb_id for info in found]
    one_frame(settings, found[0].uri.removeprefix("openni2:"))


def test_a_camera_others_hold_is_found_without_its_serial(
    astra: Astra, settings: Settings
) -> None:
    astra.occupy()

    found = discover_openni2(settings)

    assert [("", "openni2:2bc5/0401")] == [(info.serial, info.uri) for info in found]


def test_a_process_may_end_with_its_camera_open(astra: Astra, settings: Settings) -> None:
    """By an error, say; the library would crash on the way out."""
    program = (
        "from yibao_face.drivers.openni2.openni2 import open_openni2 as open_\n"
        "from yibao_face.drivers.driver import Settings\n"
        f"camera = open_('', Settings(runtime={settings.runtime!r}))\n"
        "assert camera.read(5.0) is not None\n"
    )

    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)

    assert 0 == done.returncode
    astra.heal()
    one_frame(settings)


def test_without_a_runtime_the_driver_says_what_it_wants(tmp_path: Path) -> None:
    nowhere = Settings(runtime=str(tmp_path))

    with pytest.raises(DeviceUnsupportedError, match=r"libopenni2-0.*libOpenNI2\.so"):
        open_openni2("", nowhere)

    assert [] == discover_openni2(nowhere)


def test_a_runtime_without_drivers_is_refused_each_time(tmp_path: Path, runtime: Path) -> None:
    (tmp_path / "libOpenNI2.so").write_bytes((runtime / "libOpenNI2.so").read_bytes())

    for _ in range(2):
        with pytest.raises(DeviceUnsupportedError, match="does not start"):
            open_openni2("", Settings(runtime=str(tmp_path)))


def test_a_file_that_is_no_recording_is_refused(
    astra: Astra, settings: Settings, tmp_path: Path
) -> None:
    del astra
    (tmp_path / "text.oni").write_text("no recording")

    with pytest.raises(ClipError, match=r"text\.oni"):
        open_openni2(f"file={tmp_path}/text.oni", settings)
    with pytest.raises(DeviceMissingError, match=r"gone\.oni"):
        open_openni2(f"file={tmp_path}/gone.oni", settings)
