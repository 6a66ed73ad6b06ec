"""Sheets and screens: surfaces a ray meets in closed form, so that nothing is rasterised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from yibao_face.models.liveness.relief import Pinhole
from yibao_face.models.simulator.pose import Pose
from yibao_face.models.simulator.raster import Floats

Bools = npt.NDArray[np.bool_]


class Bend(Protocol):
    """A profile over one direction of the sheet; along the other it is straight."""

    def profile(self, arc: Floats) -> tuple[Floats, Floats]:
        """Place and height of the sheet at ``arc`` mm along it."""
        ...

    def meet(self, at: tuple[float, float], going: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Ray length (not finite where it misses) and the arc where it hits."""
        ...


class Flat:
    """No bend."""

    def profile(self, arc: Floats) -> tuple[Floats, Floats]:
        """The plane."""
        return arc, np.zeros_like(arc)

    def meet(self, at: tuple[float, float], going: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Ray and line."""
        length = np.asarray(-at[1] / going[1], np.float32)
        return length, np.asarray(at[0] + length * going[0], np.float32)


@dataclass(frozen=True, slots=True)
class Cylinder:
    """Bent round a cylinder of ``radius_mm``, the middle nearest to the viewer."""

    radius_mm: float

    def profile(self, arc: Floats) -> tuple[Floats, Floats]:
        """The circle."""
        r = np.float32(self.radius_mm)
        return r * np.sin(arc / r), r * np.cos(arc / r) - r

    def meet(self, at: tuple[float, float], going: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Ray and circle, the near side."""
        r = self.radius_mm
        x, z = at[0], at[1] + r
        a = going[0] ** 2 + going[1] ** 2
        b = x * going[0] + z * going[1]
        with np.errstate(invalid="ignore"):
            length = np.asarray((-b - np.sqrt(b * b - a * (x * x + z * z - r * r))) / a)
        arc = r * np.arctan2(x + length * going[0], z + length * going[1])
        return length.astype(np.float32), arc.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Fold:
    """Folded in the middle towards the viewer: a hyperbola, each half ``angle`` rad back."""

    angle: float
    round_mm: float

    def profile(self, arc: Floats) -> tuple[Floats, Floats]:
        """The branch of the hyperbola."""
        e = np.float32(self.round_mm)
        height = np.float32(-np.sin(self.angle)) * (np.sqrt(arc * arc + e * e) - e)
        return arc * np.float32(np.cos(self.angle)), height

    def meet(self, at: tuple[float, float], going: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Ray and hyperbola: the nearer point of the branch that is the sheet."""
        sine, cosine = np.sin(self.angle), np.cos(self.angle)
        steep = (sine / cosine) ** 2
        x, z = at[0], at[1] - self.round_mm * sine
        a = going[1] ** 2 - steep * going[0] ** 2
        b = z * going[1] - steep * x * going[0]
        c = z * z - steep * x * x - (self.round_mm * sine) ** 2
        with np.errstate(invalid="ignore"):
            root = np.sqrt(b * b - a * c)
        roots = np.stack([(-b - root) / a, (-b + root) / a])
        on_branch = (roots > 0) & (z + roots * going[1] < 0)
        length = np.where(on_branch, roots, np.inf).min(0)
        with np.errstate(invalid="ignore"):
            return length, (x + length * going[0]) / np.float32(cosine)


@dataclass(frozen=True, slots=True)
class Ellipse:
    """A hole or outline on the sheet, mm of the picture."""

    x: float
    y: float
    across: float
    down: float

    def holds(self, x: Floats, y: Floats) -> Bools:
        """Which points lie inside."""
        reach = ((x - self.x) / self.across) ** 2 + ((y - self.y) / self.down) ** 2
        return np.asarray(reach < 1)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture's carrier: ``width`` x ``height`` mm about ``(0, middle)``, bent one way.

    Places on it are mm of the picture, (0, 0) between its eyes. ``bent_down``: the bend runs along
    y instead of x. ``outline``: cut to it; ``holes``: cut out.
    """

    width: float
    height: float
    middle: float = 0.0
    bend: Bend = field(default_factory=Flat)
    bent_down: bool = False
    outline: Ellipse | None = None
    holes: tuple[Ellipse, ...] = ()

    def points(self, picture: Floats) -> Floats:
        """(n, 3) points on the sheet of (n, 2) places of the picture."""
        x, y = picture[:, 0], picture[:, 1]
        if self.bent_down:
            at, height = self.bend.profile(y)
            return np.stack([x, at, height], 1)
        at, height = self.bend.profile(x)
        return np.stack([at, y, height], 1)

    def depth(self, pose: Pose, lens: Pinhole, shape: tuple[int, int]) -> Floats:
        """Depth in mm at each pixel, 0 beside the sheet and in its holes."""
        origin, into = pose.ray()
        u = ((np.arange(shape[1]) - lens.cx) / lens.f).astype(np.float32)
        v = ((np.arange(shape[0]) - lens.cy) / lens.f).astype(np.float32)
        turn = into.astype(np.float32)
        ray = [v[:, None] * turn[1, k] + (u * turn[0, k] + turn[2, k]) for k in range(3)]
        bent, straight = (1, 0) if self.bent_down else (0, 1)
        at = (float(origin[bent]), float(origin[2]))
        length, arc = self.bend.meet(at, (ray[bent], ray[2]))
        with np.errstate(invalid="ignore"):
            along = origin[straight].astype(np.float32) + length * ray[straight]
            x, y = (along, arc) if self.bent_down else (arc, along)
            return np.where(self._holds(x, y) & (length > 0), length, 0).astype(np.float32)

    def _holds(self, x: Floats, y: Floats) -> Bools:
        inside: Bools = (np.abs(x) < self.width / 2) & (np.abs(y - self.middle) < self.height / 2)
        if self.outline is not None:
            inside &= self.outline.holds(x, y)
        for hole in self.holes:
            inside &= ~hole.holds(x, y)
        return inside
