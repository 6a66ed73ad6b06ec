"""Faces on displays, still or playing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from yibao_face.models.simulator.artefact.sheet import Sheet
from yibao_face.models.simulator.mesh.head import HeadModel, Person
from yibao_face.models.simulator.pose import FLIP, Pose
from yibao_face.models.simulator.raster import Floats
from yibao_face.models.simulator.scene import (
    NECK,
    Effort,
    Scene,
    closed_eyes,
    intact,
    picture_of,
)
from yibao_face.models.simulator.sensor import Material, Sight


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """A face on a display. ``plays``: a video, whose person moves and does what is asked.

    ``held``: in the hand and can be turned; otherwise it stands on a desk.
    """

    heads: HeadModel
    sheet: Sheet
    person: Person
    size: float
    plays: bool
    held: bool
    tilt_deg: tuple[float, float] = (0.0, 0.0)
    material: Material = field(default_factory=Material)

    def scene(self, sight: Sight, pose: Pose, effort: Effort) -> Scene:
        """The picture may move, the glass stays flat."""
        shown = self._shown(effort)
        turn = effort.turn_deg if self.held and not self.plays else 0.0
        pose = pose.turned(turn + self.tilt_deg[0], self.tilt_deg[1])
        landmarks = pose.place(self.sheet.points(shown[0]))
        lids = pose.place(self.sheet.points(shown[1])) - landmarks if self.plays else None
        return Scene(
            self.sheet.depth(pose, sight.lens, sight.shape),
            landmarks,
            lids,
            intact(sight),
            self.material,
            sway=1.0 if self.held else 0.15,
            adrift=1.0 if self.plays else 0.0,
        )

    def _shown(self, effort: Effort) -> tuple[Floats, Floats]:
        """The face on the display, eyes open and closed."""
        if not self.plays:
            still = picture_of(self.heads, self.person.vertices, self.size)
            return still, still
        vertices = self.heads.moved(self.person.vertices, {"jawOpen": effort.mouth})
        closed = closed_eyes(self.heads, vertices)
        turned = [_turned(mesh, effort.turn_deg) for mesh in (vertices, closed)]
        shown = [picture_of(self.heads, mesh, self.size) for mesh in turned]
        return shown[0], shown[1]


def _turned(vertices: Floats, turn_deg: float) -> Floats:
    turn = Pose(np.eye(3), np.zeros(3)).turned(turn_deg, pivot=NECK)
    return np.asarray(turn.place(vertices) * FLIP, np.float32)
