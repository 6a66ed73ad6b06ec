"""Simulated depth sensors: what noise, quantisation, edges and materials leave of a depth image.

Everything here is simulation (仿真). A sensor measures disparity; its error is Gaussian there, so
that it grows with the square of the distance in millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.liveness.relief import DepthImage, Pinhole
from yibao_face.models.simulator.raster import Floats

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Ranks = npt.NDArray[np.uint16]

_FAR_MM = 5000.0
_BANK_PX = 1664
_BANK_SEED = 41987
_GRAIN_PX = 1.6
_WHITE_SHARE = 0.4
_BLOBS_PX = (2.5, 4.0, 8.0)
_QUANTILES = 2048
_EDGE_MM = 12.0
_EDGE_LOSS = 153  # of 255: six of ten
_STEEP = 3.0
_STEEP_LOSS = 178
_LOST = 255
_HOLES = 0.005
SWAY_PX = 28  # of the full sensor: how far a view may be shifted


@dataclass(frozen=True, slots=True)
class Sensor:
    """A depth sensor at full resolution; disparity noise and step in px."""

    name: str
    width: int
    height: int
    f: float
    baseline_mm: float
    noise_px: float
    step_px: float


SENSORS = (
    Sensor("structured-640x480", 640, 480, 575.0, 75.0, 0.10, 1 / 8),
    Sensor("structured-640x400", 640, 400, 475.0, 40.0, 0.06, 1 / 16),
    Sensor("stereo-848x480", 848, 480, 615.0, 55.0, 0.09, 1 / 32),
)


@dataclass(frozen=True, slots=True)
class Sight:
    """A sensor read out at ``scale`` of its resolution."""

    sensor: Sensor
    scale: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return round(self.sensor.height * self.scale), round(self.sensor.width * self.scale)

    @property
    def lens(self) -> Pinhole:
        """Of the reduced image; the principal point is its middle."""
        height, width = self.shape
        return Pinhole(self.sensor.f * self.scale, width / 2, height / 2)

    @property
    def steps_mm(self) -> float:
        """Depth in mm times disparity in steps."""
        return self.sensor.f * self.sensor.baseline_mm / self.sensor.step_px


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface answers the projector.

    ``rough``: factor of the disparity noise. ``dropout``: share of readings lost, 0..1, in spots
    of ``spot`` (0 small .. 2 wide).
    """

    rough: float = 1.0
    dropout: float = 0.0
    spot: int = 1


class NoiseBank:
    """Fields of noise made once; a frame takes a window at a random place.

    Made at the sensor's full resolution and then averaged, 2x2 at scale 0.5: the fine half of the
    noise loses by that, the grain of 1.6 px hardly (0.95 of its deviation is left), as in a real
    sensor that is binned. The disparity step stays that of the full resolution, which is the worse
    case: neighbouring readings err together, so that averaging refines it little.
    """

    def __init__(self, scale: float) -> None:
        rng = np.random.default_rng(_BANK_SEED)
        white = rng.standard_normal((_BANK_PX, _BANK_PX), np.float32)
        grain = _blurred(white, _GRAIN_PX)
        grain += np.float32(_WHITE_SHARE) * rng.standard_normal(white.shape, np.float32)
        side = round(_BANK_PX * scale)
        self.error: Floats = np.asarray(
            cv2.resize(grain, (side, side), interpolation=cv2.INTER_AREA), np.float32
        )
        self.chance: Bytes = rng.integers(1, 256, (side, side), np.uint8)
        small = rng.standard_normal((side, side), np.float32)
        self.spots: list[Ranks] = [_ranked(_blurred(small, px * scale)) for px in _BLOBS_PX]

    def window(self, rng: np.random.Generator, shape: tuple[int, int]) -> tuple[slice, slice]:
        """A random place of the fields, ``shape`` large."""
        side = len(self.error)
        row = int(rng.integers(0, side - shape[0] + 1))
        column = int(rng.integers(0, side - shape[1] + 1))
        return slice(row, row + shape[0]), slice(column, column + shape[1])


def _blurred(field: Floats, sigma_px: float) -> Floats:
    blurred: Floats = np.asarray(cv2.GaussianBlur(field, (0, 0), max(sigma_px, 0.3)), np.float32)
    blurred /= blurred.std()
    return blurred


def _ranked(field: Floats) -> Ranks:
    """Each value's rank among all, 0..65535: a share of the field is what lies below a number."""
    levels = np.quantile(field.ravel()[::7], np.linspace(0, 1, _QUANTILES))
    return np.interp(field, levels, np.linspace(0, 65535, _QUANTILES)).astype(np.uint16)


