"""The scanners there are: ``name:rest`` of a uri to what opens it."""

from __future__ import annotations

from yibao_face.drivers.scanner.api import Scanner, ScannerConfigError, ScannerSettings
from yibao_face.drivers.scanner.hidpos import open_hidpos
from yibao_face.drivers.scanner.keyboard import open_keyboard
from yibao_face.drivers.scanner.port import open_serial

_OPEN = {"serial": open_serial, "keyboard": open_keyboard, "hidpos": open_hidpos}


def open_scanner(uri: str, settings: ScannerSettings | None = None) -> Scanner:
    """Open ``serial:/dev/ttyACM0``, ``keyboard:/dev/input/event3`` or ``hidpos:/dev/hidraw0``.

    Raises ``ScannerError``.
    """
    name, colon, rest = uri.partition(":")
    if not colon or name not in _OPEN:
        raise ScannerConfigError(f"{uri!r} is no scanner uri; known: {', '.join(_OPEN)}")
    return _OPEN[name](rest, settings or ScannerSettings())
