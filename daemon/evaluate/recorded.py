"""Labelled ``.rgbd`` clips before the real networks (实拍): one clip is one presentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.capture.session import Capture, Session
from yibao_face.daemon.core.encounter import HINTS, Cause
from yibao_face.daemon.evaluate.label import is_label
from yibao_face.daemon.evaluate.result import EvaluateError, Response, Result, numbers_only
from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    ClipError,
    DeviceLostError,
    Frame,
)
from yibao_face.drivers.clip import ClipReader, Planes
from yibao_face.drivers.replay import recorded

# A clip ends by itself: no clock may cut it short on a slow machine.
PATIENCE_S = 3600.0

Tell = Callable[[str], None]
# How frames of a camera that can so much are judged.
SessionOf = Callable[[Capability], Session]


@dataclass(frozen=True, slots=True)
class Recorded:
    """``unreadable``: file and reason of each clip that counts nowhere."""

    results: tuple[Result, ...]
    unreadable: tuple[tuple[str, str], ...]


def evaluate_folder(session_of: SessionOf, folder: Path, tell: Tell) -> Recorded:
    """Every clip below ``folder``, judged by what it holds; ``EvaluateError`` without one."""
    files = sorted(folder.rglob("*.rgbd"))
    if not files:
        raise EvaluateError(f"{folder.name} holds no .rgbd clip")
    results: list[Result] = []
    unreadable: list[tuple[str, str]] = []
    for number, file in enumerate(files):
        name = file.relative_to(folder).as_posix()
        try:
            results.append(_judged(session_of, file, name, number))
        except ClipError as exc:
            unreadable.append((name, str(exc)))
        tell(f"{number + 1}/{len(files)} {name}")
    return Recorded(tuple(results), tuple(unreadable))


def label_of(header: str, folder: str) -> str:
    """The species a clip shows, by its header or its folder; ``ClipError`` in doubt."""
    named = [label for label in (header, folder) if is_label(label)]
    if not named:
        raise ClipError(f"neither label {header!r} nor folder {folder!r} names a species")
    if len(set(named)) > 1:
        raise ClipError(f"label {header!r} contradicts folder {folder!r}")
    return named[0]


def _judged(session_of: SessionOf, file: Path, name: str, number: int) -> Result:
    clip = ClipReader(file)
    species = label_of(clip.header.label, file.parent.name)
    at = clip.header.intrinsics
    sensor = f"{at.width}x{at.height} f{at.fx:.0f}"
    camera = _ClipCamera(clip, file.name)
    session = session_of(camera.info.capability)
    hints: Counter[Cause] = Counter()
    try:
        found = session.gather(camera, Attempt(PATIENCE_S), lambda cause: hints.update([cause]))
    except DeviceLostError:  # the clip is over
        found = hints.most_common(1)[0][0] if hints else Cause.NO_FACE
    if isinstance(found, Capture):
        features = numbers_only(dict(found.verdict.features))
        outcome, cause = response_of(found.verdict.cause)
        distance_mm = features.get("distance_mm", 0.0)
        used = camera.frames
        return Result(
            species, number, sensor, distance_mm, {}, outcome, cause, used, features, origin=name
        )
    outcome, cause = response_of(found)
    return Result(species, number, sensor, 0.0, {}, outcome, cause, camera.frames, origin=name)


def response_of(cause: Cause | None) -> tuple[Response, str]:
    """How an encounter that ended with ``cause`` counts: a hint judged nobody."""
    if cause is None:
        return Response.ACCEPTED, ""
    return (Response.NO_RESPONSE if cause in HINTS else Response.REJECTED), cause.value


class _ClipCamera:
    """Plays a clip once, as fast as it decodes, on the clip's own clock."""

    def __init__(self, clip: ClipReader, name: str) -> None:
        self._clip, self._name = clip, name
        self._planes = self._played()
        self.frames = 0

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        header = self._clip.header
        return CameraInfo("clip", self._name, "rgbd-clip", header.serial, recorded(header))

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        got = next(self._planes, None)
        if got is None:
            raise DeviceLostError(f"{self._name} has ended")
        at_us, planes = got
        self.frames += 1
        lens = self._clip.header.intrinsics
        return Frame(
            self.frames, at_us * 1000, at_us, planes.bgr, planes.depth_mm, planes.ir, lens
        )

    def close(self) -> None:
        """See ``Camera.close``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _played(self) -> Iterator[tuple[int, Planes]]:
        yield from zip(self._clip.header.device_us, self._clip.frames(), strict=True)
