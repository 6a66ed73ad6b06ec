"""A vendor's library behind the C ABI: in its child process as at a counter, and its misdeeds."""

from __future__ import annotations

import hashlib
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from beds.cabi.vendor import INCLUDE, Stage, build
from camera_points import check, each_point
from harness import require

from yibao_face.drivers import api
from yibao_face.drivers.api import Camera, DeviceBusyError, DeviceError, DeviceLostError, Frame
from yibao_face.drivers.cabi.cabi import open_cabi
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.host.camera import open_hosted

TOLD_S = 3.0


def hosted(stage: Stage, device: str) -> Camera:
    return open_hosted("cabi", f"{stage.library}#{device}", Settings())


@each_point()
def test_the_driver_in_its_child_process_keeps(stage: Stage, point_id: str) -> None:
    check(stage.bed("cabi", lambda device: hosted(stage, device)), point_id)


def frame_of(camera: Camera) -> Frame:
    for _ in range(30):
        frame = camera.read(0.1)
        if frame is not None:
            return frame
    raise AssertionError("no frame within 3 s")


def error_of(rest: str) -> DeviceError:
    """What opening or reading ends in."""
    try:
        with open_hosted("cabi", rest, Settings(), budget_s=2.0) as camera:
            until = time.monotonic() + TOLD_S
            while time.monotonic() < until:
                camera.read(0.1)
    except DeviceError as exc:
        return exc
    raise AssertionError(f"no error within {TOLD_S} s")


def test_a_frame_holds_what_the_library_filled_in(stage: Stage) -> None:
    with open_cabi(stage.rest, Settings(mains_hz=60)) as camera:
        frame, info = frame_of(camera), camera.info
    n = frame.device_us // 33_000
    y, x, c = np.mgrid[0:48, 0:64, 0:3]

    assert ("Vendor 3D 60", "V-0001", "2bc5:0401") == (info.model, info.serial, info.usb_id)
    assert api.Intrinsics(64, 48, 70.5, 71.25, 31.5, 23.5) == frame.intrinsics
    assert (1234, n % 2 == 1) == (frame.skew_us, frame.ir_lit)
    assert np.array_equal((n + x + c) % 256, frame.bgr)
    assert frame.depth_mm is not None
    assert np.array_equal(500 + n + x[..., 0] + y[..., 0], frame.depth_mm)
    assert frame.ir is not None
    assert np.array_equal((3 * n + y[..., 0]) % 256, frame.ir)


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        ("code-3", "DevicePermissionError", "may not be used"),
        ("code-6", "DeviceUnsupportedError", "firmware 1.0 �"),
        ("code-7", "DeviceConfigError", "no such mode"),
        ("code-17", "DeviceUnsupportedError", "returned 17"),
        ("no-camera", "DeviceUnsupportedError", "opened no camera"),
        ("info-too-large", "DeviceUnsupportedError", "bytes, not"),
        ("info-too-small", "DeviceUnsupportedError", "8 bytes, not"),
        ("info-overrun", "DeviceUnsupportedError", "wrote beyond"),
        ("no-model", "DeviceUnsupportedError", "no model"),
        ("endless-serial", "DeviceUnsupportedError", "serial does not end"),
        ("latin-model", "DeviceUnsupportedError", "model is no UTF-8"),
        ("nan-lens", "DeviceUnsupportedError", "no lens"),
        ("flat-lens", "DeviceUnsupportedError", "no lens"),
        ("no-colour", "DeviceUnsupportedError", "planes 0x2"),
        ("unknown-planes", "DeviceUnsupportedError", "planes 0x207"),
        ("unturned-pair", "DeviceUnsupportedError", "rotation"),
        ("crash-open", "DeviceLostError", "SIGSEGV"),
        ("hang-open", "DeviceStalledError", "within 2 s"),
        ("grab-17", "DeviceUnsupportedError", "returned 17"),
        ("grab-5", "DeviceStalledError", "no data"),
        ("frame-size", "DeviceLostError", "4 bytes, not"),
        ("frame-overrun", "DeviceLostError", "wrote beyond"),
        ("short-buffer", "DeviceLostError", "depth: 48 rows"),
        ("narrow-stride", "DeviceLostError", "infrared: 48 rows of 63 bytes"),
        ("wide-stride", "DeviceLostError", "colour: 48 rows"),
        ("no-plane", "DeviceLostError", "depth is NULL"),
        ("other-width", "DeviceLostError", "65x48, not 64x48"),
        ("before-time", "DeviceLostError", "at -1 us"),
        ("lamp-9", "DeviceLostError", "lamp 9"),
        ("skew", "DeviceLostError", "skew"),
        ("wild-pointer", "DeviceLostError", "SIGSEGV"),
        ("crash-grab", "DeviceLostError", "SIGSEGV"),
        ("hang-grab", "DeviceStalledError", "hung"),
    ],
)
def test_a_misdeed_is_told(stage: Stage, fault: str, kind: str, text: str) -> None:
    stage.misdo(fault)
    caught = error_of(stage.rest)

    assert kind == type(caught).__name__
    assert text in str(caught)
    assert f"cabi:{stage.rest}" in str(caught)


