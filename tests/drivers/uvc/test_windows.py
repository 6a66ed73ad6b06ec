"""The part of the DirectShow path that runs everywhere: there is no such camera here."""

from __future__ import annotations

import pytest

from yibao_face.drivers.api import DeviceConfigError, DeviceError, DeviceMissingError
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.uvc.source import COLOUR
from yibao_face.drivers.uvc.windows import infrared_beside, open_source


@pytest.mark.parametrize("rest", ["", "/dev/video0", "-1", "99", "0x1"])
def test_a_camera_is_named_by_its_number(rest: str) -> None:
    with pytest.raises(DeviceConfigError, match=f"uvc:{rest}"):
        open_source(rest, f"uvc:{rest}", COLOUR, Settings())


def test_a_camera_that_does_not_open_is_missing_and_stays_so() -> None:
    source = open_source("31", "uvc:31", COLOUR, Settings())

    with pytest.raises(DeviceMissingError, match="uvc:31"):
        source.start()
    source.close()
    source.close()
    with pytest.raises(DeviceError):
        source.next(0.1)


def test_the_second_camera_must_be_named() -> None:
    with pytest.raises(DeviceConfigError, match="must be named"):
        infrared_beside("0", "uvc-pair:0")
