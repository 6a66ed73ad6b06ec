"""What OpenNI2 says when it refuses a device, as our errors: it has only texts for it."""

from __future__ import annotations

import os

from yibao_face.drivers.api import (
    DeviceBusyError,
    DeviceError,
    DeviceMissingError,
    DevicePermissionError,
)
from yibao_face.drivers.holder import holder_of
from yibao_face.drivers.openni2.library import usb

_BUSY = ("busy", "in use", "claim")
_DENIED = ("permission", "access denied", "insufficient", "err_access", "eacces")


def refused(uri: str, sdk_uri: str, said: str) -> DeviceError:
    """The error of a device that is listed and cannot be opened or started.

    Where the text says nothing (``Failed to open the USB device``) the node is looked at.
    """
    text, node = said.casefold(), usb.node_of(sdk_uri)
    if any(word in text for word in _BUSY):
        holder = holder_of(node) if node else ""
        return DeviceBusyError(f"{uri} is in use by {holder or 'another program'}: {said}", holder)
    shut = node is not None and not os.access(node, os.R_OK | os.W_OK)
    if shut or any(word in text for word in _DENIED):
        rule = f"; {node} needs a udev rule" if node else ""
        return DevicePermissionError(f"{uri} may not be opened by this account: {said}{rule}")
    return DeviceMissingError(f"{uri} does not answer: {said}")
