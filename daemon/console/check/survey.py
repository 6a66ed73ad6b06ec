"""What the camera measures of whoever stands there: the numbers the wizard goes by."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from yibao_face.daemon.booth.look import Scene
from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.quality import (
    FaceBox,
    Limits,
    chosen_face,
    distance_hint,
    place_hint,
)
from yibao_face.drivers.api import Camera, CameraInfo, DeviceStalledError, Frame
from yibao_face.models.api import Detection
from yibao_face.models.quality import Quality, measure_quality

_FRAMES = 15
_READ_S, _DEADLINE_S = 0.5, 8.0
# Glasses, hair and the edge of a face leave holes; a face with more is too far, or in the sun.
LEAST_DEPTH_FILL = 0.6
LEAST_FPS = 10.0


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the wizard: ``value`` in ``unit``, ``None`` where it could not be measured."""

    name: str
    value: float | None
    unit: str
    ok: bool
    advice: str


@dataclass(frozen=True, slots=True)
class Survey:
    """``info``: of the camera that was measured."""

    info: CameraInfo
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether the place is good enough to serve at."""
        return all(check.ok for check in self.checks)


def survey(scene: Scene) -> Survey:
    """Look for a second or two; raises ``DeviceError``."""
    with scene.open_camera() as camera:
        frames, info = _frames(camera), camera.info
    last = frames[-1]
    faces = scene.models.detector.find(last.bgr)
    boxes = tuple(FaceBox(f.box.x, f.box.y, f.box.width, f.box.height) for f in faces)
    size = (last.intrinsics.width, last.intrinsics.height)
    limits = Limits()
    hint = place_hint(boxes, size, limits)
    face = faces[chosen_face(boxes, size)] if faces else None
    checks = (
        _rate(frames),
        Check("face", len(faces), "张", hint is None, _advice(hint)),
        *_of_face(last, face, limits),
    )
    return Survey(info, checks)


def _frames(camera: Camera) -> list[Frame]:
    until, frames = time.monotonic() + _DEADLINE_S, list[Frame]()
    while len(frames) < _FRAMES:
        frame = camera.read(_READ_S)
        if frame is not None:
            frames.append(frame)
        elif time.monotonic() > until:
            raise DeviceStalledError("too few frames came")
    return frames


def _rate(frames: Sequence[Frame]) -> Check:
    span_s = (frames[-1].device_us - frames[0].device_us) / 1e6
    fps = round((len(frames) - 1) / span_s, 1) if span_s > 0 else None
    advice = "帧率太低，请换USB 3.0接口并关闭占用摄像头的程序"
    ok = fps is None or fps >= LEAST_FPS
    return Check("fps", fps, "帧/秒", ok, "" if ok else advice)


def _of_face(frame: Frame, face: Detection | None, limits: Limits) -> list[Check]:
    if face is None:
        lost = TABLE[Cause.NO_FACE].message
        names = (("distance", "mm"), ("light", ""), ("contrast", ""), ("depth", "%"))
        return [Check(name, None, unit, False, lost) for name, unit in names]
    light = measure_quality(frame.bgr, face.box)
    return [*_of_light(light, limits), *_of_depth(frame, face, limits)]


def _of_light(seen: Quality, limits: Limits) -> list[Check]:
    dark, bright = seen.brightness < limits.min_brightness, seen.brightness > limits.max_brightness
    hint = Cause.TOO_DARK if dark else Cause.TOO_BRIGHT if bright else None
    even = seen.contrast >= limits.min_contrast
    return [
        Check("light", round(seen.brightness), "", hint is None, _advice(hint)),
        Check(
            *("contrast", round(seen.contrast), "", even),
            "" if even else "光线太平或逆光，请在正前方加一盏柔光灯",
        ),
    ]


def _of_depth(frame: Frame, face: Detection, limits: Limits) -> list[Check]:
    if frame.depth_mm is None:
        lost = TABLE[Cause.NO_DEPTH_CAMERA].message
        return [
            Check("distance", None, "mm", False, lost),
            Check("depth", None, "%", False, lost),
        ]
    part = _inner(frame.depth_mm, face)
    read = part[part > 0]
    fill = read.size / part.size if part.size else 0.0
    distance_mm = float(np.median(read)) if read.size else 0.0
    hint = distance_hint(distance_mm, limits) if read.size else Cause.DEPTH_POOR
    filled = fill >= LEAST_DEPTH_FILL
    return [
        Check("distance", round(distance_mm), "mm", hint is None, _advice(hint)),
        Check(
            *("depth", round(fill * 100), "%", filled),
            "" if filled else TABLE[Cause.DEPTH_POOR].message,
        ),
    ]


def _inner(plane: npt.NDArray[Any], face: Detection) -> npt.NDArray[Any]:
    """The middle half of the face, where no background is."""
    box = face.box
    left, top = int(box.x + box.width / 4), int(box.y + box.height / 4)
    right, bottom = int(box.x + box.width * 3 / 4), int(box.y + box.height * 3 / 4)
    return plane[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]


def _advice(hint: Cause | None) -> str:
    return TABLE[hint].message if hint else ""
