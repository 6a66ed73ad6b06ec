"""ONVIF cameras (profile S): found on the network, asked for their stream, opened as RTSP."""

from __future__ import annotations

import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    DeviceUnsupportedError,
)
from yibao_face.drivers.driver import Driver, Settings
from yibao_face.drivers.network.address import Address, address_of, parse_address
from yibao_face.drivers.network.describe import connect
from yibao_face.drivers.network.discovery import probe
from yibao_face.drivers.network.rtsp import RtspCamera, open_stream

if TYPE_CHECKING:
    from yibao_face.drivers.network.soap import Told


def open_onvif(rest: str, settings: Settings) -> RtspCamera:
    """Open ``//[user:password@]host[:port][/profile]``; without profile, the nearest in size.

    Raises ``DeviceMissingError``, ``DevicePermissionError``, ``DeviceConfigError`` (no such
    profile), ``DeviceStalledError``, ``DeviceUnsupportedError`` (no ONVIF, a stream of another
    host, the library is not installed), and what ``open_stream`` raises.
    """
    address = address_of("onvif", rest, settings)
    # At once and with a reason, before the library is loaded.
    connect(address.host, address.port, address.shown).close()
    told = _told(address, settings)
    stream = stream_address(told.stream, address)
    uri = f"{Address('onvif', address.host, address.port, '', None).shown}/{quote(told.profile)}"
    model = told.model or "ONVIF"
    identity = CameraInfo("onvif", uri, model, told.serial, Capability.RGB, told.firmware)
    return open_stream(stream, settings, identity)


def _told(address: Address, settings: Settings) -> Told:
    try:
        from yibao_face.drivers.network.soap import ask  # noqa: PLC0415  # an extra of its own
    except ImportError as exc:
        raise DeviceUnsupportedError(
            f"{address.shown}: the package onvif-zeep-async is not installed ({exc.name})"
        ) from exc
    profile = unquote(address.path.removeprefix("/"))
    return ask(address, profile, (settings.width, settings.height))


def stream_address(told: str, camera: Address) -> Address:
    """The stream's url as the camera told it, with our credentials.

    Raises ``DeviceUnsupportedError`` for another host than the camera's, or no ``rtsp`` url: a
    camera must not choose to whom the password is given.
    """
    scheme, _, rest = told.partition(":")
    if scheme.lower() != "rtsp":
        raise DeviceUnsupportedError(f"{camera.shown} names a stream that is not rtsp")
    stream = parse_address("rtsp", rest)
    if stream.host != camera.host and stream.host not in _numbers(camera):
        raise DeviceUnsupportedError(f"{camera.shown} names a stream of another host")
    return stream.known_to(camera.credentials)


def _numbers(camera: Address) -> set[str]:
    """IP addresses of the camera's host name."""
    try:
        found = socket.getaddrinfo(camera.host, camera.port, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {str(address[4][0]) for address in found}


def discover_onvif(settings: Settings) -> list[CameraInfo]:
    """Cameras that answer a WS-Discovery probe; who they are they tell only after the login."""
    del settings
    if find_spec("onvif") is None:
        return []
    return [
        CameraInfo("onvif", f"onvif://{found.host}:{found.port}", found.model, "", Capability.RGB)
        for found in probe()
    ]


DRIVER = Driver("onvif", open_onvif, discover_onvif, isolated=True)
