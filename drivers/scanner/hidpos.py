"""A scanner in its own USB class (HID Point of Sale), under Linux: it types into no window at all.

Where in a report the code lies differs by maker: the device's report descriptor says it.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

from yibao_face.drivers.scanner.api import ScannerConfigError, ScannerSettings
from yibao_face.drivers.scanner.assemble import CANCEL
from yibao_face.drivers.scanner.device import open_device, read_device, refusal
from yibao_face.drivers.scanner.scanner import StreamScanner

# HID Point of Sale Usage Tables 1.02: bar code scanner page, decoded data, "more follows"; and
# the byte count of the generic desktop page. Page in the upper 16 bits.
_DATA, _MORE, _COUNT = 0x8C00FE, 0x8C00FF, 0x01003B
_INPUT, _COLLECTIONS = 0x80, frozenset({0x90, 0xA0, 0xB0, 0xC0})
_PAGE, _SIZE, _ID, _TIMES, _USAGE = 0x04, 0x74, 0x84, 0x94, 0x08
_LONG = 0xFE
# HIDIOCGRDESCSIZE and HIDIOCGRDESC of <linux/hidraw.h>.
_GET_SIZE, _GET_DESCRIPTOR = 0x80044801, 0x90044802
_MAX_DESCRIPTOR = 4096
_MAX_REPORT = 4096


@dataclass(frozen=True, slots=True)
class Layout:
    """Bits from the start of a report. ``id``: its first byte, 0: reports have none.

    ``more``: set where the code goes on in the next report; ``None``: it never does.
    """

    id: int
    count: int
    data: int
    size: int
    more: int | None


class Reports:
    """Walks a report descriptor; ``found``: usage → report, first bit, fields."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[int, int, int]] = {}
        self._state = {_PAGE: 0, _SIZE: 0, _ID: 0, _TIMES: 0}
        self._usages: list[int] = []
        self._ends: dict[int, int] = {}

    def item(self, tag: int, value: int) -> None:
        """Take one item; what is no concern of ours is passed over."""
        if tag in self._state:
            self._state[tag] = value
        elif tag == _USAGE:
            self._usages.append(value if value > 0xFFFF else self._state[_PAGE] << 16 | value)
        elif tag == _INPUT:
            self._input()
            self._usages.clear()
        elif tag in _COLLECTIONS:
            self._usages.clear()

    def _input(self) -> None:
        size, times, report = (self._state[name] for name in (_SIZE, _TIMES, _ID))
        at = self._ends.get(report, 8 if report else 0)
        self._ends[report] = at + size * times
        # One usage for many fields is an array of it; many usages take a field each.
        fields = times if len(self._usages) == 1 else 1
        for n, usage in enumerate(self._usages[:times]):
            self.found.setdefault(usage, (report, at + n * size, fields))


def layout_of(descriptor: bytes) -> Layout | None:
    """Where scanned data lies; ``None`` where the descriptor is damaged or of another device."""
    reports, at = Reports(), 0
    while at < len(descriptor):
        head = descriptor[at]
        length = (0, 1, 2, 4)[head & 3]
        if head == _LONG or at + 1 + length > len(descriptor):
            return None
        value = int.from_bytes(descriptor[at + 1 : at + 1 + length], "little")
        reports.item(head & 0xFC, value)
        at += 1 + length
    return _layout(reports.found)


def _layout(found: dict[int, tuple[int, int, int]]) -> Layout | None:
    data, count, more = (found.get(usage) for usage in (_DATA, _COUNT, _MORE))
    if data is None or count is None or data[0] != count[0]:
        return None
    if data[1] % 8 or count[1] % 8 or data[1] // 8 + data[2] > _MAX_REPORT:
        return None
    follows = more[1] if more is not None and more[0] == data[0] else None
    return Layout(data[0], count[1], data[1], data[2], follows)


def data_of(layout: Layout, report: bytes) -> bytes:
    """The scanned bytes of one report, a line end where the code ends; empty: another report."""
    if layout.id and report[:1] != bytes([layout.id]):
        return b""
    first, size = layout.data // 8, layout.size
    needed = max(layout.count // 8 + 1, first, 0 if layout.more is None else layout.more // 8 + 1)
    if len(report) < needed:
        return CANCEL
    count = report[layout.count // 8]
    if count > size or len(report) < first + count:
        return CANCEL
    follows = layout.more is not None and report[layout.more // 8] >> layout.more % 8 & 1
    return report[first : first + count] + (b"" if follows else b"\n")


class HidSource:
    """Reports read from the open file ``descriptor``, which it takes over."""

    def __init__(self, descriptor: int, layout: Layout) -> None:
        self._descriptor, self._layout = descriptor, layout

    def take(self, timeout_s: float) -> bytes:
        """See ``Source.take``; a read gives one report."""
        report = read_device(self._descriptor, _MAX_REPORT, timeout_s)
        return data_of(self._layout, report) if report else b""

    def close(self) -> None:
        """See ``Source.close``."""
        os.close(self._descriptor)


def open_hidpos(rest: str, settings: ScannerSettings) -> StreamScanner:
    """Open the device ``rest`` (``/dev/hidraw0``); raises ``ScannerError``."""
    uri = f"hidpos:{rest}"
    descriptor = open_device(uri, rest)
    try:
        layout = layout_of(_descriptor_of(descriptor))
    except OSError as exc:
        os.close(descriptor)
        raise refusal(uri, exc) from exc
    if layout is None:
        os.close(descriptor)
        raise ScannerConfigError(f"{uri} is no scanner of the HID POS class")
    return StreamScanner(uri, HidSource(descriptor, layout), settings)


def _descriptor_of(device: int) -> bytes:
    import fcntl  # noqa: PLC0415  # not of Windows, which open_device refused

    size = bytearray(4)
    fcntl.ioctl(device, _GET_SIZE, size)
    room = bytearray(size + bytes(_MAX_DESCRIPTOR))
    fcntl.ioctl(device, _GET_DESCRIPTOR, room)
    return bytes(room[4 : 4 + struct.unpack("=I", size)[0]])