@pytest.mark.parametrize("fault", ["repeat", "repeat-time"])
def test_a_plane_that_comes_again_is_not_delivered(stage: Stage, fault: str) -> None:
    stage.misdo(fault)
    with hosted(stage, str(stage.folder)) as camera:
        frame_of(camera)

        assert [None] * 5 == [camera.read(0.1) for _ in range(5)]


def test_a_library_that_does_not_wait_is_not_asked_all_the_time(stage: Stage) -> None:
    stage.misdo("impatient")
    with open_cabi(stage.rest, Settings()) as camera:
        cpu, started = time.process_time(), time.monotonic()

        assert camera.read(0.5) is None
        assert time.monotonic() - started >= 0.5
        assert time.process_time() - cpu < 0.25


def test_who_holds_the_camera_is_told_in_the_words_of_the_library(stage: Stage) -> None:
    with open_cabi(stage.rest, Settings()):
        caught = error_of(stage.rest)

    assert isinstance(caught, DeviceBusyError)
    assert "his.exe" == caught.holder


def test_a_camera_that_is_missing_after_it_was_open_is_lost(stage: Stage) -> None:
    stage.misdo("missing")
    with open_cabi(stage.rest, Settings()) as camera:
        frame_of(camera)
        stage.put("unplugged")()
        for _ in range(3):
            with pytest.raises(DeviceLostError, match="USB device removed"):
                frame_of(camera)


def test_the_pinned_library_is_opened_and_no_other(stage: Stage) -> None:
    sha256 = hashlib.sha256(stage.library.read_bytes()).hexdigest()
    with open_cabi(stage.rest, Settings(sha256=sha256.upper())) as camera:
        frame_of(camera)

    with pytest.raises(api.DeviceConfigError, match="is not the one"):
        open_cabi(stage.rest, Settings(sha256="0" * 64))


def test_another_abi_is_unsupported_and_not_opened(tmp_path: Path) -> None:
    other = Stage(build(tmp_path / "libother.so", "VENDOR_ABI=2"), tmp_path)
    with pytest.raises(api.DeviceUnsupportedError, match="ABI 2, not 1"):
        open_cabi(other.rest, Settings())

    assert not (tmp_path / "owner").exists()


def test_a_library_without_a_function_is_unsupported(tmp_path: Path) -> None:
    other = Stage(build(tmp_path / "libother.so", "VENDOR_WITHOUT_CLOSE"), tmp_path)
    with pytest.raises(api.DeviceUnsupportedError, match="yibao_camera_close"):
        open_cabi(other.rest, Settings())


def test_what_is_no_library_is_unsupported_and_what_is_not_there_a_wrong_setting(
    tmp_path: Path,
) -> None:
    (tmp_path / "text.so").write_text("no library", "ascii")
    with pytest.raises(api.DeviceUnsupportedError):
        open_cabi(f"{tmp_path}/text.so#", Settings())

    with pytest.raises(api.DeviceConfigError):
        open_cabi(f"{tmp_path}/none.so#", Settings())


@pytest.mark.parametrize(("compiler", "standard"), [("gcc", "c99"), ("g++", "c++11")])
def test_the_header_is_good_c_and_cpp(tmp_path: Path, compiler: str, standard: str) -> None:
    source = tmp_path / ("use.c" if compiler == "gcc" else "use.cpp")
    source.write_text('#include "yibao_camera.h"\nint x = YIBAO_CAMERA_CONFIG;\n', "ascii")
    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-std={standard}", "-fsyntax-only"]

    subprocess.run([require(compiler), *flags, f"-I{INCLUDE}", str(source)], check=True)
