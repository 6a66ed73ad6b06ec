"""Error numbers of the kernel, to the error a caller can act on."""

from __future__ import annotations

import errno
import os

import pytest

from yibao_face.drivers.api import (
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.uvc.linux import fault


def raised(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EBUSY, DeviceBusyError),
        (errno.ENOENT, DeviceMissingError),
        (errno.ENODEV, DeviceMissingError),
        (errno.ENXIO, DeviceMissingError),
        (errno.EACCES, DevicePermissionError),
        (errno.EPERM, DevicePermissionError),
        (errno.ENOSPC, DeviceUnsupportedError),
        (errno.ENOTTY, DeviceUnsupportedError),
        (errno.EIO, DeviceStalledError),
        (errno.ETIMEDOUT, DeviceStalledError),
    ],
)
def test_an_error_while_opening_is_told_by_its_kind(
    number: int, expected: type[DeviceError]
) -> None:
    error = fault.while_opening("uvc:/dev/video0", raised(number), "his")

    assert expected is type(error)
    assert str(error).startswith("uvc:/dev/video0")


def test_a_holder_is_named_and_an_unknown_one_admitted() -> None:
    known = fault.while_opening("uvc:0", raised(errno.EBUSY), "his.exe")
    unknown = fault.while_opening("uvc:0", raised(errno.EBUSY))

    assert "uvc:0 is held by his.exe" == str(known)
    assert "uvc:0 is held by another program" == str(unknown)


def test_whatever_breaks_a_stream_is_loss() -> None:
    error = fault.while_reading("uvc:0", raised(errno.EIO))

    assert DeviceLostError is type(error)
    assert "uvc:0 is gone: Input/output error" == str(error)