@dataclass(frozen=True, slots=True)
class Sway:
    """A view off the rendered one: whole px right and down, mm away, radians of yaw and pitch."""

    right: int = 0
    down: int = 0
    away_mm: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What the sensor looks at.

    ``depth_mm``: (rows, columns), 0 where nothing is; ``loss``: chance 0..255 that a reading is
    lost for reasons of the scene; ``wall_mm``: what stands behind, ``None`` for nothing.
    """

    depth_mm: Floats
    loss: Bytes
    material: Material
    wall_mm: float | None


class Exposure:
    """A subject before one sensor; each ``shot`` has its own noise."""

    def __init__(self, sight: Sight, bank: NoiseBank, subject: Subject) -> None:
        self._sight, self._bank, self._material = sight, bank, subject.material
        depth_mm, wall_mm = subject.depth_mm, subject.wall_mm
        near = depth_mm > 0
        depth_mm = depth_mm if wall_mm is None else np.where(near, depth_mm, np.float32(wall_mm))
        there = depth_mm > 0
        steps = np.where(there, np.float32(sight.steps_mm) / np.maximum(depth_mm, 1), 0)
        loss = np.maximum(subject.loss, _scene_loss(sight, depth_mm.astype(np.float32), there))
        self._margin = round(SWAY_PX * sight.scale)
        self._steps: Floats = np.pad(steps.astype(np.float32), self._margin, mode="edge")
        self._near: Floats = np.pad(near.astype(np.float32), self._margin, mode="edge")
        self._loss: Bytes = np.pad(loss, self._margin, mode="edge")
        readings = np.arange(int(steps.max() * 1.5) + 64, dtype=np.float32)
        millimetres = np.rint(sight.steps_mm / np.maximum(readings, 1))
        self._millimetres = np.where(millimetres > 65535, 0, millimetres).astype(np.uint16)
        self._distance_mm = float(np.median(depth_mm[near])) if near.any() else _FAR_MM

    def shot(self, rng: np.random.Generator, sway: Sway) -> DepthImage:
        """The depth image of one moment, mm, 0 where the sensor has no reading."""
        shape = self._sight.shape
        rows, columns = self._slices(sway)
        sigma = self._material.rough * self._sight.sensor.noise_px / self._sight.sensor.step_px
        steps = self._bank.error[self._bank.window(rng, shape)] * np.float32(sigma)
        steps += self._steps[rows, columns]
        steps += self._tilt(sway) * self._near[rows, columns]
        # The half that rounds is added here, the cast cuts off the rest.
        steps += np.float32(0.5)
        np.clip(steps, 0, len(self._millimetres) - 1, out=steps)
        depth: DepthImage = self._millimetres[steps.astype(np.uint16)]
        seen = self._bank.chance[self._bank.window(rng, shape)] > self._loss[rows, columns]
        spots = self._bank.spots[self._material.spot][self._bank.window(rng, shape)]
        seen &= spots >= np.uint16(65535 * min(1.0, self._material.dropout + _HOLES))
        depth *= seen
        return depth

    def _tilt(self, sway: Sway) -> Floats:
        """What the sway adds to the disparity: linear in it, so that a plane stays a plane."""
        height, width = self._sight.shape
        per_mm = self._sight.steps_mm / self._distance_mm
        across = (np.arange(width, dtype=np.float32) - width / 2) / self._sight.lens.f
        down = (np.arange(height, dtype=np.float32) - height / 2) / self._sight.lens.f
        column = -per_mm * (sway.away_mm / self._distance_mm + sway.yaw * across)
        row = -per_mm * sway.pitch * down
        return np.asarray(row[:, None] + column[None, :], np.float32)

    def _slices(self, sway: Sway) -> tuple[slice, slice]:
        height, width = self._sight.shape
        top, left = self._margin - sway.down, self._margin - sway.right
        return slice(top, top + height), slice(left, left + width)


def _scene_loss(sight: Sight, depth_mm: Floats, there: Bools) -> Bytes:
    """Chance of a lost reading at depth edges, on steep faces and in the projector's shadow."""
    loss = np.where(there, 0, _LOST).astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    highest = cv2.dilate(depth_mm, kernel)
    lowest = cv2.erode(np.where(there, depth_mm, np.float32(1e5)), kernel)
    edge = there & (highest - lowest > _EDGE_MM)
    loss[edge] = np.maximum(loss[edge], _EDGE_LOSS)
    limit = _STEEP * 8 / sight.lens.f * depth_mm  # 8: the weight of the Sobel kernel
    right = cv2.Sobel(depth_mm, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(depth_mm, cv2.CV_32F, 0, 1, ksize=3)
    steep = there & (right * right + down * down > limit * limit)
    loss[steep] = np.maximum(loss[steep], _STEEP_LOSS)
    loss[_shadow(sight, depth_mm, there)] = _LOST
    return loss


def _shadow(sight: Sight, depth_mm: Floats, there: Bools) -> Bools:
    """What the camera sees and the projector beside it does not: left of a nearer edge."""
    z = np.where(there, depth_mm, _FAR_MM)
    columns = np.arange(depth_mm.shape[1], dtype=np.float32) / np.float32(sight.scale)
    landing = columns[None, :] - np.float32(sight.sensor.f * sight.sensor.baseline_mm) / z
    hidden_by = np.minimum.accumulate(landing[:, ::-1], axis=1)[:, ::-1]
    return np.asarray((landing > hidden_by + 1.0) & there)
