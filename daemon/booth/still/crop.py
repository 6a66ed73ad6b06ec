"""What is kept of an attack: the face as the network sees it, and its depth."""

from __future__ import annotations

import io

import cv2
import numpy as np

from yibao_face.daemon.capture.examine import Shot
from yibao_face.drivers.api import DepthImage
from yibao_face.models.api import Box
from yibao_face.models.embed import align

DEPTH_PX = 64


def attack_crop(shot: Shot) -> bytes:
    """An ``npz`` of ``face`` (112, 112, 3) uint8 BGR and ``depth_mm`` (64, 64) uint16.

    ``depth_mm`` is empty where the frame has none that fits.
    """
    frame = shot.frame
    fits = frame.depth_mm is not None and frame.depth_mm.shape == frame.bgr.shape[:2]
    depth = _cut(frame.depth_mm, shot.face.box) if frame.depth_mm is not None and fits else None
    kept = np.zeros((0, 0), np.uint16) if depth is None else depth
    packed = io.BytesIO()
    np.savez_compressed(packed, face=align(frame.bgr, shot.face.points), depth_mm=kept)
    return packed.getvalue()


def _cut(depth_mm: DepthImage, box: Box) -> DepthImage | None:
    """The box without what lies outside the frame; nearest readings: means would be none."""
    height, width = depth_mm.shape
    x0, x1 = (int(min(max(x, 0), width)) for x in (box.x, box.x + box.width))
    y0, y1 = (int(min(max(y, 0), height)) for y in (box.y, box.y + box.height))
    cut = depth_mm[y0:y1, x0:x1]
    if cut.size == 0:
        return None
    size = (DEPTH_PX, DEPTH_PX)
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_NEAREST), np.uint16)
