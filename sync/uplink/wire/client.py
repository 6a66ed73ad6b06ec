"""One kept-alive HTTPS connection to the centre, for the thread it belongs to.

The standard library's client, as threads of their own carry the uplink: a call blocks its thread
and nothing else, and TLS is what the daemon has already. It lacks a limit on the whole exchange
and on the answer's length, and a way to be interrupted: these are here.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from yibao_face.sync.uplink.api import (
    CentreRefusedError,
    NoAnswerError,
    Place,
    UntrustedError,
    UplinkError,
)
from yibao_face.sync.uplink.wire.answer import MAX_ANSWER_BYTES, read_refusal

_CONNECT_S = 10.0
_CHUNK_BYTES = 64 * 1024
_DIGITS = re.compile(r"[0-9]{1,9}")
_ALERTS = (
    ("CERTIFICATE_EXPIRED", "expired"),
    ("CERTIFICATE_REVOKED", "revoked"),
    ("UNKNOWN_CA", "unknown-certificate"),
    ("BAD_CERTIFICATE", "unknown-certificate"),
    ("CERTIFICATE_UNKNOWN", "unknown-certificate"),
    ("CERTIFICATE_REQUIRED", "no-certificate"),
)
# The other side closed a connection it had kept: it has not looked at what was sent on it.
_STALE = (
    http.client.RemoteDisconnected,
    ConnectionResetError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


def _at_once(_count: int) -> None:
    """No pacing."""


@dataclass(frozen=True, slots=True)
class Request:
    """``deadline_s``: for the whole exchange. ``paced``: called before each piece of the body
    with its size; may wait. ``most``: bytes of the answer."""

    method: str
    path: str
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    deadline_s: float = 90.0
    paced: Callable[[int], None] = _at_once
    most: int = MAX_ANSWER_BYTES


class Client:
    """``ask`` from one thread; ``abort`` from any."""

    def __init__(self, place: Place, context: ssl.SSLContext) -> None:
        self._place, self._context = place, context
        self._connection: _Connection | None = None
        self._aborted = threading.Event()

    def ask(self, request: Request) -> bytes:
        """The body of a 200.

        ``CentreRefusedError``: any other answer; ``UntrustedError``: not this centre;
        ``NoAnswerError``: nothing that can be read.
        """
        if self._aborted.is_set():
            raise NoAnswerError("stopped")
        timer = threading.Timer(request.deadline_s, self._cut)
        timer.daemon = True
        timer.start()
        try:
            return self._exchanged(request)
        finally:
            timer.cancel()

    def abort(self) -> None:
        """End the exchange under way, and every later one."""
        self._aborted.set()
        self._cut()

    def close(self) -> None:
        """Let the connection go; the next request opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _exchanged(self, request: Request) -> bytes:
        reused = self._connection is not None
        try:
            return self._once(request)
        except _STALE as exc:
            self.close()
            if not reused or self._aborted.is_set():
                raise NoAnswerError("the connection was cut") from exc
        except NoAnswerError:
            self.close()
            raise
        except (OSError, http.client.HTTPException, ValueError) as exc:
            self.close()
            raise _told(exc) from exc
        # Once more, on a connection that cannot be stale.
        return self._exchanged(request)

    def _once(self, request: Request) -> bytes:
        connection = self._opened()
        connection.putrequest(request.method, request.path, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        if request.method != "GET":
            connection.putheader("Content-Length", str(len(request.body)))
        # A centre that refuses early answers and closes: its answer may still be read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.endheaders()
            for start in range(0, len(request.body), _CHUNK_BYTES):
                piece = request.body[start : start + _CHUNK_BYTES]
                request.paced(len(piece))
                connection.send(piece)
        return self._answer(connection.getresponse(), request.most)

    def _answer(self, answer: http.client.HTTPResponse, most: int) -> bytes:
        length = answer.length
        data = answer.read(most + 1)
        if len(data) > most:
            raise NoAnswerError(f"the answer is longer than {most} bytes")
        # The library takes a connection that ends for the end of headers and of a body.
        whole = answer.chunked if length is None else len(data) == length
        if not whole:
            raise NoAnswerError("the answer was cut short")
        if answer.will_close:
            self.close()
        else:
            answer.close()
        if answer.status != http.HTTPStatus.OK:
            retry = answer.headers.get("Retry-After", "").strip()
            retry_s = int(retry) if _DIGITS.fullmatch(retry) else None
            raise CentreRefusedError(answer.status, read_refusal(data), retry_s)
        return data

    def _opened(self) -> _Connection:
        connection = self._connection
        if connection is None:
            connection = self._connection = _Connection(self._place, self._context)
            connection.connect()
            if self._aborted.is_set():
                raise NoAnswerError("stopped")
        return connection

    def _cut(self) -> None:
        """Wake whoever waits at the socket, without touching what TLS keeps about it."""
        connection = self._connection
        sock = None if connection is None else connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Connection(http.client.HTTPSConnection):
    """As the library's, but its socket is known while it still connects, and so can be cut."""

    def __init__(self, place: Place, context: ssl.SSLContext) -> None:
        super().__init__(place.host, place.port, context=context)
        self._tls = context

    def connect(self) -> None:
        """TCP and TLS, each within ``_CONNECT_S``; ``OSError``."""
        tls = self.sock = self._tls.wrap_socket(
            self._plain(), server_hostname=self.host, do_handshake_on_connect=False
        )
        tls.do_handshake()
        # From here on the deadline of the exchange holds.
        tls.settimeout(None)

    def _plain(self) -> socket.socket:
        """The first address of the host that answers."""
        last = OSError("the host has no address")
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in found:
            plain = self.sock = socket.socket(family, kind, protocol)
            plain.settimeout(_CONNECT_S)
            try:
                plain.connect(address)
            except OSError as exc:
                plain.close()
                last = exc
            else:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return plain
        raise last


def _told(exc: Exception) -> UplinkError:
    """What it means that an exchange ended in ``exc``."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        return UntrustedError(f"the centre's certificate does not hold: {exc.verify_message}")
    reason = (exc.reason or "") if isinstance(exc, ssl.SSLError) else ""
    for alert, word in _ALERTS:
        # What the other side said about our certificate while the connection was made.
        if "ALERT" in reason and alert in reason:
            return CentreRefusedError(403, word)
    return NoAnswerError(f"no answer: {type(exc).__name__}")
