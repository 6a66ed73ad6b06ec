"""Simulated (仿真) faces that move before a simulated depth camera, for tests of the challenge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.daemon.demo.picture import scene
from yibao_face.drivers.api import Frame

Floats = npt.NDArray[np.float64]

_FRAME_NS = 66_000_000
_INNER_LOWER_LIP = (14, 87, 178, 88, 95, 317, 402, 318, 324)
_LOWER_LIP = (
    *_INNER_LOWER_LIP,
    15,
    16,
    17,
    84,
    85,
    86,
    180,
    179,
    89,
    181,
    314,
    315,
    316,
    403,
    404,
)
_DARK = (25, 15, 45)
# Where the jaw ends and the mouth hole of a mask begins to give, in gaps below the lips.
_CHIN_STAYS = 1.3

living = cache(scene.living)


@cache
def mouth_open(subject: scene.Subject, share: float) -> scene.Subject:
    """The face with its jaw dropped by ``share`` of the eye distance, landmarks and all."""
    points = subject.face.points.astype(np.float64)
    gap, lip_y, centre_x, half = _mouth(points, share)
    width = abs(points[454, 0] - points[234, 0]) / 2
    low = points[:, 1] > lip_y
    low[list(_LOWER_LIP)] = True
    moved = points.copy()
    moved[:, 1] += gap * _bow(points[:, 0], centre_x, width) * low
    y, x = _grid(subject.image)
    drop = gap * _bow(x, centre_x, width) * np.clip((y - lip_y) / gap, 0, 1)
    source_y = np.where(y > lip_y, np.maximum(lip_y, y - drop), y)
    hole = (y > lip_y) & (y < lip_y + gap * _bow(x, centre_x, half))
    return _redrawn(subject, x, source_y, hole, moved)


@cache
def mouth_hole(subject: scene.Subject, share: float) -> scene.Subject:
    """A mask with a hole for the mouth: lips part as in ``mouth_open``, the chin stays."""
    points = subject.face.points.astype(np.float64)
    gap, lip_y, centre_x, half = _mouth(points, share)
    y, x = _grid(subject.image)
    lip = gap * _bow(x, centre_x, half)
    below = np.clip((y - lip_y - lip) / (_CHIN_STAYS * gap), 0, 1)
    source_y = np.where(y > lip_y, np.maximum(lip_y, y - lip * (1 - below)), y)
    hole = (y > lip_y) & (y < lip_y + lip)
    return _redrawn(subject, x, source_y, hole, points)


def mirrored(subject: scene.Subject) -> scene.View:
    """The living head turned as far to the other side, as the mirror shows it."""
    view = living(subject)
    bgr, depth, ir = (np.ascontiguousarray(p[:, ::-1]) for p in (view.bgr, view.depth_mm, view.ir))
    return replace(view, bgr=bgr, depth_mm=depth, ir=ir)


def rigid(picture: scene.Subject, shape: scene.Subject) -> scene.View:
    """What looks like ``picture`` and is shaped like ``shape``."""
    return replace(living(picture), depth_mm=living(shape).depth_mm)


def frames(view: scene.View, first: int, number: int, shift_px: float = 0.0) -> Iterator[Frame]:
    """``number`` exposures from the ``first``-th on; ``shift_px``: to the right."""
    for seq in range(first, first + number):
        moved = np.array([[1.0, 0.0, shift_px + np.sin(seq)], [0.0, 1.0, np.cos(seq)]])
        planes = scene.expose(view, moved, np.random.default_rng(seq))
        at = (seq * _FRAME_NS, seq * _FRAME_NS // 1000)
        yield Frame(seq, *at, planes.bgr, planes.depth_mm, planes.ir, scene.LENS)


def _mouth(points: Floats, share: float) -> tuple[float, float, float, float]:
    """Gap, height between the lips, middle and half width of the mouth, px."""
    eyes = np.linalg.norm(points[[33, 133]].mean(0) - points[[362, 263]].mean(0))
    left, right = points[61, 0], points[291, 0]
    lip_y = (points[13, 1] + points[14, 1]) / 2
    return share * float(eyes), float(lip_y), float(left + right) / 2, abs(right - left) / 2


def _bow(x: Floats, centre: float, half: float) -> Floats:
    """1 in the middle, 0 from ``half`` on to either side."""
    return np.asarray(np.clip(1 - ((x - centre) / half) ** 2, 0, 1), np.float64)


def _redrawn(
    subject: scene.Subject,
    x: Floats,
    source_y: Floats,
    hole: npt.NDArray[np.bool_],
    points: Floats,
) -> scene.Subject:
    at = x.astype(np.float32), source_y.astype(np.float32)
    image = np.asarray(cv2.remap(subject.image, *at, cv2.INTER_LINEAR), np.uint8)
    image[hole] = _DARK
    return scene.Subject(image, replace(subject.face, points=points.astype(np.float32)))


def _grid(image: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return y.astype(np.float64), x.astype(np.float64)
