"""A video node of the Linux kernel: what it is, what it offers, and its stream of buffers."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import select
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from yibao_face.drivers.uvc.linux import abi
from yibao_face.drivers.uvc.mode import Mode, Offer, Sizes

_BUFFERS = 4
# No camera lists more; a driver that never ends its list must not hold us.
_MOST_LISTED = 128


@dataclass(frozen=True, slots=True)
class Identity:
    """What the kernel says of a node; ``captures``: it delivers pictures by streaming."""

    card: str
    bus: str
    captures: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """A buffer the camera filled; ``damaged``: the kernel knows its content to be incomplete.

    ``at_ns``: when, on the clock of ``time.monotonic_ns``; of another clock where ``foreign``.
    """

    index: int
    length: int
    at_ns: int
    foreign: bool
    damaged: bool


class Node:
    """An open video node. Every method raises ``OSError`` with the kernel's number."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._maps: list[mmap.mmap] = []
        self._streams = False
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._poll.register(self._wake_read, select.POLLIN)

    def identity(self) -> Identity:
        """Name, bus and abilities of this node, not of its whole device."""
        told = abi.Capability()
        self._call(abi.QUERYCAP, told)
        whole, own = told.capabilities, told.device_caps
        caps = own if whole & abi.CAP_DEVICE_CAPS else whole
        wanted = abi.CAP_VIDEO_CAPTURE | abi.CAP_STREAMING
        return Identity(_text(told.card), _text(told.bus_info), caps & wanted == wanted)

    def offers(self, among: Collection[str]) -> list[Offer]:
        """Those of its formats that are ``among`` these, with their sizes, as listed."""
        wanted = [fourcc for fourcc in self.formats() if fourcc in among]
        return [Offer(fourcc, tuple(self._sizes(fourcc))) for fourcc in wanted]

    def formats(self) -> list[str]:
        """Four-letter codes of the pixel formats, as they come."""
        found: list[str] = []
        for index in range(_MOST_LISTED):
            told = abi.FormatName(index=index, type=abi.CAPTURE)
            if not self._listed(abi.ENUM_FMT, told):
                break
            found.append(_name(told.pixelformat))
        return found

    def _sizes(self, fourcc: str) -> Iterator[Sizes]:
        for index in range(_MOST_LISTED):
            told = abi.FrameSize(index=index, pixel_format=_code(fourcc))
            if not self._listed(abi.ENUM_FRAMESIZES, told):
                return
            n = list(told.numbers)
            if told.type == abi.DISCRETE:
                n = [n[0], n[0], 1, n[1], n[1], 1]
            fps = self._fastest(fourcc, n[0], n[3])
            wide, high = range(n[0], n[1] + 1, n[2] or 1), range(n[3], n[4] + 1, n[5] or 1)
            if wide and high:
                yield Sizes(wide, high, fps)

    def _fastest(self, fourcc: str, width: int, height: int) -> float:
        best = 0.0
        for index in range(_MOST_LISTED):
            told = abi.FrameInterval(
                index=index, pixel_format=_code(fourcc), width=width, height=height
            )
            if not self._listed(abi.ENUM_FRAMEINTERVALS, told):
                break
            best = max(best, _rate(told.least))
            if told.type != abi.DISCRETE:
                break
        return best

    def agree(self, wanted: Mode) -> Mode:
        """Ask for a mode; what the kernel then says was set, which may be another one."""
        told = abi.Format(type=abi.CAPTURE)
        pix = told.fmt.pix
        pix.width, pix.height, pix.field = wanted.width, wanted.height, abi.FIELD_NONE
        pix.pixelformat = _code(wanted.fourcc)
        self._call(abi.S_FMT, told)
        fps = self._pace(wanted.fps)
        read_back = abi.Format(type=abi.CAPTURE)
        self._call(abi.G_FMT, read_back)
        pix = read_back.fmt.pix
        name = _name(pix.pixelformat)
        return Mode(name, pix.width, pix.height, fps, pix.bytesperline, pix.sizeimage)

    def _pace(self, fps: float) -> float:
        told = abi.StreamParm(type=abi.CAPTURE)
        told.timeperframe = abi.Fraction(1000, max(1, round(fps * 1000)))
        try:
            self._call(abi.S_PARM, told)
        except OSError as exc:
            if exc.errno not in {errno.ENOTTY, errno.EINVAL}:
                raise
            return fps  # a camera of one rate
        return _rate(told.timeperframe) or fps

    def control(self, number: int, value: int) -> bool:
        """Set a control, within its range; ``False`` where the camera has none or refuses."""
        told = abi.QueryControl(id=number)
        locked = abi.CTRL_DISABLED | abi.CTRL_INACTIVE
        if not self._listed(abi.QUERYCTRL, told) or told.flags & locked:
            return False
        fits = min(max(value, told.minimum), told.maximum)
        try:
            self._call(abi.S_CTRL, abi.Control(number, fits))
        except OSError as exc:
            if exc.errno == errno.ENODEV:
                raise
            return False  # firmware that lists a control it does not have is common
        return True

    def prepare(self) -> None:
        """Map buffers and queue them; ``OSError`` EBUSY where another process has the stream."""
        told = abi.RequestBuffers(count=_BUFFERS, type=abi.CAPTURE, memory=abi.MMAP)
        self._call(abi.REQBUFS, told)
        for index in range(told.count):
            buffer = self._buffer(index)
            self._call(abi.QUERYBUF, buffer)
            self._maps.append(mmap.mmap(self._fd, buffer.length, offset=buffer.m.offset))
            self.give_back(index)

    def start(self) -> None:
        """Start the stream of what was prepared."""
        self._call(abi.STREAMON, ctypes.c_int(abi.CAPTURE))
        self._streams = True

    def stop(self) -> None:
        """Stop the stream and give its buffers up; raises nothing, the camera may be gone."""
        streamed, self._streams = self._streams, False
        had, self._maps = bool(self._maps), []  # unmapped with the last view of them
        try:
            if streamed:
                self._call(abi.STREAMOFF, ctypes.c_int(abi.CAPTURE))
            if had:
                none = abi.RequestBuffers(count=0, type=abi.CAPTURE, memory=abi.MMAP)
                self._call(abi.REQBUFS, none)
        except OSError:
            return

    def wait(self, timeout_s: float) -> bool:
        """Until a buffer is filled or the stream is broken; ``False``: neither, or woken."""
        ready = self._poll.poll(max(0.0, timeout_s) * 1000)
        return any(fd == self._fd for fd, _ in ready)

    def wake(self) -> None:
        """End a ``wait`` of another thread, now and ever after."""
        os.write(self._wake_write, b"!")

    def take(self) -> Filled | None:
        """The oldest filled buffer, ``None`` when there is none."""
        buffer = self._buffer(0)
        try:
            self._call(abi.DQBUF, buffer)
        except BlockingIOError:
            return None
        foreign = buffer.flags & abi.BUF_CLOCK_MASK != abi.BUF_MONOTONIC
        at_ns = buffer.timestamp.sec * 1_000_000_000 + buffer.timestamp.usec * 1000
        damaged = bool(buffer.flags & abi.BUF_ERROR)
        return Filled(buffer.index, buffer.bytesused, at_ns, foreign, damaged)

    def content(self, filled: Filled) -> memoryview:
        """Its bytes, the camera's until given back: to be copied or decoded before."""
        return memoryview(self._maps[filled.index])[: filled.length]

    def give_back(self, index: int) -> None:
        """Let the camera fill this buffer again."""
        self._call(abi.QBUF, self._buffer(index))

    def close(self) -> None:
        """Stop and close; raises nothing."""
        self.stop()
        for fd in (self._fd, self._wake_read, self._wake_write):
            try:
                os.close(fd)
            except OSError:  # vivid reports ENODEV once more; it is closed then
                continue

    def _buffer(self, index: int) -> abi.Buffer:
        return abi.Buffer(index=index, type=abi.CAPTURE, memory=abi.MMAP)

    def _listed(self, request: int, told: ctypes.Structure) -> bool:
        try:
            self._call(request, told)
        except OSError as exc:
            if exc.errno not in {errno.EINVAL, errno.ENOTTY}:
                raise
            return False
        return True

    def _call(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        fcntl.ioctl(self._fd, request, argument, True)


def _rate(interval: abi.Fraction) -> float:
    return interval.denominator / interval.numerator if interval.numerator else 0.0


def _code(fourcc: str) -> int:
    return int.from_bytes(fourcc.encode("latin-1"), "little")


def _name(code: int) -> str:
    return code.to_bytes(4, "little").decode("latin-1")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
