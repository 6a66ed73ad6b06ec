"""What the kit calls: the daemon by HTTP, byte for byte as a case wants it, or a library."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import urlencode, urlsplit

from yibao_face.daemon.conform.case import ConformError, Http, Interface, Send, Stage, plain
from yibao_face.daemon.conform.stage.host import RECORDS_PATH, STAGE_PATH
from yibao_face.daemon.door.http import ATTENDANCE_PATH, AUTH_PATH

# Longer than any stage lasts; a HIS waits five minutes (S0-05).
TIMEOUT_S = 60.0
_PATHS: Mapping[Interface, str] = {"auth": AUTH_PATH, "attendance": ATTENDANCE_PATH}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``charset``: as declared, empty where nothing declares one (a library).

    ``returned``: the function's value, of a library. ``faults``: what the target did wrong beside
    its answer, such as writing beyond the buffer.
    """

    raw: bytes
    status: int = 200
    charset: str = ""
    returned: int | None = None
    faults: tuple[str, ...] = ()


class Target(Protocol):
    """Something that answers calls of both interfaces."""

    @property
    def name(self) -> str:
        """For the report."""
        ...

    def unfit(self, send: Send, body: bytes) -> str:
        """Why this call cannot be made here; empty: it can."""
        ...

    def send(self, interface: Interface, send: Send, body: bytes) -> Answer:
        """Make one call; raises ``OSError`` or ``http.client.HTTPException`` when none answers."""
        ...


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """A daemon at ``host``:``port``."""

    host: str
    port: int

    @property
    def name(self) -> str:
        """See ``Target.name``."""
        return f"http://{self.host}:{self.port}"

    def unfit(self, send: Send, body: bytes) -> str:
        """See ``Target.unfit``: everything can be posted."""
        del send, body
        return ""

    def send(self, interface: Interface, send: Send, body: bytes) -> Answer:
        """See ``Target.send``; one connection each."""
        asked = send.http or Http()
        head = _head(asked, asked.path or _PATHS[interface], len(body), self.port)
        sent = _chunked(body) if asked.framing == "chunked" else body
        with socket.create_connection((self.host, self.port), TIMEOUT_S) as connection:
            connection.sendall(head.encode("latin-1") + sent)
            response = http.client.HTTPResponse(connection, method=asked.method)
            try:
                response.begin()
                raw = response.read()
                charset = response.headers.get_content_charset("")
                return Answer(raw, response.status, charset)
            finally:
                response.close()


@dataclass(frozen=True, slots=True)
class Control:
    """The control routes of a conformance host."""

    host: str
    port: int

    def present(self) -> bool:
        """Whether a conformance host answers; a real daemon has no such routes."""
        return bool(self.version())

    def version(self) -> str:
        """The release of the host; empty where a real daemon answers. ``ConformError``: nobody."""
        found = self._ask("GET", STAGE_PATH)
        known = cast(dict[str, object], found).get("conform") if isinstance(found, dict) else None
        return known if isinstance(known, str) else ""

    def set(self, stage: Stage, institution: str, *, reset: bool) -> None:
        """Set or change the stage."""
        asked = {"stage": plain(stage), "institution": institution, "reset": reset}
        found = self._ask("POST", STAGE_PATH, asked)
        if "conform" not in found:
            raise ConformError(f"the host refused the stage: {found.get('error', found)}")

    def opened(self) -> int:
        """How often the camera was opened since the stage was set or changed."""
        return int(self._ask("GET", STAGE_PATH)["opened"])

    def records(self, deal_no: str | None) -> list[dict[str, Any]]:
        """What was written down of a settlement, or at all, since the stage was set."""
        query = urlencode({} if deal_no is None else {"deal_no": deal_no})
        return cast(list[dict[str, Any]], self._ask("GET", f"{RECORDS_PATH}?{query}"))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, data, {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise ConformError(f"no daemon answers at {self.host}:{self.port}") from exc
        finally:
            connection.close()


def address(url: str) -> tuple[str, int]:
    """Host and port of ``http://127.0.0.1:51518``; raises ``ConformError``."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise ConformError("the address is no URL like http://127.0.0.1:51518") from exc
    if parts.scheme != "http" or not host or not port:
        raise ConformError("the address is no URL like http://127.0.0.1:51518")
    return host, port


def _head(asked: Http, path: str, length: int, port: int) -> str:
    """Request line and headers; those of the case replace ours."""
    framing = {
        "length": {"Content-Length": str(length)},
        "chunked": {"Transfer-Encoding": "chunked"},
        "none": {},
    }[asked.framing]
    usual = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Connection": "close",
    }
    headers: dict[str, str | None] = {**usual, **framing, **asked.headers}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    return f"{asked.method} {path} HTTP/{asked.version}\r\n{''.join(lines)}\r\n"


def _chunked(body: bytes) -> bytes:
    """``body`` in two chunks, cut where it may split a character."""
    middle = len(body) // 2 + 1
    parts = [part for part in (body[:middle], body[middle:]) if part]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
