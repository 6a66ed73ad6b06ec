"""Faults without end: ``cycles.py RUNTIME FOLDER COUNT`` spoils a running camera again and again.

Prints JSON: the longest time in s from the end of each kind of fault to the next frame, and how
many open files, threads and kB of memory the process has more than after its first rounds.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from beds.openni2.camera import Astra

from yibao_face.drivers.api import (
    Camera,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    Frame,
)
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.openni2.openni2 import open_openni2

PATIENCE_S = 10.0
_WARM_ROUNDS = 6


class Site:
    """A counter that opens its camera again when it is lost."""

    def __init__(self, runtime: str, astra: Astra) -> None:
        self.astra = astra
        self._settings = Settings(runtime=runtime)
        self.camera: Camera = open_openni2("", self._settings)
        self.frame()

    def frame(self) -> Frame:
        """The next frame; opens the camera anew as long as it must."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                frame = self.camera.read(0.2)
            except DeviceError:
                self._reopen()
                continue
            if frame is not None:
                return frame
        raise AssertionError("no frame")

    def refused(self, kind: type[DeviceError]) -> None:
        """Opening must fail so."""
        self.camera.close()
        try:
            open_openni2("", self._settings)
        except kind:
            return
        raise AssertionError(f"no {kind.__name__}")

    def lost(self) -> None:
        """The running camera must say that it is lost."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                self.camera.read(0.2)
            except DeviceLostError:
                return
        raise AssertionError("not lost")

    def silent(self) -> None:
        """The running camera must fall silent."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            if self.camera.read(0.2) is None:
                return
        raise AssertionError("not silent")

    def _reopen(self) -> None:
        self.camera.close()
        try:
            self.camera = open_openni2("", self._settings)
        except DeviceError:
            time.sleep(0.02)


def unplug(site: Site) -> None:
    site.astra.set(plugged=0)
    site.lost()
    site.refused(DeviceMissingError)
    site.astra.set(plugged=1)


def replug(site: Site) -> None:
    site.astra.set(plugged=0)
    site.lost()
    site.astra.set(plugged=1)


def stall(site: Site) -> None:
    site.astra.set(stalled=1)
    site.silent()
    site.astra.set(stalled=0)


def busy(site: Site) -> None:
    site.camera.close()
    site.astra.occupy()
    site.refused(DeviceBusyError)
    site.astra.vacate()


def freeze(site: Site) -> None:
    site.astra.set(frozen=1)
    site.silent()
    site.astra.set(frozen=0)


def lie(site: Site) -> None:
    site.astra.set(lie=1)
    site.lost()
    site.astra.set(lie=0)


FAULTS: tuple[Callable[[Site], None], ...] = (unplug, replug, stall, busy, freeze, lie)


def main(runtime: str, folder: Path, count: int) -> dict[str, object]:
    """Run ``count`` faults, after some that fill caches."""
    worst: dict[str, float] = {}
    site = Site(runtime, Astra(folder))
    for n in range(_WARM_ROUNDS * len(FAULTS)):
        _cycle(site, FAULTS[n % len(FAULTS)], {})
    before = _held()
    for n in range(count):
        _cycle(site, FAULTS[n % len(FAULTS)], worst)
    after = _held()
    site.camera.close()
    growth = [now - then for now, then in zip(after, before, strict=True)]
    keys = ("files", "threads", "rss_kb")
    return {"cycles": count, "worst_s": worst, **dict(zip(keys, growth, strict=True))}


def _cycle(site: Site, fault: Callable[[Site], None], worst: dict[str, float]) -> None:
    fault(site)
    since = time.monotonic()
    since_ns = time.monotonic_ns()
    while site.frame().at_ns < since_ns:
        pass
    worst[fault.__name__] = max(worst.get(fault.__name__, 0.0), time.monotonic() - since)


def _held() -> tuple[int, int, int]:
    gc.collect()
    me = psutil.Process()
    return me.num_fds(), me.num_threads(), me.memory_info().rss // 1024


if __name__ == "__main__":
    told = main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(json.dumps(told) + "\n")
