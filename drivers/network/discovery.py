"""WS-Discovery: asks the local networks for ONVIF cameras. Every answer is a stranger's."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import psutil

GROUP, PORT = "239.255.255.250", 3702
# Devices answer after up to 0.5 s by chance, lest all speak at once.
WAIT_S = 1.5
_MOST = 64
_LONGEST = 16 * 1024
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_CAMERA = "NetworkVideoTransmitter"
_SCOPES = ("onvif://www.onvif.org/hardware/", "onvif://www.onvif.org/name/")
_PROBE = f"""<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="{_ADDRESSING}"
 xmlns:d="{_DISCOVERY}" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header>
<w:MessageID>{{id}}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
<w:Action>{_DISCOVERY}/Probe</w:Action></e:Header>
<e:Body><d:Probe><d:Types>dn:{_CAMERA}</d:Types></d:Probe></e:Body></e:Envelope>"""


@dataclass(frozen=True, slots=True)
class Found:
    """``host``: the IPv4 address it answered from; ``model``: as it calls itself."""

    host: str
    port: int
    model: str


def probe(interfaces: Iterable[str] | None = None, wait_s: float = WAIT_S) -> list[Found]:
    """Cameras that answer within ``wait_s``, by address; at most 64.

    ``interfaces``: our IPv4 addresses to ask from; ``None`` = all of this machine.
    """
    identity = f"urn:uuid:{uuid.uuid4()}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        for ours in _ours() if interfaces is None else interfaces:
            _send(link, ours, _PROBE.format(id=identity).encode())
        found = set(_answers(link, identity, time.monotonic() + wait_s))
    return sorted(found, key=lambda answer: (answer.host, answer.port))[:_MOST]


def _ours() -> list[str]:
    given = (address for all_ in psutil.net_if_addrs().values() for address in all_)
    return [address.address for address in given if address.family == socket.AF_INET]


def _send(link: socket.socket, ours: str, message: bytes) -> None:
    try:
        link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(ours))
        link.sendto(message, (GROUP, PORT))
    except OSError:
        # An interface that is down or without multicast has no camera to offer.
        return


def _answers(link: socket.socket, identity: str, until: float) -> Iterator[Found]:
    for _ in range(16 * _MOST):
        left_s = until - time.monotonic()
        if left_s <= 0:
            return
        link.settimeout(left_s)
        try:
            data, (host, _port) = link.recvfrom(_LONGEST + 1)
        except TimeoutError:
            return
        except OSError:
            # Windows tells so of an earlier probe that nobody wanted; answers may still come.
            continue
        yield from parse_match(data, str(host), identity)


def parse_match(data: bytes, host: str, identity: str) -> Iterator[Found]:
    """The cameras an answer from ``host`` to the probe ``identity`` names, if it does.

    Only services of the sender itself count; what is no such answer names none.
    """
    root = _parsed(data)
    if root is None or root.findtext(f".//{{{_ADDRESSING}}}RelatesTo", "").strip() != identity:
        return
    for match in root.iter(f"{{{_DISCOVERY}}}ProbeMatch"):
        types = match.findtext(f"{{{_DISCOVERY}}}Types", "")
        places = match.findtext(f"{{{_DISCOVERY}}}XAddrs", "").split()
        port = next((port for place in places if (port := _port_of(place, host))), None)
        if _CAMERA in types and port is not None:
            yield Found(host, port, _model(match.findtext(f"{{{_DISCOVERY}}}Scopes", "")))


def _parsed(data: bytes) -> ElementTree.Element | None:
    # No document types, so no entities; as text, so in no encoding of the sender's choice.
    if len(data) > _LONGEST or b"<!" in data:
        return None
    try:
        text = data.decode()
        return ElementTree.fromstring(text)  # noqa: S314  # it can hold no entity, see above
    except (UnicodeDecodeError, ElementTree.ParseError):
        return None


def _port_of(place: str, host: str) -> int | None:
    """Port of an http url of ``host``; ``None`` for any other text."""
    try:
        parts = urlsplit(place)
        port = parts.port or 80
    except ValueError:
        return None
    return port if parts.scheme == "http" and parts.hostname == host else None


def _model(scopes: str) -> str:
    for start in _SCOPES:
        for scope in scopes.split():
            name = unquote(scope.removeprefix(start)) if scope.startswith(start) else ""
            line = "".join(letter for letter in name if letter.isprintable()).strip()[:64]
            if line:
                return line
    return "ONVIF"
