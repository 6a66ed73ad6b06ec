"""Asks an RTSP server for its stream before FFmpeg does, which tells no reason when it fails."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from yibao_face.drivers.api import (
    DeviceBusyError,
    DeviceConfigError,
    DeviceError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.network.address import Address
from yibao_face.drivers.network.login import authorization

# Together below the 3 s within which the counter is told.
CONNECT_S = 1.5
ANSWER_S = 1.0
_LONGEST_HEAD = 16 * 1024
_LONGEST_BODY = 64 * 1024
_OK = 200
_UNAUTHORIZED = 401
_MOVED = range(300, 400)
_REFUSED: dict[int, tuple[type[DeviceError], str]] = {
    401: (DevicePermissionError, "refuses this user and password"),
    403: (DevicePermissionError, "forbids this user the stream"),
    404: (DeviceConfigError, "has no stream of this path"),
    410: (DeviceConfigError, "has no stream of this path any more"),
    453: (DeviceBusyError, "serves as many viewers as it can"),
    503: (DeviceBusyError, "cannot serve the stream now"),
}


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of a header, in order."""
        return [value for key, value in self.headers if key == name]


def connect(host: str, port: int, shown: str) -> socket.socket:
    """A TCP connection; ``DeviceMissingError`` with the reason where there is none."""
    try:
        return socket.create_connection((host, port), timeout=CONNECT_S)
    except TimeoutError:
        raise DeviceMissingError(f"{shown} does not answer within {CONNECT_S} s") from None
    except (OSError, UnicodeError) as exc:
        # UnicodeError: a host name the resolver's encoding refuses.
        raise DeviceMissingError(f"{shown} is not to be reached: {exc}") from exc


def require_video(address: Address, shown: str) -> None:
    """Return when ``address`` offers video to its credentials; else raise why not.

    ``shown``: the camera in messages. ``DeviceMissingError``, ``DevicePermissionError``,
    ``DeviceConfigError`` (no such path), ``DeviceBusyError``, ``DeviceStalledError`` (silent),
    ``DeviceUnsupportedError`` (no RTSP, no video).
    """
    with connect(address.host, address.port, shown) as link:
        session = _Session(link, address, shown)
        reply = session.describe(None)
        if reply.status == _UNAUTHORIZED and address.credentials:
            reply = session.describe(_answer(reply, address, shown))
    if reply.status in _MOVED:
        # Not followed: whoever answers here would choose where the password goes next.
        raise DeviceConfigError(f"{shown} has moved: name its new address")
    if reply.status != _OK:
        kind, why = _REFUSED.get(reply.status, (DeviceUnsupportedError, "refuses"))
        raise kind(f"{shown} {why} (RTSP {reply.status})")
    if not any(line.startswith(b"m=video") for line in reply.body.splitlines()):
        raise DeviceUnsupportedError(f"{shown} offers no video")


def _answer(reply: _Reply, address: Address, shown: str) -> str:
    assert address.credentials is not None  # noqa: S101  # the caller asked
    asked = reply.values("www-authenticate")
    answer = authorization(asked, address.credentials, "DESCRIBE", address.bare)
    if answer is None:
        raise DeviceUnsupportedError(f"{shown} asks for a login that is neither digest nor basic")
    return answer


class _Session:
    """Requests over one connection; the whole of it is over at a deadline."""

    def __init__(self, link: socket.socket, address: Address, shown: str) -> None:
        self._link, self._address, self._shown = link, address, shown
        self._deadline = time.monotonic() + ANSWER_S
        self._held = b""
        self._number = 0

    def describe(self, login: str | None) -> _Reply:
        self._number += 1
        lines = [
            f"DESCRIBE {self._address.bare} RTSP/1.0",
            f"CSeq: {self._number}",
            "Accept: application/sdp",
            *([f"Authorization: {login}"] if login else []),
        ]
        try:
            self._link.sendall("\r\n".join([*lines, "", ""]).encode())
            return self._reply()
        except TimeoutError:
            message = f"{self._shown} takes connections and does not answer within {ANSWER_S} s"
            raise DeviceStalledError(message) from None
        except OSError as exc:
            raise DeviceStalledError(f"{self._shown} broke the connection off: {exc}") from exc

    def _reply(self) -> _Reply:
        while b"\r\n\r\n" not in self._held:
            if len(self._held) > _LONGEST_HEAD:
                raise self._garbage("an answer without end")
            self._receive()
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, status = first.partition(" ")
        code = status[:3]
        if not (version.startswith("RTSP/1.") and code.isascii() and code.isdigit()):
            raise self._garbage("no RTSP")
        pairs = (line.partition(":") for line in lines)
        headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
        reply = _Reply(int(code), headers, b"")
        return _Reply(reply.status, headers, self._body(reply.values("content-length")))

    def _body(self, lengths: list[str]) -> bytes:
        length = lengths[0] if lengths else "0"
        if not (length.isascii() and length.isdigit() and len(length) < len(str(_LONGEST_BODY))):
            raise self._garbage("a description of no sensible length")
        while len(self._held) < int(length):
            self._receive()
        body, self._held = self._held[: int(length)], self._held[int(length) :]
        return body

    def _receive(self) -> None:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._link.settimeout(left_s)
        more = self._link.recv(4096)
        if not more:
            raise (
                self._garbage("an end in the middle")
                if self._held
                else ConnectionResetError("it said nothing")
            )
        self._held += more

    def _garbage(self, what: str) -> DeviceUnsupportedError:
        return DeviceUnsupportedError(f"{self._shown} is no RTSP server: it sent {what}")
