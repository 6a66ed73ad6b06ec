"""A scanner at a serial port, or at a USB one that shows itself as such."""

from __future__ import annotations

import errno
from typing import Protocol

from yibao_face.drivers.scanner.api import (
    ScannerBusyError,
    ScannerConfigError,
    ScannerError,
    ScannerMissingError,
    ScannerPermissionError,
    ScannerSettings,
    ScannerUnsupportedError,
)
from yibao_face.drivers.scanner.scanner import StreamScanner


class Port(Protocol):
    """What is used of pyserial's open port."""

    @property
    def timeout(self) -> float | None:
        """Seconds a ``read`` waits."""
        ...

    @timeout.setter
    def timeout(self, timeout: float | None) -> None: ...

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""
        ...

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes that come within ``timeout``."""
        ...

    def close(self) -> None:
        """Release the port."""
        ...


class SerialSource:
    """Bytes of an open port."""

    def __init__(self, port: Port) -> None:
        self._port = port

    def take(self, timeout_s: float) -> bytes:
        """See ``Source.take``."""
        self._port.timeout = timeout_s
        first = self._port.read(1)
        return first + self._port.read(self._port.in_waiting) if first else b""

    def close(self) -> None:
        """See ``Source.close``."""
        self._port.close()


def open_serial(rest: str, settings: ScannerSettings) -> StreamScanner:
    """Open the port ``rest`` (``/dev/ttyACM0``, ``COM3``), 8N1; raises ``ScannerError``."""
    uri = f"serial:{rest}"
    if not rest:
        raise ScannerConfigError(f"{uri} names no port")
    try:
        # pyserial publishes no types; a counter whose scanner types does without it.
        from serial import (  # type: ignore[import-untyped]  # noqa: PLC0415  # as said
            Serial,
            SerialException,
        )
    except ImportError as exc:
        raise ScannerUnsupportedError(f"{uri} needs the package pyserial") from exc
    try:
        port: Port = Serial(rest, settings.baud, timeout=0, exclusive=True)
    except SerialException as exc:
        raise _refusal(uri, exc) from exc
    except (ValueError, OverflowError) as exc:
        raise ScannerConfigError(f"{uri}: {settings.baud} baud cannot be set") from exc
    return StreamScanner(uri, SerialSource(port), settings)


def _refusal(uri: str, exc: OSError) -> ScannerError:
    if exc.errno == errno.EACCES or "PermissionError" in str(exc):
        # Windows says the same of a port another program holds.
        return ScannerPermissionError(f"{uri} must not be opened, or another program holds it")
    if exc.errno in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK):
        return ScannerBusyError(f"{uri} is held by another program")
    return ScannerMissingError(f"{uri} cannot be opened")
