"""An ONVIF camera's SOAP services on loopback, with its login, clock and flaws as a test wants."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope '
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:trt="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:tt="http://www.onvif.org/ver10/schema" '
    'xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>{body}</s:Body></s:Envelope>'
)
_FAULT = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{code}</s:Value></s:Subcode>"
    '</s:Code><s:Reason><s:Text xml:lang="en">{reason}</s:Text></s:Reason></s:Fault>'
)
# How far a login's time may be off.
_SKEW_S = 5.0


@dataclass
class Onvif:
    """``login``: user and password; ``behind``: its clock against ours; ``answers``: what it
    says to an action instead of the right thing, an HTTP body; ``services``: whether it knows
    GetServices. ``profiles``: token to size in px. ``http_digest``: asks for that, not WS.
    """

    stream: str
    login: tuple[str, str] | None = None
    behind: timedelta = timedelta()
    profiles: dict[str, tuple[int, int]] = field(
        default_factory=lambda: {"main": (1920, 1080), "sub": (640, 360)}
    )
    services: bool = True
    http_digest: bool = False
    pause_s: float = 0.0
    location: str = ""
    xaddr: str = "http://192.0.2.1/onvif/"
    answers: dict[str, bytes] = field(default_factory=dict[str, bytes])
    asked: list[str] = field(default_factory=list[str])
    port: int = 0

    @contextlib.contextmanager
    def serve(self) -> Generator[Onvif]:
        """Runs it on loopback; sets ``port``."""
        responder = self

        class Handler(_Handler):
            camera = responder

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, action: str, request: str) -> tuple[int, bytes]:
        """HTTP status and body."""
        self.asked.append(action)
        time.sleep(self.pause_s)
        if action in self.answers:
            return 200, self.answers[action]
        if action != "GetSystemDateAndTime" and not self._admits(request):
            return 400, envelope(_FAULT.format(code="ter:NotAuthorized", reason="Sender"))
        body = getattr(self, f"_{action}", None)
        if body is None or (action == "GetServices" and not self.services):
            return 500, envelope(_FAULT.format(code="ter:ActionNotSupported", reason="No"))
        return 200, envelope(f"<{body(request)}")

    def _admits(self, request: str) -> bool:
        """By the rules of the WS-Security UsernameToken profile, digest."""
        if self.login is None or self.http_digest:
            return True
        user, given, nonce, created = (
            _of(request, name) for name in ("Username", "Password", "Nonce", "Created")
        )
        if not created or user != self.login[0]:
            return False
        token = base64.b64decode(nonce) + created.encode() + self.login[1].encode()
        wanted = base64.b64encode(hashlib.sha1(token).digest()).decode()  # noqa: S324  # the profile's hash
        skew = datetime.fromisoformat(created) - (datetime.now(UTC) - self.behind)
        return given == wanted and abs(skew.total_seconds()) <= _SKEW_S

    def _GetSystemDateAndTime(self, _: str) -> str:  # noqa: N802  # the action's name
        now = datetime.now(UTC) - self.behind
        return (
            "tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
            "<tt:DateTimeType>Manual</tt:DateTimeType>"
            "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
            f"<tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year>"
            f"<tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
            "</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _GetServices(self, _: str) -> str:  # noqa: N802  # as above
        services = "".join(
            f"<tds:Service><tds:Namespace>http://www.onvif.org/ver10/{name}/wsdl</tds:Namespace>"
            f"<tds:XAddr>{self.xaddr}{name}</tds:XAddr>"
            "<tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>"
            for name in ("device", "media")
        )
        return f"tds:GetServicesResponse>{services}</tds:GetServicesResponse>"

    def _GetCapabilities(self, _: str) -> str:  # noqa: N802  # as above
        return (
            "tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media>"
            f"<tt:XAddr>{self.xaddr}media</tt:XAddr><tt:StreamingCapabilities/></tt:Media>"
            "</tds:Capabilities></tds:GetCapabilitiesResponse>"
        )

    def _GetDeviceInformation(self, _: str) -> str:  # noqa: N802  # as above
        return (
            "tds:GetDeviceInformationResponse><tds:Manufacturer>Acme</tds:Manufacturer>"
            "<tds:Model>Eye 3</tds:Model><tds:FirmwareVersion>1.2.3</tds:FirmwareVersion>"
            "<tds:SerialNumber>SN-77</tds:SerialNumber><tds:HardwareId>A</tds:HardwareId>"
            "</tds:GetDeviceInformationResponse>"
        )

    def _GetProfiles(self, _: str) -> str:  # noqa: N802  # as above
        profiles = "".join(
            f'<trt:Profiles token="{token}" fixed="true"><tt:Name>{token} stream</tt:Name>'
            f'<tt:VideoEncoderConfiguration token="v{token}"><tt:Name>v</tt:Name>'
            "<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding><tt:Resolution>"
            f"<tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>"
            "<tt:Quality>5</tt:Quality></tt:VideoEncoderConfiguration></trt:Profiles>"
            for token, (width, height) in self.profiles.items()
        )
        return f"trt:GetProfilesResponse>{profiles}</trt:GetProfilesResponse>"

    def _GetStreamUri(self, request: str) -> str:  # noqa: N802  # as above
        uri = escape(self.stream.format(token=_of(request, "ProfileToken")))
        return (
            f"trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri>"
            "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
            "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout>"
            "</trt:MediaUri></trt:GetStreamUriResponse>"
        )


def envelope(body: str) -> bytes:
    """A SOAP answer."""
    return _ENVELOPE.format(body=body).encode()


def _of(request: str, name: str) -> str:
    found = re.search(rf"<(?:[\w-]+:)?{name}(?:\s[^>]*)?>([^<]*)<", request)
    return found.group(1) if found else ""


class _Handler(BaseHTTPRequestHandler):
    camera: Onvif

    def do_POST(self) -> None:
        """One SOAP request."""
        request = self.rfile.read(int(self.headers["Content-Length"])).decode()
        action = re.search(r"Body[^>]*>\s*<(?:[\w-]+:)?(\w+)", request)
        if self.camera.location:
            return self._send(307, b"", ("Location", self.camera.location))
        if self.camera.http_digest and not self._digest_fits():
            return self._send(
                401, b"", ("WWW-Authenticate", 'Digest realm="cam", nonce="abc", qop="auth"')
            )
        return self._send(*self.camera.answer(action.group(1) if action else "", request))

    def _digest_fits(self) -> bool:
        assert self.camera.login is not None
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', self.headers.get("Authorization", "")))
        user, password = self.camera.login
        inner = _md5(f"{user}:cam:{password}")
        call = _md5(f"POST:{self.path}")
        parts = (inner, "abc", given.get("nc"), given.get("cnonce"), "auth", call)
        return given.get("response") == _md5(":".join(map(str, parts)))

    def _send(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", "application/soap+xml"), *headers):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324  # what HTTP digest is made of
