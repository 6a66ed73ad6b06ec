"""Faces on paper: before the presenter's head, or worn as a mask."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.liveness.relief import Pinhole
from yibao_face.models.simulator.artefact.glasses import Glasses
from yibao_face.models.simulator.artefact.sheet import Ellipse, Sheet
from yibao_face.models.simulator.mesh.head import HeadModel, Person
from yibao_face.models.simulator.pose import Pose
from yibao_face.models.simulator.raster import Floats, depth_of
from yibao_face.models.simulator.scene import (
    NECK,
    Effort,
    Scene,
    head_scene,
    intact,
    nearer,
    picture_of,
)
from yibao_face.models.simulator.sensor import Material, Sight

_AFAR_MM = 20_000.0
_CELL_MM = 5.0
_GRID_X = np.arange(-90, 91, _CELL_MM, dtype=np.float32)
_GRID_Y = np.arange(-145, 86, _CELL_MM, dtype=np.float32)


def _grid_triangles() -> npt.NDArray[np.intp]:
    columns = len(_GRID_X)
    first = np.arange(len(_GRID_Y) - 1)[:, None] * columns + np.arange(columns - 1)[None, :]
    i = first.ravel()
    lower = np.stack([i, i + columns, i + 1], 1)
    upper = np.stack([i + 1, i + columns, i + columns + 1], 1)
    return np.concatenate([lower, upper])


_GRID_TRIANGLES = _grid_triangles()


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """A face on paper before the presenter's own: ``picture`` (468, 2) mm on the sheet.

    ``behind``: the presenter's head, ``gap_mm`` behind the sheet by its tip; negative where the
    nose comes through. ``own_eyes``: the eyes seen are the presenter's.
    """

    heads: HeadModel
    sheet: Sheet
    picture: Floats
    behind: Person | None = None
    gap_mm: float = 10.0
    own_eyes: bool = False
    glasses: Glasses | None = None
    material: Material = field(default_factory=Material)

    def scene(self, sight: Sight, pose: Pose, effort: Effort) -> Scene:
        """It can be turned, nothing else; a jaw moves behind it."""
        worn = self.behind is not None
        pose = pose.turned(effort.turn_deg, pivot=NECK if worn else (0.0, 0.0, 0.0))
        depth = self.sheet.depth(pose, sight.lens, sight.shape)
        landmarks = pose.place(self.sheet.points(self.picture))
        lids = None
        if self.behind is not None:
            head = self._presenter(sight, pose, effort, self.behind)
            depth = nearer(depth, head.depth_mm)
            lids = head.lids_mm if self.own_eyes else None
        loss = intact(sight)
        scene = Scene(depth, landmarks, lids, loss, self.material)
        return self.glasses.wear(sight, scene) if self.glasses is not None else scene

    def _presenter(self, sight: Sight, pose: Pose, effort: Effort, person: Person) -> Scene:
        units = {"jawOpen": effort.mouth} if effort.mouth else {}
        vertices = self.heads.moved(person.vertices, units)
        tip = float(self.heads.landmarks(person.vertices)[:, 2].max())
        vertices[:, 2] -= np.float32(tip + self.gap_mm)
        return head_scene(self.heads, sight, pose, vertices, self.material)


@dataclass(frozen=True, slots=True, eq=False)
class PaperMask:
    """A printed face worn as a mask: it follows ``follows`` 0..1 of the wearer's own relief.

    ``jaw_share``: of the wearer's jaw that comes through to the paper.
    """

    heads: HeadModel
    person: Person
    wearer: Person
    size: float
    radius_mm: float
    follows: float
    softness: float
    gap_mm: float
    jaw_share: float
    material: Material = field(default_factory=Material)

    def scene(self, sight: Sight, pose: Pose, effort: Effort) -> Scene:
        """It can be turned; an open mouth behind it bulges the paper a little."""
        pose = pose.turned(effort.turn_deg, pivot=NECK)
        tip = float(self.heads.landmarks(self.wearer.vertices)[:, 2].max())
        pressed = {"jawOpen": effort.mouth * self.jaw_share} if effort.mouth else {}
        relief = self._relief(self.heads.moved(self.wearer.vertices, pressed), tip)
        x, y = (axis.ravel() for axis in np.meshgrid(_GRID_X, _GRID_Y))
        inside = Ellipse(0, -30, 75, 105).holds(x, y)
        triangles = _GRID_TRIANGLES[inside[_GRID_TRIANGLES].all(1)]
        paper = pose.place(self._surface(relief, x, y))
        depth = depth_of(paper, triangles, sight.lens, sight.shape, both_sides=True)
        opened = {"jawOpen": effort.mouth} if effort.mouth else {}
        vertices = self.heads.moved(self.wearer.vertices, opened)
        vertices[:, 2] -= np.float32(tip + self.gap_mm)
        head = head_scene(self.heads, sight, pose, vertices, self.material)
        picture = picture_of(self.heads, self.person.vertices, self.size)
        landmarks = pose.place(self._surface(relief, picture[:, 0], picture[:, 1]))
        return Scene(
            nearer(depth, head.depth_mm),
            landmarks,
            None,
            intact(sight),
            self.material,
        )

    def _relief(self, vertices: Floats, tip: float) -> Floats:
        """Height of the wearer's face on the grid, its tip at 8 mm, smoothed as paper is stiff."""
        camera = vertices * np.array([1, -1, -1], np.float32)
        camera[:, 2] += np.float32(_AFAR_MM)
        lens = Pinhole(_AFAR_MM / _CELL_MM, -_GRID_X[0] / _CELL_MM, _GRID_Y[-1] / _CELL_MM)
        shape = (len(_GRID_Y), len(_GRID_X))
        depth = depth_of(camera, self.heads.triangles, lens, shape)
        height = np.where(depth > 0, np.float32(_AFAR_MM) - depth, -60)[::-1]
        height = np.maximum(height, -60).astype(np.float32)
        smooth = cv2.GaussianBlur(height, (0, 0), self.softness)
        return np.asarray(smooth - np.float32(tip - 8), np.float32)

    def _surface(self, relief: Floats, x: Floats, y: Floats) -> Floats:
        angle = np.clip(x / np.float32(self.radius_mm), -1.5, 1.5)
        round_ = np.float32(self.radius_mm) * (np.cos(angle) - 1)
        column = ((x - _GRID_X[0]) / _CELL_MM).astype(np.float32).reshape(-1, 1)
        row = ((y - _GRID_Y[0]) / _CELL_MM).astype(np.float32).reshape(-1, 1)
        face = cv2.remap(relief, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        height = (1 - self.follows) * round_ + self.follows * face.ravel()
        across = np.float32(self.radius_mm) * np.sin(angle)
        return np.stack([across, y, height], 1).astype(np.float32)
