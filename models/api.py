"""What the networks and the depth geometry say about one picture, and how they may fail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float32]
Embedding = npt.NDArray[np.float32]


class ModelError(Exception):
    """A network cannot be used; the message names the model."""


class ModelMissingError(ModelError):
    """A model of the manifest is not installed in the data folder."""


class ModelAlteredError(ModelError):
    """A model file is not the one that was installed (sha256), or its golden vector differs."""


class ModelRevokedError(ModelError):
    """The centre has withdrawn a network that is in use."""


class ModelSourceError(ModelError):
    """A pinned package could not be fetched, or does not hold the file with the pinned sha256."""


class ModelRunError(ModelError):
    """The runtime refused an input that should have fitted."""


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-aligned rectangle in pixels of the colour image; may reach over its border."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Square pixels."""
        return max(0.0, self.width) * max(0.0, self.height)

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0..1."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(0.0, across) * max(0.0, down)
        total = self.area + other.area - shared
        return shared / total if total > 0 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One face. ``points``: (5, 2) px: eyes (image left first), nose tip, mouth corners."""

    box: Box
    points: Points
    score: float


@dataclass(frozen=True, slots=True)
class Pose:
    """Degrees off the line of sight: 0, 0, 0 looks straight into the camera."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True, eq=False)
class DenseFace:
    """``points``: (478, 2) px. ``relief``: (478,) px towards (-) or away from (+) the camera.

    ``blendshapes``: 52 activations 0..1 by ARKit name (``jawOpen``, ``eyeBlinkLeft``…).
    """

    points: Points
    relief: npt.NDArray[np.float32]
    pose: Pose
    blendshapes: dict[str, float]


@dataclass(frozen=True, slots=True)
class ModelStamp:
    """Identity of a network: templates and results carry it, scores of two never mix."""

    id: str
    sha256: str
