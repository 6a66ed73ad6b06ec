"""CPU of everything liveness does to a 640 x 480 frame after the landmarks, and of its decision.

In the same run, frame by frame in turn: the plane fit of the RealSense sample (least squares plane
and its residual over the face, bare numpy), which is the cheapest rule anybody ships.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from yibao_face.daemon.capture.feature import FeatureGauge
from yibao_face.daemon.capture.policy import liveness_policy
from yibao_face.daemon.capture.watch import Watch
from yibao_face.daemon.config import load_config
from yibao_face.daemon.core.liveness.gate import attack_cause, judge, reading_hint
from yibao_face.daemon.core.liveness.modality import Cue
from yibao_face.daemon.core.liveness.stream import StreamPolicy
from yibao_face.daemon.wiring import weight_store
from yibao_face.drivers.api import Frame
from yibao_face.drivers.replay import ReplayCamera
from yibao_face.models.api import Detection, Points
from yibao_face.models.liveness.relief import DepthImage
from yibao_face.models.suite import FaceModels, load_face_models

MAX_CPU_MS = 8.0
MAX_DECISION_S = 1.0
PERIOD_S = 1 / 30
CUES = frozenset({Cue.DEPTH, Cue.PLANES, Cue.INFRARED})


@dataclass(slots=True)
class Times:
    """CPU ms by part."""

    ms: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def note(self, part: str, started: float) -> None:
        """Time since ``started`` (``time.process_time``)."""
        self.ms.setdefault(part, []).append((time.process_time() - started) * 1000)

    def row(self, part: str) -> str:
        """A row of the table."""
        p50, p95 = np.percentile(self.ms[part], [50, 95])
        return f"| {part} | {p50:.2f} | {p95:.2f} | {len(self.ms[part])} |"


def main() -> int:
    """Print the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", default="live-first", help="one of the demo clips")
    parser.add_argument("--frames", type=int, default=300)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    config = load_config()
    models = load_face_models(weight_store(config))
    frames = read(str(config.data / "clips" / f"{given.clip}.rgbd"))
    times = measured(models, frames, given.frames)
    print("| after the landmarks, 640 x 480, one core | CPU ms p50 | p95 | n |\n|---|---|---|---|")
    for part in times.ms:
        print(times.row(part))
    gates = float(np.median(times.ms["all gates"]))
    decision_s = decided_s(models, frames)
    print(f"\nWhole liveness decision at 30 fps, capture included: {decision_s:.3f} s wall")
    models.close()
    return int(gates > MAX_CPU_MS or decision_s > MAX_DECISION_S)


def read(path: str) -> list[Frame]:
    """The frames of a clip, as fast as they decode."""
    found: list[Frame] = []
    with ReplayCamera(Path(path), paced=False) as camera:
        while len(found) < 24:
            frame = camera.read(5.0)
            if frame is not None:
                found.append(frame)
    return found


def measured(models: FaceModels, frames: list[Frame], count: int) -> Times:
    """Every part over ``count`` frames, in turn with the plane fit."""
    times, gauge = Times(), FeatureGauge(models.gauge, CUES)
    policy = liveness_policy(weight_store(load_config()).manifest.liveness, CUES)
    watch = Watch(StreamPolicy(looped=True))
    found = [seen(models, frame) for frame in frames]
    for turn in range(count):
        frame, (face, points) = frames[turn % len(frames)], found[turn % len(frames)]
        started = time.process_time()
        watch.see(frame, face.box, frame.at_ns)
        times.note("stream watched", started)
        at = time.process_time()
        features = gauge.measure(frame, points)
        times.note("features measured", at)
        if not isinstance(features, dict):
            raise SystemExit(f"the clip cannot be judged: {features}")
        at = time.process_time()
        cause = reading_hint(features, policy) or attack_cause(features, policy)
        judge([features] * policy.frames, policy)
        times.note("judged", at)
        times.note("all gates", started)
        if cause is not None:
            raise SystemExit(f"a living frame failed: {cause}")
        if frame.depth_mm is not None:
            at = time.process_time()
            plane_rms_mm(frame.depth_mm, points)
            times.note("plane fit of the RealSense sample", at)
    return times


def seen(models: FaceModels, frame: Frame) -> tuple[Detection, Points]:
    """The face of a frame and its landmarks."""
    face = models.detector.find(frame.bgr)[0]
    dense = models.landmarker.find(frame.bgr, face)
    if dense is None:
        raise SystemExit("the clip shows no face")
    return face, dense.points


def plane_rms_mm(depth_mm: DepthImage, points: Points) -> float:
    """Residual of a plane through the face pixels."""
    hull = cv2.convexHull(points[:468].astype(np.float32)).astype(np.int32)
    mask = np.zeros(depth_mm.shape, np.uint8)
    cv2.fillConvexPoly(mask, hull, 1)
    rows, columns = np.nonzero((mask > 0) & (depth_mm > 0))
    z = depth_mm[rows, columns].astype(np.float64)
    at = np.stack([rows, columns, np.ones(len(rows))], 1)
    plane = np.linalg.lstsq(at, z, rcond=None)[0]
    return float(np.sqrt(((z - at @ plane) ** 2).mean()))


def decided_s(models: FaceModels, frames: list[Frame]) -> float:
    """Wall time from the first exposure to the verdict: detection and landmarks of five frames."""
    gauge = FeatureGauge(models.gauge, CUES)
    policy = liveness_policy(weight_store(load_config()).manifest.liveness, CUES)
    began = time.perf_counter()
    features: list[dict[str, float]] = []
    for number, frame in enumerate(frames):
        time.sleep(max(0.0, began + number * PERIOD_S - time.perf_counter()))
        found = gauge.measure(frame, seen(models, frame)[1])
        if isinstance(found, dict):
            features.append(found)
        verdict = judge(features, policy)
        if verdict is not None:
            return time.perf_counter() - began
    raise SystemExit("the clip was not judged")


if __name__ == "__main__":
    sys.exit(main())
