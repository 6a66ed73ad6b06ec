"""Measure a verification on the demo clips: stages by CPU time, the whole by the wall clock."""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import psutil

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.capture.policy import liveness_policy
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import Likeness, MatchPolicy, decide
from yibao_face.daemon.core.encounter import Cause, Who
from yibao_face.daemon.core.liveness.gate import judge
from yibao_face.daemon.demo.child import DemoError, child_daemon
from yibao_face.daemon.demo.play import FIRST, Stage, enrol_cast
from yibao_face.daemon.door.client import sample_request
from yibao_face.daemon.section import CameraConfig
from yibao_face.daemon.service import body_digest
from yibao_face.daemon.wire.request import parse_request
from yibao_face.daemon.wiring import Daemon, build, outbox_path
from yibao_face.drivers.api import CameraInfo, Capability, Frame
from yibao_face.drivers.replay import ReplayCamera
from yibao_face.models.embed import align, cosine
from yibao_face.models.liveness.relief import Pinhole
from yibao_face.models.suite import FaceModels
from yibao_face.models.weights.manifest import load_manifest

_IDLE_S = 10.0
_MIB = 1024 * 1024
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StageFigure:
    """CPU milliseconds of one stage."""

    name: str
    p50_ms: float
    p95_ms: float
    samples: int


@dataclass(frozen=True, slots=True)
class Report:
    """Stages, and the figures of the whole by their name."""

    stages: list[StageFigure]
    totals: dict[str, str]

    def figures(self) -> dict[str, object]:
        """As JSON."""
        return {"stages": [asdict(stage) for stage in self.stages], "totals": self.totals}


class MemoryCamera:
    """Delivers frames held in memory at once: decoding and pacing are not what is measured."""

    def __init__(self, frames: list[Frame]) -> None:
        self._frames, self._next = frames, 0
        self.delivered_at: list[float] = []

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        flags = Capability.RGB | Capability.DEPTH | Capability.IR | Capability.RECORDED
        return CameraInfo("memory", "memory:0", "bench", "0", flags)

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        del timeout_s  # a frame is always there
        frame = self._frames[self._next % len(self._frames)]
        self._next += 1
        self.delivered_at.append(time.perf_counter())
        return replace(frame, at_ns=time.monotonic_ns())

    def close(self) -> None:
        """See ``Camera.close``."""

    def __enter__(self) -> MemoryCamera:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def bench_verify(config: Config, frames: int, verifications: int, progress: Progress) -> Report:
    """Measure with the clips of ``config``; they and the models must be there already."""
    clip = config.data / "clips" / "live-first.rgbd"
    if not clip.is_file():
        raise DemoError("no demo clips: run `yibao-face clip make` first")
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder:
        bench = _scratch(config, Path(folder), clip)
        shots = _frames(clip)
        progress("ready time, idle and memory of the daemon process …")
        totals = _process(bench)
        camera = MemoryCamera(shots)
        with build(bench, demo=True, camera=lambda: camera) as daemon:
            if not isinstance(daemon.models, FaceModels):
                raise DemoError(str(daemon.models))
            enrol_cast(Stage(bench, clip.parent), daemon.models, config.downloads)
            progress(f"{frames} frames stage by stage …")
            stages = _stages(daemon.models, shots, frames)
            progress(f"{verifications} verifications …")
            stages += _whole(daemon, camera, verifications, totals)
    return Report(stages, totals)


def _scratch(config: Config, folder: Path, clip: Path) -> Config:
    """The models of ``config`` with a gallery and results of their own."""
    shutil.copytree(config.models, folder / "models")
    return replace(
        config, data=folder, camera=CameraConfig(f"replay:{clip}", config.camera.silence_s)
    )


def _frames(clip: Path) -> list[Frame]:
    with ReplayCamera(clip, loop=False, paced=False) as camera:
        found: list[Frame] = []
        for _ in range(8):
            frame = camera.read(5.0)
            if frame is not None:
                found.append(frame)
    return found


def _stages(models: FaceModels, frames: list[Frame], samples: int) -> list[StageFigure]:
    """CPU time of each stage alone, over the frames in turn."""
    times: dict[str, list[float]] = {}
    for index in range(samples):
        _one_frame(models, frames[index % len(frames)], times)
    return [_figure(name, values) for name, values in times.items()]


