"""The one door to pyorbbecsdk: loaded when needed, kept from writing, its errors told as ours."""

from __future__ import annotations

import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceUnsupportedError,
)

# pyorbbecsdk raises its OBError or a plain RuntimeError; their texts are all there is to go by.
_TEXTS: tuple[tuple[str, type[DeviceError]], ...] = (
    (r"STATUS_BUSY|resource busy|already (opened|in use)", DeviceBusyError),
    (r"STATUS_ACCESS|(?i:permission|access( is)?) denied", DevicePermissionError),
    (r"STATUS_NO_DEVICE|(?i:disconnected|deactivated)", DeviceLostError),
    (r"No device found|(?i:device not found)", DeviceMissingError),
    (r"(?i:unsupported|not supported|no matched)", DeviceUnsupportedError),
)


def load(uri: str, runtime: str) -> Any:
    """The module, silenced; ``DeviceUnsupportedError`` where it cannot be loaded.

    ``runtime``: folder it was installed to with ``--target``, empty: beside everything else.
    """
    if runtime and runtime not in sys.path:
        # Behind the locked packages: of that folder only what nobody else has.
        sys.path.append(runtime)
    try:
        sdk: Any = import_module("pyorbbecsdk")
    except ImportError as exc:
        raise DeviceUnsupportedError(f"{uri}: pyorbbecsdk2 cannot be loaded: {exc}") from exc
    # Before the first context, which else writes Log/ where the process happens to stand.
    sdk.Context.set_logger_to_file(sdk.OBLogLevel.NONE, "")
    sdk.Context.set_logger_to_console(sdk.OBLogLevel.NONE)
    return sdk


@contextmanager
def told(sdk: Any, uri: str, otherwise: type[DeviceError]) -> Generator[None]:
    """Raise what the SDK raises inside as one of ours; ``otherwise``: of an unknown text."""
    try:
        yield
    except (RuntimeError, sdk.OBError) as exc:
        raise error_of(str(exc), uri, otherwise) from exc


def error_of(text: str, uri: str, otherwise: type[DeviceError]) -> DeviceError:
    """The error that ``text`` of the SDK stands for."""
    kinds = (kind for pattern, kind in _TEXTS if re.search(pattern, text))
    return next(kinds, otherwise)(f"{uri}: {text}")


def listed(devices: Any, capability: Capability) -> list[CameraInfo]:
    """Identities in a ``DeviceList`` of the SDK; it opens none of them."""
    return [
        CameraInfo(
            "orbbec",
            f"orbbec:{devices.get_device_serial_number_by_index(n)}",
            str(devices.get_device_name_by_index(n)),
            str(devices.get_device_serial_number_by_index(n)),
            capability,
            usb_id=usb_id(devices.get_device_vid_by_index(n), devices.get_device_pid_by_index(n)),
            path=str(devices.get_device_uid_by_index(n)),
            device_name=str(devices.get_device_connection_type_by_index(n)),
        )
        for n in range(devices.get_count())
    ]


def usb_id(vendor: int, product: int) -> str:
    """``vid:pid`` as ``CameraInfo`` has it."""
    return f"{vendor:04x}:{product:04x}"
