"""A scanner that types, under Linux: held alone, so that it types into no other window."""

from __future__ import annotations

import os

from yibao_face.drivers.scanner.api import ScannerSettings
from yibao_face.drivers.scanner.device import open_device, read_device, refusal
from yibao_face.drivers.scanner.keymap import EVENT, KeyDecoder
from yibao_face.drivers.scanner.scanner import StreamScanner

# EVIOCGRAB of <linux/input.h>.
_GRAB = 0x40044590


class KeyboardSource:
    """Keystrokes read from the open file ``descriptor``, which it takes over."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decoder = KeyDecoder()

    def take(self, timeout_s: float) -> bytes:
        """See ``Source.take``; a keystroke that types nothing counts as silence."""
        return self._decoder.feed(read_device(self._descriptor, EVENT.size * 64, timeout_s))

    def close(self) -> None:
        """See ``Source.close``; the system ends the hold with it."""
        os.close(self._descriptor)


def open_keyboard(rest: str, settings: ScannerSettings) -> StreamScanner:
    """Open and hold the device ``rest`` (``/dev/input/by-id/…-event-kbd``); ``ScannerError``."""
    uri = f"keyboard:{rest}"
    descriptor = open_device(uri, rest)
    import fcntl  # noqa: PLC0415  # not of Windows, which open_device refused

    try:
        fcntl.ioctl(descriptor, _GRAB, 1)
    except OSError as exc:
        os.close(descriptor)
        raise refusal(uri, exc) from exc
    return StreamScanner(uri, KeyboardSource(descriptor), settings)