def _one_frame(models: FaceModels, frame: Frame, times: dict[str, list[float]]) -> None:
    with _timed(times, "detect (320 px)"):
        face = models.detector.find(frame.bgr)[0]
    with _timed(times, "landmarks + pose"):
        dense = models.landmarker.find(frame.bgr, face)
    if dense is None or frame.depth_mm is None:
        raise DemoError("the live clip shows no face")
    lens = Pinhole(frame.intrinsics.fx, frame.intrinsics.cx, frame.intrinsics.cy)
    with _timed(times, "liveness relief"):
        relief = models.gauge.measure(frame.depth_mm, dense.points, lens)
    with _timed(times, "refine + align"):
        fine = models.detector.refine(frame.bgr, face)
        crop = align(frame.bgr, fine.points)
    with _timed(times, "embed"):
        probe = models.embedder.embed(crop)
    policy = liveness_policy(load_manifest().liveness)
    with _timed(times, "decide (judge 5 + match)"):
        verdict = judge([asdict(relief)] * 5, policy)
        spoof = verdict.cause if verdict else Cause.NO_FACE
        likeness = Likeness(Who.SELF, cosine(probe, probe))
        decide(spoof, (likeness,), True, MatchPolicy(0.5, demo=True))


def _whole(
    daemon: Daemon, camera: MemoryCamera, verifications: int, totals: dict[str, str]
) -> list[StageFigure]:
    """Whole calls through the service, record included; memory before and after."""
    times: dict[str, list[float]] = {}
    walls: list[float] = []
    after_fifth: list[float] = []
    memory: list[int] = []
    process = psutil.Process()
    for number in range(verifications):
        # A settlement of its own each time: a repeat would be answered without a look.
        body = json.dumps(sample_request(FIRST, "演示", Clock(), number)).encode()
        request = parse_request(body)
        camera.delivered_at.clear()
        started = time.perf_counter()
        with _timed(times, "whole call (5 frames + match)"):
            reply = daemon.service.serve(request, body_digest(body), Attempt(60.0))
        ended = time.perf_counter()
        if reply.code != 1:
            raise DemoError(f"the live clip was refused: {reply.msg}")
        walls.append(ended - started)
        after_fifth.append(ended - camera.delivered_at[-1])
        memory.append(process.memory_info().rss)
    totals["whole call, wall p50 / p95 ms"] = _spread(walls)
    totals["answer after 5th usable frame, wall p50 / p95 ms"] = _spread(after_fifth)
    totals.update(_memory(memory))
    stored = _store_times(daemon, min(200, verifications))
    return [_figure(n, v) for n, v in times.items()] + [_figure("store (FULL), wall", stored)]


def _store_times(daemon: Daemon, samples: int) -> list[float]:
    """Wall time of one commit: it waits for the disk, so CPU time would hide it."""
    result = daemon.ledger.outbox.waiting(1)[0]
    times: list[float] = []
    for index in range(samples):
        started = time.perf_counter()
        daemon.ledger.outbox.put(replace(result, id=f"bench-{index:04d}"))
        times.append(time.perf_counter() - started)
    return times


def _memory(rss: list[int]) -> dict[str, str]:
    """Last value and the slope of the second half, least squares: the first half warms up."""
    half = np.array(rss[len(rss) // 2 :], np.float64)
    slope = float(np.polyfit(np.arange(len(half)), half, 1)[0]) if len(half) > 1 else 0.0
    return {
        f"RSS after {len(rss)} verifications, MiB": f"{rss[-1] / _MIB:.1f}",
        "RSS slope of the second half, KiB per 100": f"{slope * 100 / 1024:.1f}",
    }


def _process(config: Config) -> dict[str, str]:
    """Start the real daemon: time to ready, CPU while idle, memory after one call."""
    started = time.perf_counter()
    with child_daemon(replace(config, door=replace(config.door, port=0))) as child:
        ready_s = time.perf_counter() - started
        watched = psutil.Process(child.process.pid)
        body = json.dumps(sample_request("000000000000000000", "无", Clock(), 1)).encode()
        child.caller.authenticate(body)
        before = sum(watched.cpu_times()[:2])
        time.sleep(_IDLE_S)
        idle = (sum(watched.cpu_times()[:2]) - before) / _IDLE_S
        rss = watched.memory_info().rss
    outbox_path(config).unlink(missing_ok=True)
    return {
        "ready after process start, s": f"{ready_s:.2f}",
        f"idle CPU over {_IDLE_S:.0f} s, %": f"{idle * 100:.2f}",
        "RSS of the idle daemon, MiB": f"{rss / _MIB:.1f}",
    }


@contextmanager
def _timed(times: dict[str, list[float]], name: str) -> Generator[None, None, None]:
    started = time.process_time()
    yield
    times.setdefault(name, []).append(time.process_time() - started)


def _figure(name: str, values: list[float]) -> StageFigure:
    p50, p95 = _quantiles(values)
    return StageFigure(name, round(p50, 3), round(p95, 3), len(values))


def _quantiles(values: list[float]) -> tuple[float, float]:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return statistics.median(ordered) * 1000, p95 * 1000


def _spread(values: list[float]) -> str:
    p50, p95 = _quantiles(values)
    return f"{p50:.1f} / {p95:.1f}"
