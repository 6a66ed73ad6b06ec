"""Time from request to frame, warm and cold, and CPU at the camera's rate, of the ``uvc`` driver.

Boots the machine of ``tests/beds/vivid`` and measures inside, on a true kernel; the processor is
emulated and does one instruction in 1 ns, slower than any at a counter, whatever the host's load.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import cv2

from yibao_face.drivers.conformance.point import first_frame
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.uvc.uvc import discover_uvc, open_uvc

ROOT = Path(__file__).resolve().parent.parent
# The machine is the tests', which are no package.
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

NODE = "/dev/video0"
OPENINGS = 12
REQUESTS = 40
TURNS = 10
TURN_S = 3.0
# What vivid reaches at 640 x 480, frames/s.
RATE = 25.0
LIMIT_S = 900.0
# Targets of the issue.
COLD_MS, WARM_MS, OVERHEAD_PERCENT = 1500.0, 100.0, 5.0


Opened = Callable[[], AbstractContextManager[Callable[[], bool]]]


def main() -> int:
    """0 when the targets are met."""
    if os.environ.get("YIBAO_FACE_GUEST"):
        return measure()
    from tests.beds.vivid.machine import run_inside, with_python  # noqa: PLC0415  # outside only

    ran = run_inside(with_python("benchmarks/capture.py"), LIMIT_S)
    print(ran.output)
    return ran.code


def measure() -> int:
    """Measure and print, in the guest."""
    from tests.beds.vivid.guest.rig import Rig  # noqa: PLC0415  # it needs the guest

    with Rig():
        discover_uvc(Settings())  # loads the driver's modules, as a started daemon has
        cold, warm = cold_ms(), warm_ms()
        print(f"cold, open to first frame, {len(cold)} times: {summary(cold)}")
        print(f"warm, request to fresh frame, {len(warm)} times: {summary(warm)}")
        over = overhead_percent()
    met = max(cold) <= COLD_MS and max(warm) <= WARM_MS and over <= OVERHEAD_PERCENT
    print("targets met" if met else "targets missed")
    return 0 if met else 1


def cold_ms() -> list[float]:
    """From the request to the first frame of a camera nobody had open."""
    took: list[float] = []
    for _ in range(OPENINGS):
        started = time.monotonic()
        with open_uvc(NODE, Settings()) as camera:
            first_frame(camera)
            took.append((time.monotonic() - started) * 1000)
    return took


def warm_ms() -> list[float]:
    """From the request to a frame that was seen after it was made; requests come at odd times."""
    took: list[float] = []
    with open_uvc(NODE, Settings()) as camera:
        for turn in range(REQUESTS):
            until = time.monotonic() + 0.2 + 0.007 * (turn % 6)
            while time.monotonic() < until:
                camera.read(0.02)
            asked_ns = time.monotonic_ns()
            while first_frame(camera).at_ns < asked_ns:
                pass
            took.append((time.monotonic_ns() - asked_ns) / 1e6)
    return took


def overhead_percent() -> float:
    """CPU of one core beyond bare ``cv2.VideoCapture``, turn by turn; prints both."""
    ours, bare = list[float](), list[float]()
    for _ in range(TURNS):
        bare.append(cpu_percent(bare_cv2))
        ours.append(cpu_percent(our_driver))
    over = statistics.median(a - b for a, b in zip(ours, bare, strict=True))
    print(
        f"CPU of one core at the camera's rate: uvc {statistics.median(ours):.1f} %, "
        f"bare cv2 {statistics.median(bare):.1f} %, beyond it {over:+.1f} % "
        f"(medians of {TURNS} turns of {TURN_S:g} s each)"
    )
    return over


@contextmanager
def our_driver() -> Generator[Callable[[], bool]]:
    """Reads a frame through the driver."""
    with open_uvc(NODE, Settings()) as camera:
        yield lambda: camera.read(1.0) is not None


@contextmanager
def bare_cv2() -> Generator[Callable[[], bool]]:
    """Reads a frame through OpenCV, in the same mode."""
    capture = cv2.VideoCapture(NODE, cv2.CAP_V4L2)
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"YUYV"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, 640)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, 480)
    capture.set(cv2.CAP_PROP_FPS, 30)
    try:
        yield lambda: capture.read()[0]
    finally:
        capture.release()


def cpu_percent(opened: Opened) -> float:
    """CPU time of this process while frames are read as they come, opening left out; as if they
    came at the camera's rate.
    """
    with opened() as read:
        while not read():
            pass
        frames, started, cpu = 0, time.monotonic(), time.process_time()
        while time.monotonic() - started < TURN_S:
            frames += read()
        spent_s = time.process_time() - cpu
    return 100 * spent_s / max(1, frames) * RATE


def summary(ms: list[float]) -> str:
    """Median and worst."""
    return f"median {statistics.median(ms):.0f} ms, most {max(ms):.0f} ms"


if __name__ == "__main__":
    raise SystemExit(main())
