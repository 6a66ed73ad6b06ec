"""Where an object stands before the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yibao_face.models.simulator.raster import Floats

Matrix = npt.NDArray[np.float64]

# Objects have y up and z forward, the camera has y down and z away from it.
FLIP = np.array([1.0, -1.0, -1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """``rotation``: (3, 3); ``shift_mm``: (3,) of the object's origin, in the camera's axes."""

    rotation: Matrix
    shift_mm: Matrix

    def place(self, points: Floats) -> Floats:
        """(n, 3) points of the object in the camera's axes, mm."""
        turned = points @ (self.rotation.T * FLIP).astype(np.float32)
        return np.asarray(turned + self.shift_mm.astype(np.float32), np.float32)

    def turned(
        self, yaw_deg: float, pitch_deg: float = 0.0, pivot: tuple[float, float, float] = (0, 0, 0)
    ) -> Pose:
        """The object turned about ``pivot`` of its own, to its left and down."""
        turn = rotation(yaw_deg, pitch_deg, 0)
        centre = np.array(pivot)
        moved = ((centre - turn @ centre) @ self.rotation.T) * FLIP
        return Pose(self.rotation @ turn, self.shift_mm + moved)

    def ray(self) -> tuple[Matrix, Matrix]:
        """Of the object's axes: the camera's place, and what turns camera directions into them."""
        into = FLIP[:, None] * self.rotation
        return -self.shift_mm @ into, into


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Matrix:
    """Roll first, then pitch, then yaw."""
    y, p, r = np.radians([yaw_deg, pitch_deg, roll_deg])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z, np.float64)


def random_pose(rng: np.random.Generator) -> Pose:
    """As a presenter stands who looks at the camera: 380..850 mm away, a little off axis."""
    turn = rotation(rng.normal(0, 9), rng.normal(0, 7), rng.normal(0, 5))
    across, down = rng.normal(0, 25), 20 + rng.normal(0, 20)
    return Pose(turn, np.array([across, down, rng.uniform(380, 850)]))
