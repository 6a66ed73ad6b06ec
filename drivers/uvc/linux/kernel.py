"""The cameras of a Linux machine: named, looked for, opened."""

from __future__ import annotations

import errno
import time
from collections.abc import Sequence
from pathlib import Path

from yibao_face.drivers.api import DeviceError, DeviceMissingError, DeviceUnsupportedError
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.holder import holder_of
from yibao_face.drivers.uvc.linux import abi, fault
from yibao_face.drivers.uvc.linux.node import Node, named, nodes
from yibao_face.drivers.uvc.linux.stream import Stream, opened_node
from yibao_face.drivers.uvc.linux.v4l2 import Node as Handle
from yibao_face.drivers.uvc.mode import COLOUR, GREY, ladder
from yibao_face.drivers.uvc.source import COLOUR as COLOUR_KIND
from yibao_face.drivers.uvc.source import Identity, Kind

# A program that just looked at its cameras lets go of them within a moment.
_BUSY_TRIES = 4
_BUSY_PAUSE_S = 0.3
_MAINS = {50: 1, 60: 2}
# exposure_time_absolute counts 100 µs
_PER_MS = 10


def open_source(rest: str, uri: str, kind: Kind, settings: Settings) -> Stream:
    """The stream of the node ``rest`` names, agreed on and not started.

    ``uri`` stands in errors. Raises ``DeviceError``; busy only after 0.9 s of trying.
    """
    node = _chosen(rest, uri, kind)
    for turn in range(1, _BUSY_TRIES + 1):
        try:
            return _opened(node, uri, kind, settings)
        except OSError as exc:
            if exc.errno != errno.EBUSY or turn == _BUSY_TRIES:
                holder = holder_of(node.path) if exc.errno == errno.EBUSY else ""
                raise fault.while_opening(uri, exc, holder) from exc
        time.sleep(_BUSY_PAUSE_S)
    raise AssertionError


def colours() -> list[Identity]:
    """Colour cameras there are now; none is held, one held by others is told too."""
    found = [node for node in nodes() if _sees(node, COLOUR_KIND)]
    return [identity(node, found) for node in found]


def infrared_beside(rest: str, uri: str, wanted: str = "") -> str:
    """Path of the infrared node of the same device as the colour node ``rest`` names, else of
    the same hub; ``wanted`` names the only one that will do. Raises ``DeviceMissingError``.
    """
    mine = _chosen(rest, uri, COLOUR_KIND)
    seeing = named(wanted) if wanted else [node for node in nodes() if _is_infrared(node)]
    others = [node for node in seeing if node.path != mine.path]
    near = [node for node in others if node.device == mine.device]
    near = near or [node for node in others if mine.hub and node.hub == mine.hub]
    if not near:
        raise DeviceMissingError(f"{uri}: no infrared camera is beside it")
    return str(near[0].path)


def identity(node: Node, among: Sequence[Node] = ()) -> Identity:
    """Of ``node``; its ``rest`` survives restarts and tells it from ``among`` where it can."""
    rest = node.by_path or str(node.path)
    exact = f"{node.usb_id}:{node.serial}"
    twins = [other for other in among if f"{other.usb_id}:{other.serial}" == exact]
    if node.usb_id and node.serial and len(twins) == 1:
        rest = exact
    model = node.product or node.name
    path = Path(node.by_path).name
    return Identity(rest, model, node.serial, node.release, node.usb_id, path, node.name)


def _chosen(rest: str, uri: str, kind: Kind) -> Node:
    """Of the nodes of a device the first that fits; a node named by its path whatever it is."""
    found = named(rest)
    if not found:
        raise DeviceMissingError(f"{uri}: no such video device")
    if len(found) == 1:
        return found[0]
    fitting = [node for node in found if _sees(node, kind)]
    if not fitting:
        raise DeviceUnsupportedError(f"{uri}: none of its nodes has a {kind.name} picture")
    return fitting[0]


def _sees(node: Node, kind: Kind) -> bool:
    if kind is not COLOUR_KIND:
        return _is_infrared(node)
    formats = _formats(node)
    return any(name in COLOUR for name in formats) and not node.named_infrared


def _is_infrared(node: Node) -> bool:
    formats = _formats(node)
    return bool(formats) and (node.named_infrared or all(name in GREY for name in formats))


def _formats(node: Node) -> list[str]:
    """Of a node that delivers pictures; of others, and of those just unplugged, none."""
    try:
        handle = opened_node(node.path)
    except OSError:
        return []
    try:
        return handle.formats()
    except OSError:
        return []
    finally:
        handle.close()


def _opened(node: Node, uri: str, kind: Kind, settings: Settings) -> Stream:
    handle = opened_node(node.path)
    try:
        size = (settings.width, settings.height)
        modes = ladder(handle.offers(kind.formats), kind.formats, size, settings.fps)
        if not modes:
            raise DeviceUnsupportedError(f"{uri} has no {kind.name} format we read")
        _adjust(handle, settings)
        return Stream(handle, uri, identity(node), kind, modes)
    except (OSError, DeviceError):
        handle.close()
        raise


def _adjust(handle: Handle, settings: Settings) -> None:
    """Lamp frequency and exposure, as far as the camera has controls for them."""
    handle.control(abi.POWER_LINE_FREQUENCY, _MAINS.get(settings.mains_hz, 0))
    if not settings.exposure_ms:
        handle.control(abi.AUTO_EXPOSURE, abi.EXPOSURE_APERTURE_PRIORITY)
        return
    handle.control(abi.AUTO_EXPOSURE, abi.EXPOSURE_MANUAL)
    handle.control(abi.EXPOSURE_TIME_ABSOLUTE, round(settings.exposure_ms * _PER_MS))
