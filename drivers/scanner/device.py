"""A device file of Linux, opened, waited for and read; the system's refusals in our words."""

from __future__ import annotations

import errno
import os
import select
import sys

from yibao_face.drivers.scanner.api import (
    ScannerBusyError,
    ScannerConfigError,
    ScannerError,
    ScannerMissingError,
    ScannerPermissionError,
    ScannerUnsupportedError,
)

_REFUSALS: dict[int, tuple[type[ScannerError], str]] = {
    errno.ENOENT: (ScannerMissingError, "is not there"),
    errno.ENODEV: (ScannerMissingError, "is not there"),
    errno.ENXIO: (ScannerMissingError, "is not there"),
    errno.EACCES: (ScannerPermissionError, "must not be opened by this account"),
    errno.EPERM: (ScannerPermissionError, "must not be opened by this account"),
    errno.EBUSY: (ScannerBusyError, "is held by another program"),
}


def open_device(uri: str, path: str) -> int:
    """A descriptor that does not block; raises ``ScannerError`` with ``uri``."""
    if sys.platform == "win32":
        raise ScannerUnsupportedError(f"{uri}: set the scanner to a serial (COM) port on Windows")
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise refusal(uri, exc) from exc


def refusal(uri: str, exc: OSError) -> ScannerError:
    """What the system's ``exc`` means; an unknown one: this file is no such device."""
    error, what = _REFUSALS.get(exc.errno or 0, (ScannerConfigError, "is no scanner"))
    return error(f"{uri} {what}")


def read_device(descriptor: int, size: int, timeout_s: float) -> bytes:
    """What comes within ``timeout_s``, at most ``size`` bytes; ``OSError`` once it has gone."""
    ready, _, _ = select.select([descriptor], [], [], timeout_s)
    if not ready:
        return b""
    data = os.read(descriptor, size)
    if not data:
        raise OSError(errno.ENODEV, "it has gone")
    return data
