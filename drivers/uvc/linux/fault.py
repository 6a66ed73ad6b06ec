"""What the kernel's error numbers mean to whoever waits for a camera."""

from __future__ import annotations

import errno

from yibao_face.drivers.api import (
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
)

_ABSENT = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO})
_DENIED = frozenset({errno.EACCES, errno.EPERM})
_NO_CAMERA = frozenset({errno.ENOTTY, errno.EINVAL, errno.EISDIR})


def while_opening(uri: str, exc: OSError, holder: str = "") -> DeviceError:
    """The error to raise for ``exc``; ``holder``: program that holds the camera, if known."""
    if exc.errno in _ABSENT:
        return DeviceMissingError(f"{uri}: {exc.strerror}")
    if exc.errno == errno.EBUSY:
        return DeviceBusyError(f"{uri} is held by {holder or 'another program'}", holder)
    if exc.errno in _DENIED:
        return DevicePermissionError(f"{uri}: {exc.strerror}; is the account in group video?")
    if exc.errno == errno.ENOSPC:
        return DeviceUnsupportedError(f"{uri}: the USB bus has no bandwidth left for any mode")
    if exc.errno in _NO_CAMERA:
        return DeviceUnsupportedError(f"{uri} does not work as a camera: {exc.strerror}")
    return DeviceStalledError(f"{uri} does not answer as it should: {exc.strerror}")


def while_reading(uri: str, exc: OSError) -> DeviceError:
    """A stream that breaks is a lost camera, whatever the number: it must be opened anew."""
    return DeviceLostError(f"{uri} is gone: {exc.strerror}")
