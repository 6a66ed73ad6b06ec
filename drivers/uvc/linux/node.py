"""The video nodes of a Linux machine by sysfs: whose they are, without opening any."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from yibao_face.drivers.api import DeviceConfigError

_USB_ID = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})(?::(.+))?")
_INFRARED_NAME = re.compile(r"\b(ir|infrared)\b|红外", re.IGNORECASE)
_HUB_CLASS = "09"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the system keeps its devices; other roots only in tests."""

    sys: Path = Path("/sys")
    dev: Path = Path("/dev")


@dataclass(frozen=True, slots=True)
class Node:
    """One video node. ``device``: sysfs folder of the USB device, else of what carries it.

    ``by_path``: full name below ``/dev/v4l/by-path``, empty without udev. ``hub``: folder of the
    external or built-in hub the device hangs on, ``None`` at a socket of the machine itself.
    """

    path: Path
    number: int
    name: str
    device: Path
    hub: Path | None = None
    usb_id: str = ""
    serial: str = ""
    product: str = ""
    release: str = ""
    by_path: str = ""

    @property
    def named_infrared(self) -> bool:
        """Whether its name says that it sees infrared."""
        return _INFRARED_NAME.search(self.name) is not None


def nodes(places: Places | None = None) -> list[Node]:
    """All video nodes there are, by number; also those that deliver no pictures."""
    at = places or Places()
    links = _links(at.dev / "v4l" / "by-path")
    folder = at.sys / "class" / "video4linux"
    entries = [entry for entry in _listed(folder) if re.fullmatch(r"video\d+", entry.name)]
    found = [_node(entry, at, links) for entry in entries]
    return sorted((node for node in found if node is not None), key=lambda node: node.number)


def named(rest: str, places: Places | None = None) -> list[Node]:
    """Nodes a uri's rest can mean: a path below ``/dev``, or ``vid:pid[:serial]``.

    Raises ``DeviceConfigError`` for anything else; an empty list: it is not there.
    """
    at = places or Places()
    usb = _USB_ID.fullmatch(rest)
    if usb is not None:
        usb_id, serial = f"{usb[1]}:{usb[2]}".lower(), usb[3]
        same = [node for node in nodes(at) if node.usb_id == usb_id]
        return [node for node in same if serial is None or node.serial == serial]
    path = Path(rest)
    if not path.is_absolute() or not path.is_relative_to(at.dev) or ".." in path.parts:
        raise DeviceConfigError(f"{rest!r} is no video node and no vid:pid[:serial]")
    real = path.resolve()
    return [node for node in nodes(at) if node.path.resolve() == real]


def _node(entry: Path, at: Places, links: dict[Path, str]) -> Node | None:
    carrier = (entry / "device").resolve()
    if not carrier.is_dir():
        return None  # unplugged while we look
    path = at.dev / entry.name
    usb = next((up for up in (carrier, *carrier.parents) if (up / "idVendor").is_file()), None)
    base = Node(
        path,
        int(entry.name.removeprefix("video")),
        _read(entry / "name"),
        usb or carrier,
        by_path=links.get(path.resolve(), ""),
    )
    return base if usb is None else _of_usb(base, usb)


def _of_usb(base: Node, usb: Path) -> Node:
    up = usb.parent
    is_hub = _read(up / "bDeviceClass") == _HUB_CLASS and not up.name.startswith("usb")
    release = _read(usb / "bcdDevice")
    return Node(
        base.path,
        base.number,
        base.name,
        base.device,
        up if is_hub else None,
        f"{_read(usb / 'idVendor')}:{_read(usb / 'idProduct')}".lower(),
        _read(usb / "serial"),
        _read(usb / "product"),
        f"{release[:2].lstrip('0') or '0'}.{release[2:]}" if release else "",
        base.by_path,
    )


def _links(folder: Path) -> dict[Path, str]:
    return {link.resolve(): str(link) for link in _listed(folder)}


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # no video device, or no udev
        return []


def _read(file: Path) -> str:
    try:
        return file.read_bytes()[:256].decode("utf-8", "replace").strip()
    except OSError:  # devices need not tell it
        return ""
