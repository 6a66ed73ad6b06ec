"""The binocular camera itself: answers the kernel's USB requests over USB/IP on a socket.

Run as a program of its own: ``usb_camera.py FD FOLDER``. ``FOLDER`` holds what it sees, named
``colour-640x480-0.jpg``, ``infrared-320x240-0.raw``, ...; lines on standard input change its ways.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from beds.vivid.guest import usb_descriptors as usb

_SUBMIT, _UNLINK, _RET_SUBMIT, _RET_UNLINK = 1, 2, 3, 4
_HEADER = struct.Struct(">IIIII")
_STALLED, _RESET = -32, -104
_PROBE = struct.Struct("<HBBIHHHHHIIIBBBB")
# Request codes of the video class.
_SET_CUR, _GET_LEN, _GET_INFO = 0x01, 0x85, 0x86


@dataclass(slots=True)
class Stream:
    """One endpoint: transfers that wait, and what is left of the frame under way."""

    function: usb.Function
    waiting: deque[tuple[int, int]] = field(default_factory=deque[tuple[int, int]])
    chunks: deque[bytes] = field(default_factory=deque[bytes])
    size: int = 1
    seen: int = 0
    due: float = 0.0


class Camera:
    """``ways``: ``lie`` (frames of another size), ``short`` (cut frames), ``silent``, ``strobe``;
    each may go on ``-colour``, ``-infrared`` or ``-800x600`` to concern one camera or size only.
    """

    def __init__(self, host: socket.socket, folder: Path) -> None:
        self._host, self._folder = host, folder
        self._streams = {f.endpoint & 15: Stream(f) for f in usb.FUNCTIONS}
        self._controls: dict[tuple[int, int], bytes] = {}
        self._files: dict[str, list[bytes]] = {}
        self._ways: set[str] = set()

    def run(self) -> None:
        """Until the host lets go."""
        while True:
            now = time.monotonic()
            soonest = min((s.due for s in self._streams.values() if s.waiting), default=now + 1)
            ready, _, _ = select.select([self._host, sys.stdin], [], [], max(0.0, soonest - now))
            if sys.stdin in ready:
                line = sys.stdin.readline()
                self._ways = set(line.split())
                sys.stdout.write(line)
                sys.stdout.flush()
            if self._host in ready and not self._request():
                return
            for stream in self._streams.values():
                self._feed(stream)

    def _request(self) -> bool:
        head = self._bytes(48)
        if not head:
            return False
        command, number, _, inward, endpoint = _HEADER.unpack_from(head)
        if command == _UNLINK:
            self._unlink(number, struct.unpack_from(">I", head, 20)[0])
            return True
        length = struct.unpack_from(">I", head, 24)[0]
        data = self._bytes(length) if not inward and length else b""
        if endpoint in self._streams:
            self._streams[endpoint].waiting.append((number, length))
        else:
            answer = self._control(head[40:48], data)
            self._answer(number, None if answer is None else answer[:length], len(data))
        return True

    def _bytes(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            more = self._host.recv(count - len(got))
            if not more:
                return b""
            got += more
        return got

    def _answer(self, number: int, data: bytes | None, taken: int = 0) -> None:
        status = _STALLED if data is None else 0
        length = taken or len(data or b"")
        head = _HEADER.pack(_RET_SUBMIT, number, 0, 0, 0)
        body = struct.pack(">iiiii8x", status, length, 0, 0, 0)
        self._host.sendall(head + body + (data or b""))

    def _unlink(self, number: int, unwanted: int) -> None:
        status = 0
        for stream in self._streams.values():
            kept = deque(item for item in stream.waiting if item[0] != unwanted)
            if len(kept) < len(stream.waiting):
                status, stream.waiting = _RESET, kept
                stream.chunks.clear()
        head = _HEADER.pack(_RET_UNLINK, number, 0, 0, 0)
        self._host.sendall(head + struct.pack(">i24x", status))

    def _control(self, setup: bytes, data: bytes) -> bytes | None:
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        if kind & 0x60 == 0x20:
            return self._of_class(request, value >> 8, index, data, length)
        if request == 6:
            return _descriptor(value)
        return bytes(2) if request == 0 else b""

    def _of_class(
        self, request: int, selector: int, index: int, data: bytes, length: int
    ) -> bytes | None:
        unit, interface = index >> 8, index & 255
        if request == _GET_INFO:
            return b"\x03"
        if request == _GET_LEN:
            return struct.pack("<H", length)
        if unit == 0:
            return self._probe(request, selector, interface, data)
        known = {
            (usb.CAMERA_TERMINAL, usb.AUTO_EXPOSURE): b"\x08",
            (usb.CAMERA_TERMINAL, usb.EXPOSURE_TIME): struct.pack("<I", 100),
            (usb.PROCESSING_UNIT, usb.MAINS): b"\x00",
        }
        if (unit, selector) not in known:
            return None
        if request == _SET_CUR:
            self._controls[interface, selector] = data
            sys.stdout.write(f"set {interface} {selector} {int.from_bytes(data, 'little')}\n")
            sys.stdout.flush()
            return b""
        return _range(request, selector, self._controls.get((interface, selector)), length)

    def _probe(self, request: int, selector: int, interface: int, data: bytes) -> bytes | None:
        stream = next(
            (s for s in self._streams.values() if s.function.first + 1 == interface), None
        )
        if stream is None or selector not in {1, 2}:
            return None
        if request == _SET_CUR:
            asked = data[3]
            stream.size = asked if 1 <= asked <= len(stream.function.sizes) else 1
            return b""
        most = stream.function.frame_bytes(stream.size)
        interval = 10_000_000 // usb.FPS
        return _PROBE.pack(
            *(1, 1, stream.size, interval, 0, 0, 0, 0, 0, most, usb.PAYLOAD, 48_000_000),
            *(0, 0, 0, 0),
        )

    def _feed(self, stream: Stream) -> None:
        now = time.monotonic()
        if not stream.chunks and stream.waiting and now >= stream.due:
            stream.due = now + 1 / usb.FPS
            if not self._does("silent", stream):
                stream.chunks.extend(self._frame(stream))
        while stream.chunks and stream.waiting:
            number, _ = stream.waiting.popleft()
            self._answer(number, stream.chunks.popleft())

    def _does(self, way: str, stream: Stream) -> bool:
        name = "infrared" if stream.function.grey else "colour"
        width, height = stream.function.sizes[stream.size - 1]
        return bool({way, f"{way}-{name}", f"{way}-{width}x{height}"} & self._ways)

    def _frame(self, stream: Stream) -> list[bytes]:
        stream.seen += 1
        width, height = stream.function.sizes[stream.size - 1]
        if self._does("lie", stream):
            width, height = 160, 120
        raw = self._seen(stream, f"{width}x{height}")
        if self._does("short", stream):
            raw = raw[: len(raw) // 2]
        toggle = stream.seen & 1
        parts = [raw[at : at + usb.PAYLOAD - 2] for at in range(0, len(raw), usb.PAYLOAD - 2)]
        flags = [0x80 | toggle] * (len(parts) - 1) + [0x82 | toggle]
        return [bytes((2, flag)) + part for flag, part in zip(flags, parts, strict=True)]

    def _seen(self, stream: Stream, size: str) -> bytes:
        name = "infrared" if stream.function.grey else "colour"
        if self._does("strobe", stream):
            name += "-lit" if stream.seen & 1 else "-dark"
        if f"{name}-{size}" not in self._files:
            files = sorted(self._folder.glob(f"{name}-{size}-*"))
            self._files[f"{name}-{size}"] = [file.read_bytes() for file in files]
        choice = self._files[f"{name}-{size}"]
        return choice[stream.seen % len(choice)]


def _descriptor(value: int) -> bytes | None:
    kind, index = value >> 8, value & 255
    if kind == 1:
        return usb.DEVICE
    if kind == 2:
        return usb.configuration()
    return usb.string(index) if kind == 3 else None


def _range(request: int, selector: int, current: bytes | None, length: int) -> bytes:
    least, most, step, usual = {
        usb.AUTO_EXPOSURE: (1, 8, 9, 8),
        usb.EXPOSURE_TIME: (10, 5000, 1, 100),
        usb.MAINS: (0, 2, 1, 0),
    }[selector]
    now = usual if current is None else int.from_bytes(current, "little")
    numbers = {0x81: now, 0x82: least, 0x83: most, 0x84: step, 0x87: usual}
    return numbers[request].to_bytes(length, "little")


if __name__ == "__main__":
    Camera(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])).run()
