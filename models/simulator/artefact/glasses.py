"""Spectacles before eyes of any kind."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from yibao_face.models.liveness.shape import EYES
from yibao_face.models.simulator.raster import Floats
from yibao_face.models.simulator.scene import Scene, project
from yibao_face.models.simulator.sensor import Bytes, Sight


@dataclass(frozen=True, slots=True)
class Glasses:
    """Spectacles: ``lens_loss`` 0..1 of the readings behind a lens are lost.

    ``frame_mm``: how far a thick frame stands out; 0 for one too thin to be seen.
    """

    lens_loss: float
    frame_mm: float = 0.0

    def wear(self, sight: Sight, scene: Scene) -> Scene:
        """The scene with spectacles before its eyes."""
        loss, depth = scene.loss.copy(), scene.depth_mm.copy()
        for corners in EYES:
            centre = scene.landmarks[list(corners)].mean(0)
            lens = self._lens(sight, centre, 1.0)
            if self.frame_mm:
                frame = (self._lens(sight, centre, 1.16) > 0) & (lens == 0) & (depth > 0)
                depth[frame] -= np.float32(self.frame_mm)
            hidden = np.uint8(round(255 * self.lens_loss))
            loss[lens > 0] = np.maximum(loss[lens > 0], hidden)
        return replace(scene, depth_mm=depth, loss=loss)

    def _lens(self, sight: Sight, centre: Floats, grown: float) -> Bytes:
        mask = np.zeros(sight.shape, np.uint8)
        u, v = project(centre[None], sight.lens)[0]
        radius = 22 * grown * sight.lens.f / float(centre[2])
        size = (max(1, round(radius * 1.1)), max(1, round(radius * 0.8)))
        cv2.ellipse(mask, (round(float(u)), round(float(v))), size, 0, 0, 360, 1, -1)
        return mask
