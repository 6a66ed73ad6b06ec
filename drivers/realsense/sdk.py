"""The one door to pyrealsense2: loaded when needed, its errors told as ours."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    ClipError,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceUnsupportedError,
)

# pyrealsense2 raises plain RuntimeError, and its texts are all there is to go by. First match
# holds: a file's name may contain any of the later ones.
_TEXTS: tuple[tuple[str, type[DeviceError]], ...] = (
    (r"enable_device_from_file|\.db3|SQLite", ClipError),
    (r"STATUS_BUSY|resource busy|errno=16\b|already opened", DeviceBusyError),
    (
        r"STATUS_ACCESS|(?i:permission|access( is)?) denied|errno=13\b",
        DevicePermissionError,
    ),
    (r"[Dd]isconnected|STATUS_NO_DEVICE|errno=19\b", DeviceLostError),
    (r"No device connected", DeviceMissingError),
    (r"Couldn't resolve requests|satisfies all requirements", DeviceUnsupportedError),
)
_VENDOR = "8086"


def load(uri: str) -> Any:
    """The module; ``DeviceUnsupportedError`` where it, or the libusb it needs, is absent."""
    try:
        return import_module("pyrealsense2")
    except ImportError as exc:
        raise DeviceUnsupportedError(f"{uri}: pyrealsense2 cannot be loaded: {exc}") from exc


@contextmanager
def told(uri: str, otherwise: type[DeviceError]) -> Generator[None]:
    """Raise what the SDK raises inside as one of ours; ``otherwise``: of an unknown text."""
    try:
        yield
    except RuntimeError as exc:
        raise error_of(str(exc), uri, otherwise) from exc


def error_of(text: str, uri: str, otherwise: type[DeviceError]) -> DeviceError:
    """The error that ``text`` of the SDK stands for."""
    kinds = (kind for pattern, kind in _TEXTS if re.search(pattern, text))
    return next(kinds, otherwise)(f"{uri}: {text}")


def describe(sdk: Any, device: Any, uri: str, capability: Capability) -> CameraInfo:
    """Identity of ``device``, a handle of the SDK; an empty ``uri`` is made of its serial."""
    serial, name = detail(sdk, device, "serial_number"), detail(sdk, device, "name")
    product, usb = detail(sdk, device, "product_id"), detail(sdk, device, "usb_type_descriptor")
    return CameraInfo(
        "realsense",
        uri or f"realsense:{serial}",
        name,
        serial,
        capability,
        firmware=detail(sdk, device, "firmware_version"),
        usb_id=f"{_VENDOR}:{product.lower()}" if product else "",
        path=socket_of(detail(sdk, device, "physical_port")),
        device_name=f"{name} USB {usb}" if usb else name,
    )


def detail(sdk: Any, device: Any, name: str) -> str:
    """The ``camera_info`` of that name, empty where the device has none."""
    kind: Any = getattr(sdk.camera_info, name)
    return str(device.get_info(kind)) if device.supports(kind) else ""


def socket_of(physical_port: str) -> str:
    """The part of ``physical_port`` that stays: Linux appends the number a node got by chance."""
    return physical_port.partition("/video4linux/")[0]
