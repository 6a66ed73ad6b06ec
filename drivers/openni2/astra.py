"""Devices of the Astra class: which there are, what they are called, which of them can be used."""

from __future__ import annotations

import re
from collections.abc import Callable

from yibao_face.drivers.api import DeviceMissingError
from yibao_face.drivers.openni2.library.sdk import Found

_VENDOR = "2bc5"
_MODELS = {
    "2bc5:0401": "Orbbec Astra",
    "2bc5:0402": "Orbbec Astra S",
    "2bc5:0403": "Orbbec Astra Pro",
    "2bc5:0404": "Orbbec Astra Mini",
}
# Cameras whose colour sensor is a USB device of its own, of which OpenNI2 knows nothing.
_COLOUR_APART = {"2bc5:0403": "2bc5:0501"}
_KIND = re.compile(r"[0-9a-f]{4}/[0-9a-f]{4}")


def model_of(found: Found) -> str:
    """Maker's name of the device; as the library has it where we know none."""
    return _MODELS.get(found.usb_id) or found.model or "OpenNI2"


def usable(devices: list[Found]) -> list[Found]:
    """Devices of the class, those that have their colour elsewhere last."""
    ours = [device for device in devices if device.usb_id.startswith(_VENDOR)]
    return sorted(ours, key=lambda device: device.usb_id in _COLOUR_APART)


def no_colour(found: Found) -> str:
    """Why a device without a colour sensor cannot be used."""
    apart = _COLOUR_APART.get(found.usb_id)
    if apart is None:
        return f"{model_of(found)} ({found.usb_id}) has no colour sensor"
    return (
        f"{model_of(found)} ({found.usb_id}) has its colour in a UVC camera of its own ({apart}), "
        "whose place beside the depth sensor OpenNI2 does not tell: it cannot be used for faces"
    )


def has_colour(found: Found) -> bool:
    """Whether OpenNI2 gives the device's colour, as far as its model tells."""
    return found.usb_id not in _COLOUR_APART


def named(rest: str, devices: list[Found], serial: Callable[[Found], str]) -> Found:
    """The device that ``rest`` names: the library's uri, ``vid/pid``, a serial, empty: the first.

    ``serial`` opens devices to ask them. Raises ``DeviceMissingError``.
    """
    found = list(_matching(rest.strip(), devices, serial))
    if not found:
        listed = ", ".join(device.sdk_uri for device in devices) or "nothing"
        raise DeviceMissingError(f"openni2:{rest} is not there; OpenNI2 sees {listed}")
    return found[0]


def _matching(rest: str, devices: list[Found], serial: Callable[[Found], str]) -> list[Found]:
    if not rest:
        return usable(devices)
    kind = rest.casefold()
    if _KIND.fullmatch(kind):
        return [device for device in devices if device.usb_id == kind.replace("/", ":")]
    by_uri = [device for device in devices if device.sdk_uri == rest]
    return by_uri or [device for device in usable(devices) if serial(device) == rest]
