"""What the windows cost: until they are up, while they show the person, while nobody comes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil

from yibao_face.daemon.booth.board import Visit
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.demo.child import DemoError, child_daemon
from yibao_face.daemon.demo.window.desktop import has_display, virtual_desktop
from yibao_face.daemon.demo.window.drawn import SIZE, drawn_face
from yibao_face.daemon.demo.window.staged import Staged, staged
from yibao_face.daemon.section import CameraConfig, DoorConfig, UiConfig

FPS = 30.0
_WARM_S = 20.0
_BETWEEN_S = 0.4
_SETTLE_S = 4.0
_SCREEN = (1280, 720)


@dataclass(frozen=True, slots=True)
class WindowsReport:
    """Milliseconds until painted; shares of one core in percent; seconds until ready.

    ``window``: the process of the windows; ``daemon``: what the preview adds to the daemon.
    """

    up_ms: tuple[float, ...]
    fps: float
    window_percent: float
    daemon_percent: float
    idle_percent: float
    idle_window_percent: float
    ready_s: float

    def lines(self) -> list[str]:
        """For the terminal."""
        p50, p95 = np.percentile(self.up_ms, [50, 95])
        added = self.window_percent + self.daemon_percent
        return [
            f"request to painted window, ms: p50 {p50:.0f}  p95 {p95:.0f}"
            f"  max {max(self.up_ms):.0f}  n={len(self.up_ms)}",
            f"preview {SIZE[0]}x{SIZE[1]}: {self.fps:.1f} pictures/s of {FPS:.0f} (staged), adds"
            f" {added:.1f} % of one core (window {self.window_percent:.1f},"
            f" daemon {self.daemon_percent:.1f})",
            f"idle agent: {self.idle_percent + self.idle_window_percent:.2f} % of one core"
            f" (daemon {self.idle_percent:.2f}, window {self.idle_window_percent:.2f})",
            f"ready {self.ready_s:.2f} s after the start of the process",
        ]


def bench_windows(config: Config, requests: int, seconds: float) -> WindowsReport:
    """Open the window ``requests`` times, show it and then nothing for ``seconds`` each.

    On the display of this session, or on one of its own. ``DemoError`` without models.
    """
    with _display():
        with staged(UiConfig(volume=0), FPS) as stage:
            until_up(stage)
            up_ms = tuple(_request(stage, number) for number in range(requests))
            fps, window, daemon = _preview(stage, seconds)
        ready_s, idle, idle_window = _idle(config, seconds)
    return WindowsReport(up_ms, fps, window, daemon, idle, idle_window, ready_s)


@contextmanager
def _display() -> Generator[None, None, None]:
    """A display to show windows on."""
    with nullcontext() if has_display() else virtual_desktop(*_SCREEN) as desktop:
        before = dict(os.environ)
        if desktop is not None:
            os.environ.update(desktop.environment)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def until_up(stage: Staged) -> None:
    """Until the process of the windows showed something once."""
    give_up = time.monotonic() + _WARM_S
    stage.begin(_visit(-1))
    while time.monotonic() < give_up:
        now = stage.keeper.conversation
        if now is not None and "bench--1" in now.shown_at_s:
            stage.end("bench--1", Cause.MATCHED_SELF)
            time.sleep(1.0)
            return
        time.sleep(0.05)
    raise DemoError("no window came up: is PySide6 installed?")


def _request(stage: Staged, number: int) -> float:
    visit = _visit(number)
    now = stage.keeper.conversation
    if now is None:
        raise DemoError("the windows ended")
    began_s = time.monotonic()
    stage.begin(visit)
    while visit.encounter not in now.shown_at_s:
        if time.monotonic() - began_s > _WARM_S:
            raise DemoError("the window did not come up")
        time.sleep(0.001)
    took_ms = (now.shown_at_s[visit.encounter] - began_s) * 1000
    # Put away before the next: a window that is up already is no measure.
    stage.rest()
    time.sleep(_BETWEEN_S)
    return took_ms


def _preview(stage: Staged, seconds: float) -> tuple[float, float, float]:
    """Pictures a second, percent of a core of the window, and of the daemon more than without."""
    pid, now = stage.keeper.pid, stage.keeper.conversation
    if pid is None or now is None:
        raise DemoError("the windows ended")
    child, me = psutil.Process(pid), psutil.Process()
    before = _used(me)
    time.sleep(seconds)
    alone = (_used(me) - before) / seconds
    stage.begin(_visit(10_000), seconds + 5.0)
    stage.board.placed((drawn_face(0.0),), SIZE)
    time.sleep(1.0)
    began_s, pictures, mine, its = time.monotonic(), now.pictures, _used(me), _used(child)
    time.sleep(seconds)
    took = time.monotonic() - began_s
    fps = (now.pictures - pictures) / took
    window, with_it = (_used(child) - its) / took, (_used(me) - mine) / took
    return fps, window * 100, max(0.0, with_it - alone) * 100


def _idle(config: Config, seconds: float) -> tuple[float, float, float]:
    """Seconds until the real agent is ready; then percent of a core of it, and of its window."""
    clip = config.data / "clips" / "live-first.rgbd"
    if not clip.is_file():
        raise DemoError("no demo clips: run `yibao-face clip make` first")
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder:
        shutil.copytree(config.models, Path(folder) / "models")
        camera = CameraConfig(f"replay:{clip}")
        bench = replace(config, data=Path(folder), camera=camera, door=DoorConfig(port=0))
        began_s = time.monotonic()
        with child_daemon(bench, ("agent", "--demo")) as child:
            ready_s = time.monotonic() - began_s
            time.sleep(_SETTLE_S)
            agent = psutil.Process(child.process.pid)
            both = (agent, *agent.children()[:1])
            before = [_used(process) for process in both]
            time.sleep(seconds)
            used = [(_used(p) - b) / seconds * 100 for p, b in zip(both, before, strict=True)]
    return ready_s, used[0], sum(used[1:])


def _visit(number: int) -> Visit:
    return Visit(f"bench-{number}", Purpose.SETTLEMENT, "演示", "")


def _used(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))
