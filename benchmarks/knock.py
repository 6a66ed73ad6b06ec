"""A caller of the daemon that sends bytes as they are and costs next to nothing itself."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Self


class NoAnswerError(Exception):
    """The connection ended, or nothing came in time, before an answer was whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. ``headers``: names in lower case. ``closes``: it is the last."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether no further answer comes on this connection."""
        return self.headers.get("connection", "").lower() == "close"


class Wire:
    """One connection to ``port`` of this machine. ``timeout_s``: longest silence."""

    def __init__(self, port: int, timeout_s: float = 20.0) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout_s)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._kept = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave without a word."""
        self._sock.close()

    def patience(self, timeout_s: float) -> None:
        """Wait no longer than this from now on."""
        self._sock.settimeout(timeout_s)

    def send(self, raw: bytes) -> bool:
        """Send all of ``raw``; ``False`` where the daemon would not take it to the end."""
        try:
            self._sock.sendall(raw)
        except OSError:
            return False
        return True

    def ask(self, raw: bytes) -> Answer:
        """Send one whole message and read its answer; raises ``NoAnswerError``."""
        self.send(raw)
        return self.answer()

    def answer(self, *, is_head: bool = False) -> Answer:
        """The next answer; ``100 Continue`` is passed over. Raises ``NoAnswerError``."""
        while True:
            head = self._until(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            try:
                status = int(lines[0].split(" ", 2)[1])
            except (IndexError, ValueError) as exc:
                raise NoAnswerError("what came is not HTTP") from exc
            if status >= 200:
                break
        pairs = (line.partition(":") for line in lines[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        size = 0 if is_head else int(headers.get("content-length", "0"))
        return Answer(status, headers, self._exactly(size))

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._kept:
            self._more()
        found, _, self._kept = self._kept.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._kept) < size:
            self._more()
        found, self._kept = self._kept[:size], self._kept[size:]
        return found

    def _more(self) -> None:
        try:
            data = self._sock.recv(65536)
        except OSError as exc:
            raise NoAnswerError(f"no answer: {type(exc).__name__}") from exc
        if not data:
            raise NoAnswerError("the connection was closed")
        self._kept += data
