"""A scanner over any stream of bytes: a line end or a short silence ends a code."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Protocol, Self

from yibao_face.drivers.scanner.api import Scan, ScannerLostError, ScannerSettings
from yibao_face.drivers.scanner.assemble import Assembler

# Scanners that add no line end: between the characters of one code lie a few milliseconds.
SILENCE_S = 0.25


class Source(Protocol):
    """Where the bytes come from."""

    def take(self, timeout_s: float) -> bytes:
        """What came within ``timeout_s``, empty for silence; ``OSError`` once it is gone."""
        ...

    def close(self) -> None:
        """Release it; never raises."""
        ...


class StreamScanner:
    """See ``Scanner``; takes over ``source``."""

    def __init__(self, uri: str, source: Source, settings: ScannerSettings) -> None:
        self._uri, self._source = uri, source
        self._assembler = Assembler(settings.prefix, settings.suffix)
        self._ready: deque[str] = deque()
        self._lost = ""
        self._heard_at = 0.0

    @property
    def uri(self) -> str:
        """See ``Scanner.uri``."""
        return self._uri

    def read(self, timeout_s: float) -> Scan | None:
        """See ``Scanner.read``."""
        until = time.monotonic() + timeout_s
        while not self._ready:
            left_s = until - time.monotonic()
            if left_s <= 0:
                return None
            self._listen(min(left_s, self._patience_s()))
        return Scan(self._ready.popleft(), time.monotonic_ns())

    def close(self) -> None:
        """See ``Scanner.close``."""
        if self._lost != "closed":
            self._lost = "closed"
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _listen(self, timeout_s: float) -> None:
        if self._lost:
            raise ScannerLostError(f"{self._uri}: {self._lost}")
        try:
            heard = self._source.take(timeout_s)
        except OSError as exc:
            self._lost = exc.strerror or "it has gone"
            raise ScannerLostError(f"{self._uri}: {self._lost}") from exc
        if heard:
            self._heard_at = time.monotonic()
            self._ready.extend(self._assembler.feed(heard))
        elif self._assembler.is_amid and self._patience_s() <= 0:
            ended = self._assembler.end()
            self._ready.extend([ended] if ended else [])

    def _patience_s(self) -> float:
        """How long the code that has begun may still be silent; without end where none has."""
        if not self._assembler.is_amid:
            return float("inf")
        return max(0.0, self._heard_at + SILENCE_S - time.monotonic())
