"""What stands before the camera, rendered without the camera's faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from yibao_face.models.liveness.relief import Pinhole
from yibao_face.models.simulator.mesh.head import HeadModel
from yibao_face.models.simulator.pose import Pose
from yibao_face.models.simulator.raster import Floats, depth_of
from yibao_face.models.simulator.sensor import Bytes, Material, Sight

NECK = (0.0, -70.0, -80.0)
_BLINK = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}


@dataclass(frozen=True, slots=True)
class Effort:
    """What the presenter does: share of the jaw's reach, degrees turned to the own left."""

    mouth: float = 0.0
    turn_deg: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One rendered moment. ``landmarks``: (468, 3) mm in the camera's axes.

    ``lids_mm``: what a blink adds to them, ``None`` for eyes that never close. ``loss``: chance
    0..255 of a lost reading. ``sway``: how much it moves, 1 = held or alive; ``adrift``: how much
    the landmarks move on their own, which depth does not follow.
    """

    depth_mm: Floats
    landmarks: Floats
    lids_mm: Floats | None
    loss: Bytes
    material: Material = field(default_factory=Material)
    sway: float = 1.0
    adrift: float = 0.0


class Artefact(Protocol):
    """A thing or person that can be put before the camera."""

    def scene(self, sight: Sight, pose: Pose, effort: Effort) -> Scene:
        """It in ``pose`` while it tries ``effort``."""
        ...


def project(points: Floats, lens: Pinhole) -> Floats:
    """(n, 2) px of (n, 3) mm in the camera's axes."""
    middle = np.array([lens.cx, lens.cy], np.float32)
    return np.asarray(points[:, :2] / points[:, 2:] * np.float32(lens.f) + middle, np.float32)


def nearer(first: Floats, second: Floats) -> Floats:
    """What is seen of two depth images, 0 meaning nothing."""
    front = (first > 0) & ((second == 0) | (first < second))
    return np.where(front, first, second).astype(np.float32)


def picture_of(heads: HeadModel, vertices: Floats, size: float) -> Floats:
    """(468, 2) landmarks of a photograph of the head, mm, at ``size`` of life."""
    return np.asarray(heads.landmarks(vertices)[:, :2] * np.float32(size), np.float32)


def head_scene(
    heads: HeadModel, sight: Sight, pose: Pose, vertices: Floats, material: Material
) -> Scene:
    """A head by itself, its eyes free to blink."""
    depth = depth_of(pose.place(vertices), heads.triangles, sight.lens, sight.shape)
    landmarks, lids = head_landmarks(heads, pose, vertices)
    return Scene(depth, landmarks, lids, intact(sight), material)


def head_landmarks(heads: HeadModel, pose: Pose, vertices: Floats) -> tuple[Floats, Floats]:
    """Landmarks in the camera's axes, and what a blink adds to them."""
    open_eyed = pose.place(heads.landmarks(vertices))
    closed = pose.place(heads.landmarks(closed_eyes(heads, vertices)))
    return open_eyed, closed - open_eyed


def closed_eyes(heads: HeadModel, vertices: Floats) -> Floats:
    """The head in the middle of a blink."""
    return heads.moved(vertices, _BLINK)


def intact(sight: Sight) -> Bytes:
    """No reading is lost for reasons of the scene."""
    return np.zeros(sight.shape, np.uint8)
