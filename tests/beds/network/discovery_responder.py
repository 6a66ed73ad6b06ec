"""A camera that answers WS-Discovery probes on loopback, or something that answers worse."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Generator

from yibao_face.drivers.network.discovery import GROUP, PORT

Answers = Callable[[str], list[bytes]]


def match(
    relates_to: str, xaddrs: str, scopes: str = "", types: str = "dn:NetworkVideoTransmitter"
) -> bytes:
    """A ProbeMatches message."""
    return (
        '<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
        'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header>'
        f"<w:RelatesTo>{relates_to}</w:RelatesTo></e:Header><e:Body><d:ProbeMatches>"
        "<d:ProbeMatch><w:EndpointReference><w:Address>urn:uuid:1</w:Address>"
        f"</w:EndpointReference><d:Types>{types}</d:Types><d:Scopes>{scopes}</d:Scopes>"
        f"<d:XAddrs>{xaddrs}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>"
        "</d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
    ).encode()


@contextlib.contextmanager
def responding(answers: Answers) -> Generator[None]:
    """Sends to each probe what ``answers`` makes of its message id."""
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                probe, sender = link.recvfrom(65536)
                identity = re.search(rb"MessageID>([^<]+)<", probe)
                assert identity is not None
                for answer in answers(identity.group(1).decode()):
                    link.sendto(answer, sender)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        link.bind((GROUP, PORT))
        group = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton("127.0.0.1"))
        link.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        link.settimeout(0.05)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
