"""The real SDK without a camera: absence is told, nothing is written; and without the SDK."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from camera_points import check, each_point

from yibao_face.drivers.api import (
    Camera,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.conformance.bed import Bed
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.orbbec.orbbec import DRIVER, open_orbbec
from yibao_face.drivers.orbbec.sdk import error_of, usb_id

TELL = """
import sys
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.orbbec.orbbec import DRIVER
settings = Settings(runtime=sys.argv[1])
print(DRIVER.discover(settings))
try:
    DRIVER.open(sys.argv[2], settings)
except Exception as exc:
    print(type(exc).__name__, exc)
"""


def told(folder: Path, runtime: str, serial: str) -> list[str]:
    """What a process that stands in ``folder`` prints."""
    done = subprocess.run(
        [sys.executable, "-c", TELL, runtime, serial],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
    )
    return done.stdout.splitlines()[-2:]


@pytest.mark.parametrize("serial", ["", "CP0000000"])
def test_without_a_camera_it_is_missing_and_nothing_is_written(
    tmp_path: Path, runtime: str, serial: str
) -> None:
    lines = told(tmp_path, runtime, serial)

    missing = f"DeviceMissingError orbbec:{serial} is not there; cameras that are: none"
    assert ["[]", missing] == lines
    assert [] == list(tmp_path.iterdir())


def test_without_the_sdk_nothing_is_found_and_nothing_opens(tmp_path: Path) -> None:
    found, error = told(tmp_path, "", "")

    assert "[]" == found
    assert error.startswith("DeviceUnsupportedError orbbec:: pyorbbecsdk2 cannot be loaded")


@each_point()
def test_the_orbbec_driver_keeps(runtime: str, point_id: str) -> None:
    def absent() -> Camera:
        return open_orbbec("CP0000000", Settings(runtime=runtime))

    check(Bed("orbbec", absent, absent=absent), point_id)


def test_the_driver_is_kept_apart() -> None:
    assert DRIVER.isolated
    assert not DRIVER.recorded


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("failed to claim usb interface, error: OB_USB_STATUS_BUSY", DeviceBusyError),
        ("openUsbDevice failed! OB_USB_STATUS_ACCESS", DevicePermissionError),
        ("Access denied (insufficient permissions)", DevicePermissionError),
        ("Device is deactivated/disconnected!", DeviceLostError),
        ("No device found", DeviceMissingError),
        ("Unsupported operation", DeviceUnsupportedError),
        ("something new", DeviceStalledError),
    ],
)
def test_texts_of_the_sdk_become_our_errors(text: str, kind: type[DeviceError]) -> None:
    error = error_of(text, "orbbec:1", DeviceStalledError)

    assert kind is type(error)
    assert f"orbbec:1: {text}" == str(error)


def test_a_usb_id_has_four_digits_each() -> None:
    assert "2bc5:0066" == usb_id(0x2BC5, 0x66)


def test_the_sdk_itself_says_that_there_is_no_device(sdk: object) -> None:
    with pytest.raises(RuntimeError) as said:
        sdk.Pipeline()  # type: ignore[attr-defined]  # no types are published for it

    assert isinstance(error_of(str(said.value), "orbbec:", DeviceLostError), DeviceMissingError)
