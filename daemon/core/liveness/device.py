"""Is the camera the one this counter was fitted with, and is it a camera at all.

The list of names keeps out software that says what it is; what lies about its name is kept out by
the pin: vendor and product, serial number, socket and firmware that were written down when the
camera was fitted. A program with the rights of an administrator can imitate all four.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from yibao_face.daemon.core.encounter import Cause

# Their devices hang on a bus that names them; one that does not is not theirs.
USB_DRIVERS = frozenset({"uvc", "uvc-pair", "realsense", "orbbec", "openni2"})

_USB_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")
# In a name without anything but letters and digits. "virtualcam" covers OBS, Zoom, Meta, Windows…
_SOFTWARE = (
    "v4l2loop",
    "virtualcam",
    "virtualvideo",
    "virtualwebcam",
    "fakecam",
    "fakewebcam",
    "dummyvideo",
    "obscam",
    "manycam",
    "droidcam",
    "akvcam",
    "akvirtual",
    "snapcamera",
    "e2esoft",
    "xsplit",
    "newtek",
    "webcamoid",
    "unityvideocapture",
    "splitcam",
    "sparkocam",
    "altercam",
    "chromacam",
    "youcam",
    "epoccam",
    "iriun",
    "screencapturerecorder",
    "streamlabs",
    "vtubestudio",
    "vseeface",
    "nvidiabroadcast",
    "虚拟",
    "模拟摄像",
)
# Too short to look for within a word.
_SOFTWARE_WORDS = frozenset(
    {"vcam", "ivcam", "ndi", "vivid", "camo", "vmix", "obs", "loopback", "mmhmm"}
)
# Where systems put devices that hang on no bus.
_SOFTWARE_PATHS = ("/devices/virtual/", "platform:v4l2loopback", "platform:vivid", "root#", "swd#")


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What a camera says of itself: fields as in ``drivers.api.CameraInfo``.

    ``recorded``, ``virtual``: its driver says that frames are a recording, the device software.
    """

    driver: str
    model: str
    serial: str = ""
    firmware: str = ""
    usb_id: str = ""
    path: str = ""
    device_name: str = ""
    recorded: bool = False
    virtual: bool = False


@dataclass(frozen=True, slots=True)
class Pin:
    """The camera that was fitted; an empty field is not compared."""

    usb_id: str = ""
    serial: str = ""
    path: str = ""
    firmware: str = ""


def device_cause(facts: DeviceFacts, pin: Pin, *, demo: bool) -> Cause | None:
    """Why nobody may pass before this camera; ``None`` when it may be used.

    What its frames can prove is asked elsewhere (``modality``). In the demo a recording is let by,
    whatever is pinned: its answers are marked.
    """
    if is_software(facts):
        return Cause.CAMERA_UNTRUSTED
    if facts.recorded:
        return None if demo else Cause.RECORDED_CAMERA
    return None if _has_bus(facts) and _is_pinned(facts, pin) else Cause.CAMERA_UNTRUSTED


def is_software(facts: DeviceFacts) -> bool:
    """Whether driver, name or place give away a camera that is a program."""
    path = _plain(facts.path).replace("\\", "/")
    return (
        facts.virtual
        or any(map(_names_software, (facts.driver, facts.model, facts.device_name)))
        or any(mark in path for mark in _SOFTWARE_PATHS)
    )


def is_usb_id(text: str) -> bool:
    """Whether ``text`` is ``vid:pid`` as ``CameraInfo.usb_id`` has it, and not all zeros."""
    return bool(_USB_ID.fullmatch(text)) and text != "0000:0000"


def _has_bus(facts: DeviceFacts) -> bool:
    claims = facts.driver in USB_DRIVERS or facts.usb_id != ""
    return is_usb_id(facts.usb_id) if claims else True


def _is_pinned(facts: DeviceFacts, pin: Pin) -> bool:
    pairs = (
        (pin.usb_id.strip().lower(), facts.usb_id),
        (pin.serial, facts.serial),
        (pin.path, facts.path),
        (pin.firmware, facts.firmware),
    )
    return all(not pinned or pinned == found for pinned, found in pairs)


def _names_software(name: str) -> bool:
    plain = _plain(name)
    words = re.findall(r"[^\W_]+", plain)
    squeezed = "".join(words)
    return any(mark in squeezed for mark in _SOFTWARE) or not _SOFTWARE_WORDS.isdisjoint(words)


def _plain(text: str) -> str:
    """Lower case; full-width letters, accents and invisible characters taken away."""
    composed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in composed if unicodedata.category(c) not in {"Mn", "Cf", "Cc"})
