"""MediaPipe Face Landmarker: 478 points, pose and expression of one face."""

from __future__ import annotations

import contextlib
import os
import sys
import types
from collections.abc import Generator
from importlib import import_module
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Box, DenseFace, Detection, ModelAlteredError, Points, Pose

# Surroundings given to the landmarker, in widths of the face on each side: its own detector wants
# to see a head, and looks at nobody else.
_MARGIN = 0.75
_MIN_CROP_PX = 32
# The same face must be meant by both networks.
_MIN_AGREEMENT = 0.3

Image = npt.NDArray[np.uint8]


class FaceLandmarker:
    """Runs the ``.task`` bundle on the CPU, picture by picture, without memory between them."""

    def __init__(self, name: str, bundle: bytes) -> None:
        with _without_plotting(), _native_log_silenced():
            # Imported here and by name: mediapipe publishes no types, and half a second of import
            # is nothing a command without faces should pay.
            base: Any = import_module("mediapipe.tasks.python.core.base_options")
            api: Any = import_module("mediapipe.tasks.python.vision.face_landmarker")
            self._image: Any = import_module("mediapipe.tasks.python.vision.core.image")
            options = api.FaceLandmarkerOptions(
                base_options=base.BaseOptions(model_asset_buffer=bundle),
                num_faces=1,
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
            )
            try:
                self._landmarker: Any = api.FaceLandmarker.create_from_options(options)
            except Exception as exc:  # the C library raises RuntimeError and ValueError alike
                raise ModelAlteredError(f"{name} cannot be loaded") from exc
            # Its logger prints at the first call; let that happen while it is silenced.
            self._run(np.zeros((64, 64, 3), np.uint8))

    def find(self, bgr: Image, face: Detection) -> DenseFace | None:
        """The dense face inside ``face``; ``None`` where there is none or another one is meant."""
        x0, y0, crop = _surroundings(bgr, face.box)
        if min(crop.shape[:2]) < _MIN_CROP_PX:
            return None
        result = self._run(np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), np.uint8))
        if not result.face_landmarks:
            return None
        dense = _dense(result, crop.shape[1], crop.shape[0], x0, y0)
        return dense if face.box.overlap(_bounds(dense.points)) >= _MIN_AGREEMENT else None

    def close(self) -> None:
        """Free the native graph; must be called before the interpreter ends."""
        self._landmarker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _run(self, rgb: Image) -> Any:
        picture = self._image.Image(
            image_format=self._image.ImageFormat.SRGB, data=np.ascontiguousarray(rgb)
        )
        return self._landmarker.detect(picture)


def _surroundings(bgr: Image, box: Box) -> tuple[int, int, Image]:
    side = max(box.width, box.height) * (0.5 + _MARGIN)
    cx, cy = box.x + box.width / 2, box.y + box.height / 2
    x0, y0 = max(0, int(cx - side)), max(0, int(cy - side))
    return x0, y0, bgr[y0 : max(y0, int(cy + side)), x0 : max(x0, int(cx + side))]


def _dense(result: Any, width: int, height: int, x0: int, y0: int) -> DenseFace:
    raw = np.array([(p.x, p.y, p.z) for p in result.face_landmarks[0]], np.float32)
    points: Points = raw[:, :2] * np.array([width, height], np.float32)
    points += np.array([x0, y0], np.float32)
    shapes = {str(c.category_name): float(c.score) for c in result.face_blendshapes[0]}
    pose = _pose(np.asarray(result.facial_transformation_matrixes[0], np.float64))
    return DenseFace(points, raw[:, 2] * np.float32(width), pose, shapes)


def _pose(matrix: npt.NDArray[np.float64]) -> Pose:
    """Yaw, pitch and roll of the 4x4 face-to-camera matrix (Y up, Z towards the viewer)."""
    rotation = matrix[:3, :3]
    yaw = np.degrees(np.arctan2(rotation[0, 2], rotation[2, 2]))
    pitch = np.degrees(np.arcsin(np.clip(-rotation[1, 2], -1.0, 1.0)))
    roll = np.degrees(np.arctan2(rotation[1, 0], rotation[1, 1]))
    return Pose(float(yaw), float(pitch), float(roll))


def _bounds(points: Points) -> Box:
    low, high = points.min(0), points.max(0)
    return Box(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


@contextlib.contextmanager
def _without_plotting() -> Generator[None, None, None]:
    """Import mediapipe without matplotlib.

    Its drawing helper imports pyplot at module level; nothing of ours draws, and the real pyplot
    would add 30 MB and half a second to a daemon's start (ADR 0003).
    """
    names = ("matplotlib", "matplotlib.pyplot")
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = types.ModuleType(name)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextlib.contextmanager
def _native_log_silenced() -> Generator[None, None, None]:
    """Keep the C library's start-up chatter off the stderr of a one-line CLI."""
    sys.stderr.flush()
    saved = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)
