"""What Linux tells of a USB device that OpenNI2 names ``2bc5/0401@bus/address``."""

from __future__ import annotations

import re
from pathlib import Path

_URI = re.compile(r"[0-9a-f]{4}/[0-9a-f]{4}@(\d+)/(\d+)", re.IGNORECASE)
_NODES = Path("/dev/bus/usb")
_DEVICES = Path("/sys/bus/usb/devices")


def node_of(sdk_uri: str, nodes: Path = _NODES) -> Path | None:
    """The device's node; ``None`` where the uri names none or the system has none."""
    named = _URI.fullmatch(sdk_uri)
    if named is None:
        return None
    node = nodes / f"{int(named[1]):03}" / f"{int(named[2]):03}"
    return node if node.exists() else None


def socket_of(sdk_uri: str, devices: Path = _DEVICES) -> str:
    """The socket it is plugged into (``usb-1-4.2``); empty where nobody can tell."""
    named = _URI.fullmatch(sdk_uri)
    if named is None or not devices.is_dir():
        return ""
    wanted = (int(named[1]), int(named[2]))
    for device in sorted(devices.iterdir()):
        if (_number(device / "busnum"), _number(device / "devnum")) == wanted:
            return f"usb-{device.name}"
    return ""


def _number(file: Path) -> int:
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):
        return -1
