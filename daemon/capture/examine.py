"""One frame → a usable shot of one face, or what the person should do first."""

from __future__ import annotations

from dataclasses import dataclass

from yibao_face.daemon.capture.feature import DEPTH_ALONE, FeatureGauge
from yibao_face.daemon.capture.onlooker import NOBODY, Onlooker
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.gate import Features, LivenessPolicy, reading_hint
from yibao_face.daemon.core.liveness.modality import Cue
from yibao_face.daemon.core.quality import (
    Appearance,
    FaceBox,
    Limits,
    appearance_hint,
    chosen_face,
    distance_hint,
    place_hint,
)
from yibao_face.drivers.api import Frame
from yibao_face.models.api import DenseFace, Detection, Embedding
from yibao_face.models.embed import align
from yibao_face.models.mask import Mask
from yibao_face.models.quality import eye_distance, eye_opening, measure_cover, measure_quality
from yibao_face.models.suite import FaceModels


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A usable frame: the one face meant, the features of its cues, how well it is seen.

    ``dense``: its landmarks. ``faces``: all of the frame, ``face`` among them.
    """

    frame: Frame
    face: Detection
    features: Features
    seen: Appearance
    dense: DenseFace
    faces: tuple[Detection, ...]

    @property
    def merit(self) -> float:
        """Higher is better to match: sharp and frontal."""
        off_axis = abs(self.seen.yaw_deg) + abs(self.seen.pitch_deg)
        return self.seen.sharpness / (10.0 + off_axis)


@dataclass(frozen=True, slots=True)
class Examiner:
    """Cheap checks first: a frame nobody looks out of costs one small detection.

    ``liveness``: the gates of ``cues``, those the camera has. ``onlooker`` hears where faces are.
    """

    models: FaceModels
    limits: Limits
    liveness: LivenessPolicy
    mask: Mask | None = None
    cues: frozenset[Cue] = DEPTH_ALONE
    onlooker: Onlooker = NOBODY

    def examine(self, frame: Frame) -> Shot | Cause:
        """Judge one frame; a ``Cause`` is a hint, and the next frame is tried."""
        find = self.models.detector.find
        faces = find(frame.bgr) if self.mask is None else self.mask.search(frame.bgr, find)
        size = (frame.intrinsics.width, frame.intrinsics.height)
        boxes = tuple(_box(face) for face in faces)
        self.onlooker.placed(boxes, size)
        hint = place_hint(boxes, size, self.limits)
        if hint is not None:
            return hint
        face = faces[chosen_face(boxes, size)]
        dense = self.models.landmarker.find(frame.bgr, face)
        if dense is None:
            return Cause.NO_FACE
        seen = _appearance(frame, face, dense)
        hint = appearance_hint(seen, self.limits)
        if hint is not None:
            return hint
        return self._measured(frame, face, dense, seen, tuple(faces))

    def probe(self, shot: Shot) -> Embedding:
        """See ``probe_of``."""
        return probe_of(self.models, shot)

    def _measured(
        self,
        frame: Frame,
        face: Detection,
        dense: DenseFace,
        seen: Appearance,
        faces: tuple[Detection, ...],
    ) -> Shot | Cause:
        features = FeatureGauge(self.models.gauge, self.cues).measure(frame, dense.points)
        if isinstance(features, Cause):
            return features
        hint = reading_hint(features, self.liveness)
        if hint is None and Cue.DEPTH in self.cues:
            hint = distance_hint(features["distance_mm"], self.limits)
        return hint if hint is not None else Shot(frame, face, features, seen, dense, faces)


def probe_of(models: FaceModels, shot: Shot) -> Embedding:
    """Embed the face of ``shot``, its five points found again at a finer scale."""
    face = models.detector.refine(shot.frame.bgr, shot.face)
    return models.embedder.embed(align(shot.frame.bgr, face.points))


def _box(face: Detection) -> FaceBox:
    return FaceBox(face.box.x, face.box.y, face.box.width, face.box.height)


def _appearance(frame: Frame, face: Detection, dense: DenseFace) -> Appearance:
    quality = measure_quality(frame.bgr, face.box)
    cover = measure_cover(frame.bgr, face.points)
    return Appearance(
        dense.pose.yaw_deg,
        dense.pose.pitch_deg,
        dense.pose.roll_deg,
        quality.brightness,
        quality.contrast,
        quality.sharpness,
        eye_distance(face.points),
        cover.flush,
        cover.glare,
        eye_opening(dense.points),
    )
