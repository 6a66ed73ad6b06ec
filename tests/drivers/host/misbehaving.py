"""Drivers that run in the child process: good ones, and each fault a vendor's code may have."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from yibao_face.drivers import api
from yibao_face.drivers.api import CameraInfo, Capability, Frame, Intrinsics, Pair
from yibao_face.drivers.driver import Driver, Settings

LENS = Intrinsics(16, 12, 50.5, 51.25, 8.125, 6.75)
INFRARED = Intrinsics(8, 6, 25.1, 25.2, 4.3, 3.3)
PAIR = Pair(INFRARED, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), (-24.5, 0.25, 1e-3))
FLAGS = Capability.RGB | Capability.DEPTH | Capability.IR | Capability.PAIRED


def rich(number: int) -> Frame:
    """A frame with everything a frame may have, the same in every process."""
    rng, at_ns = np.random.default_rng(number), 10**9 * number
    return Frame(
        number,
        at_ns,
        at_ns // 1000 + 7,
        rng.integers(0, 256, (12, 16, 3), np.uint8),
        rng.integers(0, 65536, (12, 16), np.uint16),
        rng.integers(0, 256, (6, 8), np.uint8),
        LENS,
        skew_us=123 + number,
        ir_lit=(None, True, False)[number % 3],
        pair=PAIR,
    )


def plain(number: int, width: int = 16, height: int = 12) -> Frame:
    """A frame whose every pixel tells its number; seen now."""
    at_ns, value = time.monotonic_ns(), number % 251
    bgr = np.full((height, width, 3), value, np.uint8)
    depth_mm = np.full((height, width), value, np.uint16)
    lens = Intrinsics(width, height, 50.0, 50.0, width / 2, height / 2)
    return Frame(number, at_ns, at_ns // 1000, bgr, depth_mm, None, lens)


@dataclass
class Scripted:
    """A camera that does ``step(n)`` in its n-th read, and ``at_end`` when it is closed."""

    step: Callable[[int], Frame | None]
    at_end: Callable[[], None] = lambda: None
    info: CameraInfo = field(
        default_factory=lambda: CameraInfo("scripted", "scripted:", "model", "serial", FLAGS)
    )
    reads: int = 0

    def read(self, timeout_s: float) -> Frame | None:
        """Whatever the script has."""
        del timeout_s
        self.reads += 1
        return self.step(self.reads)

    def close(self) -> None:
        """As scripted."""
        self.at_end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


def paced(number: int) -> Frame:
    """50 frames a second."""
    time.sleep(0.02)
    return plain(number)


def in_order(number: int) -> Frame:
    """Three rich frames, slowly enough to be kept, then silence."""
    time.sleep(0.02)
    if number > 3:
        time.sleep(0.1)
        return None  # type: ignore[return-value]  # a camera that says nothing
    return rich(number)


def growing(number: int) -> Frame:
    """Every frame is larger than the one before, then small ones."""
    time.sleep(0.03)
    return plain(number, 16 * (number if number < 12 else 1))


def large(number: int) -> Frame:
    """As fast as it can, large enough that a copy takes a while."""
    return plain(number, 1280, 960)


def hold_the_interpreter() -> None:
    """Sleep for a minute without letting any other thread of the process run."""
    ctypes.PyDLL(None).sleep(60)


def crash() -> None:
    """As a wild pointer does."""
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)


def raised(kind: str) -> Frame:
    """One of the errors of the contract, or one a driver did not mean."""
    if kind == "DeviceBusyError":
        raise api.DeviceBusyError("scripted: held", "his.exe")
    raise getattr(api, kind, RuntimeError)(f"scripted: {kind}, 摄像头")


def odd(name: str) -> Frame:
    """A frame that breaks the contract."""
    frame = plain(1)
    planes: dict[str, Any] = {
        "float": frame.bgr.astype(np.float32),
        "flat": frame.bgr[:, :, 0],
        "empty": frame.bgr[:0],
        "none": None,
        "reversed": frame.bgr[::-1],
    }
    return Frame(1, 1, 1, planes[name], None, None, LENS)


def rooms() -> str:
    """Which of our rooms this process has loaded."""
    loaded = {name.split(".")[1] for name in sys.modules if name.startswith("yibao_face.")}
    return ",".join(sorted(loaded))


def chatter() -> None:
    """An SDK that prints, in Python and below."""
    print("SDK: hello 440101199001010011")  # noqa: T201  # what is tested
    os.write(1, b"SDK on 1\n")
    os.write(2, b"SDK on 2\n")


def babble() -> None:
    """A wild write of descriptors: whatever goes out to the parent is nonsense now."""
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(descriptor, b"nonsense" * 20)


def _told(**changes: str) -> CameraInfo:
    return CameraInfo(
        "scripted", "scripted:", **{"model": "m", "serial": "s", **changes}, capability=FLAGS
    )


def _after(number: int, act: Callable[[], None]) -> Callable[[int], Frame]:
    def step(read: int) -> Frame:
        if read == number:
            act()
        return paced(read)

    return step


def _wait_a_minute() -> None:
    time.sleep(60)


def _open(rest: str, settings: Settings) -> Scripted:
    what, _, argument = rest.partition("=")
    if what == "at-open":
        raised(argument)
    chosen = _CAMERAS.get(what)
    if chosen is not None:
        return chosen(argument)
    _ACTS[what]()
    return Scripted(paced, info=_told(model=str(settings.width), firmware=rooms()))


def _write(file: str) -> Callable[[], None]:
    def write() -> None:
        Path(file).write_text("closed", "utf-8")

    return write


_ACTS: dict[str, Callable[[], None]] = {
    "well": lambda: None,
    "hang-open": _wait_a_minute,
    "freeze-open": hold_the_interpreter,
    "crash-open": crash,
    "exit-open": lambda: os._exit(3),
    "quit-open": lambda: sys.exit("bye"),
    "chatter": chatter,
}
_CAMERAS: dict[str, Callable[[str], Scripted]] = {
    "order": lambda _: Scripted(in_order),
    "growing": lambda _: Scripted(growing),
    "large": lambda _: Scripted(large),
    "odd": lambda name: Scripted(lambda _: odd(name)),
    "at-read": lambda kind: Scripted(lambda n: paced(n) if n < 3 else raised(kind)),
    "hang": lambda _: Scripted(_after(3, _wait_a_minute)),
    "freeze": lambda _: Scripted(_after(3, hold_the_interpreter)),
    "babble": lambda _: Scripted(_after(3, babble)),
    "crash": lambda _: Scripted(_after(3, crash)),
    "closing": lambda file: Scripted(paced, _write(file)),
    "stubborn": lambda _: Scripted(paced, _wait_a_minute),
}

DRIVER = Driver("scripted", _open, lambda _: [_told(serial="found")], isolated=True)
OF_THE_FUTURE = Driver("future", _open, api=99)
NO_DRIVER = "scripted"
