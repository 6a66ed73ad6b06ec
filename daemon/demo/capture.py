"""From a request to the first usable frame of this counter's camera, and what reading it costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psutil

from yibao_face.drivers.api import Camera
from yibao_face.drivers.conformance.point import first_frame
from yibao_face.drivers.supervise.supervisor import Patience, Supervisor

_PATIENT_S = 15.0
_BETWEEN_S = 0.2


@dataclass(frozen=True, slots=True)
class CaptureReport:
    """Milliseconds a request, cold and warm; ``cpu_percent``: of one core, driver's child too."""

    cold_ms: tuple[float, ...]
    warm_ms: tuple[float, ...]
    fps: float
    cpu_percent: float

    def lines(self) -> list[str]:
        """For the terminal."""
        rows = (("cold, opened for it", self.cold_ms), ("warm, kept open", self.warm_ms))
        told = [f"{'request to first frame':26} {'p50 ms':>8} {'p95 ms':>8} {'max':>8}"]
        for name, ms in rows:
            p50, p95 = np.percentile(ms, [50, 95])
            told.append(f"{name:26} {p50:8.0f} {p95:8.0f} {max(ms):8.0f}  n={len(ms)}")
        return [*told, f"{self.fps:.1f} frames/s, {self.cpu_percent:.1f} % of one core"]


def bench_capture(
    open_: Callable[[], Camera], cold: int, warm: int, seconds: float
) -> CaptureReport:
    """Open ``cold`` times, ask ``warm`` times of an open one, read ``seconds``."""
    at_once = Patience(open_s=_PATIENT_S, idle_s=0.0, preopen=False, peek_s=0.0)
    opened: list[float] = []
    for _ in range(cold):
        with Supervisor(open_, at_once) as owner:
            opened.append(_asked_ms(owner))
    kept = Patience(open_s=_PATIENT_S, idle_s=-1.0)
    with Supervisor(open_, kept) as owner:
        _asked_ms(owner)
        asked: list[float] = []
        for _ in range(warm):
            time.sleep(_BETWEEN_S)
            asked.append(_asked_ms(owner))
        fps, cpu_percent = _reading(owner, seconds)
    return CaptureReport(tuple(opened), tuple(asked), fps, cpu_percent)


def _asked_ms(owner: Supervisor) -> float:
    started = time.monotonic()
    with owner.lease() as camera:
        first_frame(camera)
    return (time.monotonic() - started) * 1000


def _reading(owner: Supervisor, seconds: float) -> tuple[float, float]:
    with owner.lease() as camera:
        first_frame(camera)
        count, began, used = 0, time.monotonic(), _cpu_s()
        while time.monotonic() - began < seconds:
            count += camera.read(0.25) is not None
        took = time.monotonic() - began
        return count / took, (_cpu_s() - used) / took * 100


def _cpu_s() -> float:
    """Of this process and of the drivers' processes below it."""
    me = psutil.Process()
    times = [each.cpu_times() for each in (me, *me.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))
