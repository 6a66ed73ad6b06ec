"""A reader whose vendor's library runs in a process of its own, which may hang or crash alone."""

from __future__ import annotations

import hashlib
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from yibao_face.drivers.reader.api import (
    Again,
    IdCard,
    ReaderBusyError,
    ReaderConfigError,
    ReaderError,
    ReaderInfo,
    ReaderLostError,
    ReaderMissingError,
    ReaderUnsupportedError,
)
from yibao_face.drivers.reader.chip import TEXT_BYTES, ChipError, parse
from yibao_face.drivers.reader.line import Kind, receive, send
from yibao_face.drivers.reader.vendor import PORTS

# A card takes 1 to 2 s; a reader that is being plugged in answers its opening late.
ANSWER_S = 8.0
_OPEN_S = 15.0
_CRASHED = "the vendor's library crashed or said nonsense"
_POLL_S = 0.3
_END_S = 2.0
_MODULE = "yibao_face.drivers.reader.child"
_FAILURES: dict[str, type[ReaderError]] = {
    cls.__name__: cls
    for cls in (ReaderMissingError, ReaderBusyError, ReaderLostError, ReaderUnsupportedError)
}
_AGAIN = {again.encode(): again for again in Again}
_Frame = tuple[Kind, bytes] | None


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """A vendor's library and its second one, which unpacks pictures, each with its sha256.

    ``decoder``: empty where one library does both.
    """

    library: str = ""
    sha256: str = ""
    decoder: str = ""
    decoder_sha256: str = ""


class HostedReader:
    """``port``: of the vendor's numbering, empty: the first on USB. ``answer_s``: a card's time.

    Raises ``ReaderConfigError`` for files that are not those of ``sha256``, else what the
    library's opening came to.
    """

    def __init__(
        self, vendor: str, port: str, settings: ReaderSettings, answer_s: float = ANSWER_S
    ) -> None:
        self._info = ReaderInfo(f"{vendor}:{port}", vendor)
        self._answer_s = answer_s
        job = {"vendor": vendor, "port": _port(port, self._info.uri)}
        job["library"] = _checked(settings.library, settings.sha256)
        second = settings.decoder
        job["decoder"] = _checked(second, settings.decoder_sha256) if second else ""
        self._lost, self._polled_at = "", 0.0
        self._folder = Path(tempfile.mkdtemp(prefix="yibao-face-card-"))
        self._frames: queue.SimpleQueue[_Frame] = queue.SimpleQueue()
        self._process = self._start()
        assert self._process.stdout is not None  # noqa: S101  # it was started with a pipe
        # Pipes have no timeout everywhere: a thread reads, we wait at its queue.
        reads = self._process.stdout, self._frames
        self._reading = threading.Thread(target=_read_all, args=reads, name="card-reader")
        self._reading.daemon = True
        self._reading.start()
        try:
            self._say(Kind.JOB, json.dumps({**job, "folder": str(self._folder)}).encode())
            self._hear(_OPEN_S)
        except ReaderError:
            self.close()
            raise

    @property
    def info(self) -> ReaderInfo:
        """See ``CardReader.info``."""
        return self._info

    def wait(self, timeout_s: float) -> IdCard | Again | None:
        """See ``CardReader.wait``."""
        until = time.monotonic() + timeout_s
        while True:
            # A caller that asks again and again after a bad card is held to the same pace.
            self._rest(self._polled_at + _POLL_S - time.monotonic())
            self._polled_at = time.monotonic()
            self._say(Kind.POLL)
            kind, body = self._hear(self._answer_s)
            if kind is not Kind.NOTHING:
                return self._understood(kind, body)
            if time.monotonic() >= until:
                return None

    def close(self) -> None:
        """See ``CardReader.close``."""
        self._lost = self._lost or "closed"
        assert self._process.stdin is not None  # noqa: S101  # it was started with a pipe
        # Where it ended with a frame unread, nothing is left to be told.
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reading.join(_END_S)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  # our own module, no shell
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _say(self, kind: Kind, body: bytes = b"") -> None:
        if self._lost:
            raise ReaderLostError(f"{self._info.uri}: {self._lost}")
        assert self._process.stdin is not None  # noqa: S101  # it was started with a pipe
        try:
            send(self._process.stdin, kind, body)
        except OSError as exc:
            raise self._gone("the vendor's library ended its process") from exc

    def _hear(self, timeout_s: float) -> tuple[Kind, bytes]:
        try:
            frame = self._frames.get(timeout=timeout_s)
        except queue.Empty:
            self._process.kill()
            raise self._gone(f"the vendor's library was silent for {timeout_s:g} s") from None
        if frame is None:
            raise self._gone(_CRASHED)
        if frame[0] is Kind.FAILED:
            raise self._failed(frame[1])
        return frame

    def _rest(self, seconds: float) -> None:
        """Wait, but no longer than the process lives: unasked it only says its end."""
        if self._lost or seconds <= 0:
            return
        try:
            self._frames.get(timeout=seconds)
        except queue.Empty:
            return
        raise self._gone(_CRASHED)

    def _gone(self, what: str) -> ReaderLostError:
        self._lost = what
        return ReaderLostError(f"{self._info.uri}: {what}")

    def _failed(self, body: bytes) -> ReaderError:
        try:
            name, what = map(str, json.loads(body))
        except (ValueError, TypeError, RecursionError):
            return self._gone(_CRASHED)
        self._lost = what
        return _FAILURES.get(name, ReaderLostError)(f"{self._info.uri}: {what}")

    def _understood(self, kind: Kind, body: bytes) -> IdCard | Again:
        if kind is Kind.AGAIN and body in _AGAIN:
            return _AGAIN[body]
        if kind is not Kind.CARD:
            raise self._gone(_CRASHED)
        try:
            return parse(body[:TEXT_BYTES], body[TEXT_BYTES:])
        except ChipError:
            return Again.UNREADABLE


def _read_all(stream: IO[bytes], frames: queue.SimpleQueue[_Frame]) -> None:
    with stream:
        while (frame := receive(stream)) is not None:
            frames.put(frame)
    frames.put(None)


def _port(text: str, uri: str) -> int:
    """0 for none named: the first USB port that answers."""
    if not text:
        return 0
    if text not in {str(port) for port in PORTS}:
        raise ReaderConfigError(f"{uri}: a port is 1..16 (serial) or 1001..1016 (USB)")
    return int(text)


def _checked(path: str, sha256: str) -> str:
    """Its full path; what reads identities is loaded under a known digest or not at all."""
    file = Path(path)
    if not sha256:
        raise ReaderConfigError(f"library {file.name} has no sha256 configured")
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as exc:
        raise ReaderConfigError(f"library {file.name} cannot be read: {exc.strerror}") from exc
    if digest != sha256.strip().lower():
        raise ReaderConfigError(f"library {file.name} is not the one of the configured sha256")
    return str(file.resolve())
