"""Keystrokes of a scanner that types (Linux ``struct input_event``, US layout) → bytes of text."""

from __future__ import annotations

import struct

from yibao_face.drivers.scanner.assemble import CANCEL

EVENT = struct.Struct("@llHHi")
_SYN, _KEY = 0, 1
_DROPPED = 3
_PRESSED = 1
_SHIFTS = frozenset({42, 54})
_CAPS = 58
# Key codes of <linux/input-event-codes.h>, row by row, without and with shift.
_ROWS = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (71, "789-456+1230.", "789-456+1230."),
)
_PLAIN = {first + n: ch for first, row, _ in _ROWS for n, ch in enumerate(row)}
_SHIFTED = {first + n: ch for first, _, row in _ROWS for n, ch in enumerate(row)}
for _code, _sign in ((15, "\t"), (28, "\n"), (96, "\n"), (57, " "), (55, "*"), (98, "/")):
    _PLAIN[_code] = _SHIFTED[_code] = _sign


class KeyDecoder:
    """One per device: remembers shift, caps lock and half an event."""

    def __init__(self) -> None:
        self._rest = b""
        self._shift: set[int] = set()
        self._caps = False

    def feed(self, data: bytes) -> bytes:
        """The text the events in ``data`` type; ``CANCEL`` where the system lost some."""
        whole = self._rest + data
        end = len(whole) - len(whole) % EVENT.size
        self._rest = whole[end:]
        events = EVENT.iter_unpack(whole[:end])
        return b"".join(self._typed(kind, code, value) for _, _, kind, code, value in events)

    def _typed(self, kind: int, code: int, value: int) -> bytes:
        if kind == _SYN and code == _DROPPED:
            self._shift.clear()
            return CANCEL
        if kind != _KEY:
            return b""
        if code in _SHIFTS:
            (self._shift.add if value else self._shift.discard)(code)
            return b""
        if value != _PRESSED:
            return b""
        if code == _CAPS:
            self._caps = not self._caps
        return self._sign(code).encode()

    def _sign(self, code: int) -> str:
        sign = (_SHIFTED if self._shift else _PLAIN).get(code, "")
        return sign.swapcase() if self._caps and sign.isalpha() else sign
