"""A photograph placed before a simulated depth camera: as a living head, on paper, on a screen.

Everything here is simulation (仿真): the face on the picture is real, its depth is fitted from its
own dense landmarks, the sensor noise is that of a structured-light camera (f 575 px, base 75 mm).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import LinearNDInterpolator

from yibao_face.drivers.api import Intrinsics
from yibao_face.drivers.clip import Planes
from yibao_face.models.api import DenseFace

Floats = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]

LENS = Intrinsics(640, 480, 575.0, 575.0, 320.0, 240.0)
_BASE_MM = 75.0
_DISPARITY_NOISE_PX = 0.10
_DISPARITY_STEP_PX = 1 / 8
DISTANCE_MM = 550.0
WALL_MM = 1500.0
IPD_MM = 63.0
_EYES = ((33, 133), (362, 263))
_MESH = 468
_BEND_RADIUS_MM = 120.0
_TABLET_MM = (160.0, 220.0)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A photograph and its one dense face, px of the photograph."""

    image: Image
    face: DenseFace


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the camera would see without noise: colour, depth in mm, IR; and how rough it is."""

    bgr: Image
    depth_mm: Floats
    ir: Image
    roughness: float = 1.0
    dropout: float = 0.0


Scene = Callable[[Subject], View]


def living(subject: Subject) -> View:
    """A head: face relief from the landmarks, an ellipsoid behind it, a wall behind that."""
    place = _placement(subject)
    image = _placed(subject.image, place, cv2.BORDER_REPLICATE)
    points = subject.face.points[:_MESH] @ place[:, :2].T + place[:, 2]
    scale = float(np.hypot(place[0, 0], place[1, 0]))
    depth_px = subject.face.relief[:_MESH] - subject.face.relief[:_MESH].mean()
    depth_mm = DISTANCE_MM + depth_px * scale * DISTANCE_MM / LENS.fx
    x, y = _grid()
    face = LinearNDInterpolator(points, depth_mm)(x, y)
    depth = np.where(np.isfinite(face), face, _head_behind(points, x, y))
    return View(image, depth, _infrared(image, depth))


def flat_print(subject: Subject) -> View:
    """The photograph on a sheet of paper, held a little askew."""
    place = _placement(subject)
    x, _ = _grid()
    image, inside = _on_sheet(subject.image, place)
    depth = np.where(inside, DISTANCE_MM + 0.05 * (x - LENS.cx), WALL_MM)
    return View(image, depth, _infrared(image, depth))


def bent_print(subject: Subject) -> View:
    """The same sheet bent around a vertical axis, as around a face."""
    flat, inside = _on_sheet(subject.image, _placement(subject))
    x, y = _grid()
    across_mm = (x - LENS.cx) * DISTANCE_MM / LENS.fx
    reach = np.abs(across_mm) < 0.95 * _BEND_RADIUS_MM
    angle = np.arcsin(np.clip(across_mm / _BEND_RADIUS_MM, -0.95, 0.95))
    source_x = (angle * _BEND_RADIUS_MM * LENS.fx / DISTANCE_MM + LENS.cx).astype(np.float32)
    printed = cv2.remap(flat, source_x, y.astype(np.float32), cv2.INTER_LINEAR)
    sheet = cv2.remap(inside.astype(np.uint8), source_x, y.astype(np.float32), cv2.INTER_NEAREST)
    seen = reach & (sheet > 0)
    bent = DISTANCE_MM + _BEND_RADIUS_MM * (1 - np.cos(angle))
    depth = np.where(seen, bent, WALL_MM)
    image: Image = np.where(seen[:, :, None], printed, 90).astype(np.uint8)
    return View(image, depth, _infrared(image, depth))


def tablet(subject: Subject) -> View:
    """The photograph on a screen: a flat, poorly readable plane, bright in colour, dark in IR."""
    place = _placement(subject)
    image = _placed(subject.image, place, cv2.BORDER_REPLICATE)
    x, y = _grid()
    half = [side * LENS.fx / DISTANCE_MM / 2 for side in _TABLET_MM]
    glass = (np.abs(x - LENS.cx) < half[0]) & (np.abs(y - LENS.cy) < half[1])
    bezel = (np.abs(x - LENS.cx) < half[0] + 12) & (np.abs(y - LENS.cy) < half[1] + 12)
    moire = 8.0 * np.sin(x * 0.9 + y * 0.13)
    glare = 60.0 * np.exp(-(((x - y * 0.6 - 90) / 30.0) ** 2))
    lit = np.clip(image * 1.08 + (moire + glare)[:, :, None], 0, 255)
    colour = np.where(glass[:, :, None], lit, np.where(bezel[:, :, None], 15.0, 90.0))
    depth = np.where(bezel, DISTANCE_MM + 0.03 * (y - LENS.cy), WALL_MM)
    ir = np.where(bezel, 12.0, 40.0)
    return View(colour.astype(np.uint8), depth, ir.astype(np.uint8), roughness=2.0, dropout=0.15)


def empty() -> View:
    """Nobody: the wall."""
    image = np.full((LENS.height, LENS.width, 3), 110, np.uint8)
    depth = np.full((LENS.height, LENS.width), WALL_MM)
    return View(image, depth, _infrared(image, depth))


def beside(one: View, other: View) -> View:
    """Two views side by side, each cut to its middle half: two persons before one camera."""
    quarter = LENS.width // 4
    middle = slice(quarter, 3 * quarter)
    return View(
        np.concatenate([one.bgr[:, middle], other.bgr[:, middle]], 1),
        np.concatenate([one.depth_mm[:, middle], other.depth_mm[:, middle]], 1),
        np.concatenate([one.ir[:, middle], other.ir[:, middle]], 1),
    )


def expose(view: View, sway: Floats, rng: np.random.Generator) -> Planes:
    """One exposure of ``view`` moved by ``sway`` (2, 3): noise, quantised disparity, holes."""
    bgr = cv2.warpAffine(view.bgr, sway, _SIZE, borderMode=cv2.BORDER_REPLICATE)
    ir = cv2.warpAffine(view.ir, sway, _SIZE, borderMode=cv2.BORDER_REPLICATE)
    depth = cv2.warpAffine(
        view.depth_mm, sway, _SIZE, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    grain: Floats = rng.normal(0.0, 1.5, (LENS.height, LENS.width))
    return Planes(
        np.clip(bgr + grain[:, :, None], 0, 255).astype(np.uint8),
        _measured(np.asarray(depth, np.float64), view, rng),
        np.clip(ir + grain, 0, 255).astype(np.uint8),
    )


_SIZE = (LENS.width, LENS.height)


def _measured(depth: Floats, view: View, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
    """What a structured-light sensor reads of ``depth``: correlated noise, steps, edge holes."""
    disparity: Floats = LENS.fx * _BASE_MM / depth
    noise = cv2.GaussianBlur(rng.normal(0.0, 1.0, depth.shape), (0, 0), 1.6)
    noise = noise / noise.std() + 0.4 * rng.normal(0.0, 1.0, depth.shape)
    disparity = disparity + view.roughness * _DISPARITY_NOISE_PX * noise
    disparity = np.round(disparity / _DISPARITY_STEP_PX) * _DISPARITY_STEP_PX
    read = LENS.fx * _BASE_MM / np.maximum(disparity, _DISPARITY_STEP_PX)
    jump = cv2.morphologyEx(depth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 12.0
    hole = (jump & (rng.random(depth.shape) < 0.6)) | (rng.random(depth.shape) < view.dropout)
    return np.where(hole, 0, np.clip(np.round(read), 0, 65535)).astype(np.uint16)


def _placement(subject: Subject) -> Floats:
    """Affine from photograph to camera: eyes level, 63 mm apart at the working distance."""
    left, right = (subject.face.points[list(eye)].mean(0).astype(np.float64) for eye in _EYES)
    apart = right - left
    size = IPD_MM * LENS.fx / DISTANCE_MM / float(np.hypot(*apart))
    turn = -float(np.arctan2(apart[1], apart[0]))
    cos, sin = size * np.cos(turn), size * np.sin(turn)
    rotation = np.array([[cos, -sin], [sin, cos]])
    centre = subject.face.points[:_MESH].mean(0).astype(np.float64)
    return np.hstack([rotation, (np.array([LENS.cx, LENS.cy]) - rotation @ centre)[:, None]])


def _placed(image: Image, place: Floats, border: int) -> Image:
    # Large photographs shrink here: average first, or thin lines would turn to noise.
    size = float(np.hypot(place[0, 0], place[1, 0]))
    if size < 0.7:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.4 / size), np.uint8)
    return np.asarray(cv2.warpAffine(image, place, _SIZE, borderMode=border), np.uint8)


def _on_sheet(image: Image, place: Floats) -> tuple[Image, npt.NDArray[np.bool_]]:
    """The photograph as a sheet before a grey wall, and where the sheet is."""
    white = np.full(image.shape[:2], 255, np.uint8)
    inside = cv2.warpAffine(white, place, _SIZE) > 127
    printed = _placed(image, place, cv2.BORDER_REPLICATE)
    return np.where(inside[:, :, None], printed, 90).astype(np.uint8), inside


def _head_behind(points: npt.NDArray[np.floating], x: Floats, y: Floats) -> Floats:
    centre = points.mean(0)
    half_width = 0.62 * float(np.ptp(points[:, 0]))
    half_height = 0.75 * float(np.ptp(points[:, 1]))
    rest = 1 - ((x - centre[0]) / half_width) ** 2
    rest -= ((y - centre[1] + 0.1 * half_height) / half_height) ** 2
    head = DISTANCE_MM + 110 - 70 * np.sqrt(np.clip(rest, 0, 1))
    return np.where(rest > 0, head, WALL_MM)


def _infrared(bgr: Image, depth_mm: Floats) -> Image:
    """Reflected emitter light: the picture's grey, falling off with the square of the distance."""
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype(np.float64)
    lit = (0.35 * grey + 80.0) * (DISTANCE_MM / np.maximum(depth_mm, 1.0)) ** 2
    return np.clip(lit, 0, 255).astype(np.uint8)


def _grid() -> tuple[Floats, Floats]:
    x, y = np.meshgrid(np.arange(LENS.width), np.arange(LENS.height))
    return x.astype(np.float64), y.astype(np.float64)
