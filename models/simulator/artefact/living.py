"""Heads: living, made of something else, and one whose depth is another's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from yibao_face.models.simulator.artefact.glasses import Glasses
from yibao_face.models.simulator.mesh.head import HeadModel, Person
from yibao_face.models.simulator.pose import Pose
from yibao_face.models.simulator.raster import Floats
from yibao_face.models.simulator.scene import (
    NECK,
    Effort,
    Scene,
    head_landmarks,
    head_scene,
    project,
)
from yibao_face.models.simulator.sensor import Bytes, Material, NoiseBank, Sight


@dataclass(frozen=True, slots=True, eq=False)
class Hair:
    """Dark hair that swallows infrared, from ``line_mm`` above the eyes up, in patches."""

    line_mm: float
    window: tuple[slice, slice]

    def loss(self, bank: NoiseBank, vertices: Floats, at: Floats) -> Bytes:
        """``vertices``: of the head; ``at``: the same in px."""
        patches = bank.spots[2][self.window] > 31_000
        mask = np.zeros(patches.shape, np.uint8)
        cap = (vertices[:, 1] > max(55.0, self.line_mm)) | (
            (vertices[:, 1] > self.line_mm) & (vertices[:, 2] < -60)
        )
        if cap.any():
            hull = cv2.convexHull(at[cap].astype(np.float32))
            cv2.fillConvexPoly(mask, hull.astype(np.int32), 255)
        return np.where(patches, mask, 0).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Living:
    """A living head with its expression, hair and spectacles."""

    heads: HeadModel
    bank: NoiseBank
    person: Person
    expression: dict[str, float]
    hair: Hair | None = None
    glasses: Glasses | None = None
    material: Material = field(default_factory=Material)

    def scene(self, sight: Sight, pose: Pose, effort: Effort) -> Scene:
        """It does what it is asked."""
        vertices, pose = self._doing(pose, effort)
        scene = head_scene(self.heads, sight, pose, vertices, self.material)
        if self.hair is not None:
            at = project(pose.place(vertices), sight.lens)
            hair = self.hair.loss(self.bank, vertices, at)
            np.maximum(scene.loss, hair, out=scene.loss)
        return self.glasses.wear(sight, scene) if self.glasses is not None else scene

    def landmarks(self, pose: Pose, effort: Effort) -> tuple[Floats, Floats]:
        """Landmarks in the camera's axes, and what a blink adds to them."""
        vertices, pose = self._doing(pose, effort)
        return head_landmarks(self.heads, pose, vertices)

    def _doing(self, pose: Pose, effort: Effort) -> tuple[Floats, Pose]:
        units = self.expression | ({"jawOpen": effort.mouth} if effort.mouth else {})
        vertices = self.heads.moved(self.person.vertices, units)
        return vertices, pose.turned(effort.turn_deg, pivot=NECK)


@dataclass(frozen=True, slots=True, eq=False)
class Replica:
    """A solid likeness. ``jaw_share``: of the wearer's jaw it follows, 0 for a rigid one.

    ``eyes_free``: the wearer's own eyes are seen, and blink.
    """

    heads: HeadModel
    person: Person
    size: float = 1.0
    jaw_share: float = 0.0
    eyes_free: bool = False
    material: Material = field(default_factory=Material)

    def scene(self, sight: Sight, pose: Pose, effort: Effort) -> Scene:
        """It can be turned; its mouth opens as far as it is flexible."""
        units = {"jawOpen": effort.mouth * self.jaw_share} if effort.mouth else {}
        vertices = self.heads.moved(self.person.vertices, units) * np.float32(self.size)
        pose = pose.turned(effort.turn_deg, pivot=NECK)
        scene = head_scene(self.heads, sight, pose, vertices, self.material)
        return scene if self.eyes_free else replace(scene, lids_mm=None)


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """The depth of one living person and the landmarks of another, who stands elsewhere.

    ``off_mm``: how far apart they are; ``both``: the one of the depth acts too.
    """

    depth_of_one: Living
    colour_of_other: Living
    off_mm: tuple[float, float, float]
    turn_deg: float
    both: bool

    def scene(self, sight: Sight, pose: Pose, effort: Effort) -> Scene:
        """The landmarks do what is asked, the depth does as it likes."""
        one = self.depth_of_one.scene(sight, pose, effort if self.both else Effort())
        elsewhere = Pose(pose.rotation, pose.shift_mm + np.array(self.off_mm))
        elsewhere = elsewhere.turned(self.turn_deg, pivot=NECK)
        other = self.colour_of_other.landmarks(elsewhere, effort)
        return Scene(one.depth_mm, *other, one.loss, one.material, adrift=2.0)
