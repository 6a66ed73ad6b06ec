"""One artefact or person in one pose before one sensor, seen in many noisy views.

Everything here is simulation (仿真). A presentation is rendered once; its views are that one depth
image shifted, tilted a little and put through the sensor anew each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count, repeat

import numpy as np

from yibao_face.models.api import Points
from yibao_face.models.liveness.relief import DepthImage, Pinhole
from yibao_face.models.simulator.artefact.cast import Casting, cast
from yibao_face.models.simulator.mesh.head import HeadModel, Person
from yibao_face.models.simulator.pose import Pose, random_pose
from yibao_face.models.simulator.raster import Floats
from yibao_face.models.simulator.scene import Artefact, Effort, Scene, project
from yibao_face.models.simulator.sensor import (
    SENSORS,
    SWAY_PX,
    Exposure,
    NoiseBank,
    Sight,
    Subject,
    Sway,
)
from yibao_face.models.simulator.species import Action, Species

_LANDMARK_NOISE_PX = 1.2
# A landmarker errs on the same face in the same way frame after frame: each landmark by itself,
# and the whole shape in smooth waves.
_BIAS_MM, _WAVE_MM = 1.0, 0.8
_PERIOD_US = 1e6 / 30
_JITTER_US = 2000.0
_INERTIA = 0.9
_SWAY_MM, _SWAY_RAD = 5.0, 0.035
_ADRIFT_MM = 4.0
_BLINK = (0.4, 0.9, 1.0, 0.9, 0.5, 0.2)
_BLINK_CHANCE = 1 / 90  # a view, 30 a second
_MOUTH = (0.6, 1.0)
_TURN_DEG = (15.0, 30.0)
_PERSON, _OTHER, _STAGING, _VIEWS, _ACTED, _BIAS = range(6)
_ORDER = list(Species)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """``depth_mm``: (h, w), 0 = no reading. ``points``: (468, 2) px of it. ``at_us``: its time.

    ``accomplice``: of a swap, whether its living half stands there.
    """

    depth_mm: DepthImage
    points: Points
    lens: Pinhole
    at_us: int
    accomplice: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Presentation:
    """``distance_mm``: of its origin. ``group``: ancestry, age band and sex of the face shown."""

    species: Species
    seed: int
    sensor: str
    distance_mm: float
    group: dict[str, str]
    _stage: _Stage = field(repr=False)

    def views(self) -> Iterator[View]:
        """Endless; the same ones at each call."""
        return self._stage.stream(Effort(), self._stage.rng(_VIEWS))

    def acted(self, action: Action) -> Iterator[View]:
        """The same while the presenter tries to do ``action``, fully from the first view on."""
        rng = self._stage.rng(_ACTED, list(Action).index(action))
        return self._stage.stream(_effort(action, rng), rng)


class Simulator:
    """Makes presentations. ``scale``: of the sensors' resolution, 1 = full."""

    def __init__(self, heads: HeadModel, *, scale: float = 0.5) -> None:
        if not 0.1 <= scale <= 1:
            raise ValueError(f"scale {scale} is not within 0.1..1")
        self._heads = heads
        self._bank = NoiseBank(scale)
        self._sights = [Sight(sensor, scale) for sensor in SENSORS]

    def present(self, species: Species, seed: int, *, test: bool) -> Presentation:
        """The presentation of this seed (0..2**32 - 1); persons for tuning and test never meet.

        The same seed shows the same person in every species. Of a seed's draws each purpose has
        its own stream, keyed by ``test`` first.
        """
        key = _key(seed, test=test)
        rng = np.random.default_rng([*key, _STAGING, _ORDER.index(species)])
        sight = self._sights[int(rng.integers(len(self._sights)))]
        person = self.person(seed, test=test)
        other_rng = np.random.default_rng([*key, _OTHER])
        casting = Casting(self._heads, self._bank, sight, rng, person, other_rng)
        pose = random_pose(rng)
        wall_mm = float(rng.uniform(1200, 3000)) if rng.random() < 0.5 else None
        stage = _Stage(species, key, casting, pose, wall_mm)
        distance_mm = float(pose.shift_mm[2])
        return Presentation(species, seed, sight.sensor.name, distance_mm, person.group, stage)

    def person(self, seed: int, *, test: bool) -> Person:
        """Whose face the presentations of this seed show."""
        return self._heads.person(np.random.default_rng([*_key(seed, test=test), _PERSON]))


def _key(seed: int, *, test: bool) -> list[int]:
    if not 0 <= seed < 2**32:
        # A larger one would be split into words and could meet another purpose's stream.
        raise ValueError(f"seed {seed} is not within 0..2**32 - 1")
    return [int(test), seed]


class _Shown:
    """A rendered scene and how it moves."""

    def __init__(
        self, sight: Sight, exposure: Exposure, scene: Scene, distance_mm: float, bias_mm: Floats
    ) -> None:
        self.exposure = exposure
        self.sway, self.adrift = scene.sway, scene.adrift
        self.px_per_mm = sight.lens.f / distance_mm
        self.points: Points = project(scene.landmarks, sight.lens)
        self.points += bias_mm * np.float32(self.px_per_mm)
        self.lids_px: Points | None = None
        if scene.lids_mm is not None:
            self.lids_px = project(scene.landmarks + scene.lids_mm, sight.lens) - self.points


class _Stage:
    """Renders a presentation, the resting one once, and streams its views."""

    def __init__(
        self,
        species: Species,
        key: list[int],
        casting: Casting,
        pose: Pose,
        wall_mm: float | None,
    ) -> None:
        self._species, self._key = species, key
        self._casting, self._pose, self._wall_mm = casting, pose, wall_mm
        self._sight = casting.sight
        # A swap is a living accomplice and a print, in either order.
        kinds = (species, Species.PRINT_FLAT) if species is Species.SWAP else (species,)
        self._artefacts = [cast(kind, casting) for kind in kinds]
        accomplice = self._artefacts[0]
        self._first_views = int(casting.rng.integers(3, 9))
        if casting.rng.random() < 0.5:
            self._artefacts.reverse()
        # Of the swap's two, the living one, wherever it ended up.
        self._living = self._artefacts.index(accomplice) if len(kinds) > 1 else -1
        self._resting: list[_Shown] = []
        self._bias_mm = _bias_mm(casting.heads, self.rng(_BIAS))

    def rng(self, *purpose: int) -> np.random.Generator:
        """The stream of draws of one purpose."""
        return np.random.default_rng([*self._key, *purpose, _ORDER.index(self._species)])

    def stream(self, effort: Effort, rng: np.random.Generator) -> Iterator[View]:
        """Endless views while ``effort`` is made."""
        if self._species is Species.FROZEN:
            # Injected: what is asked changes nothing, and nothing else does.
            return _frozen(self._moving(self._at_rest(), self.rng(_VIEWS)))
        return self._moving(self._at_rest() if effort == Effort() else self._shown(effort), rng)

    def _at_rest(self) -> list[_Shown]:
        if not self._resting:
            self._resting = self._shown(Effort())
        return self._resting

    def _shown(self, effort: Effort) -> list[_Shown]:
        return [self._render(artefact, effort) for artefact in self._artefacts]

    def _render(self, artefact: Artefact, effort: Effort) -> _Shown:
        scene = artefact.scene(self._sight, self._pose, effort)
        subject = Subject(scene.depth_mm, scene.loss, scene.material, self._wall_mm)
        exposure = Exposure(self._sight, self._casting.bank, subject)
        return _Shown(self._sight, exposure, scene, float(self._pose.shift_mm[2]), self._bias_mm)

    def _moving(self, shown: list[_Shown], rng: np.random.Generator) -> Iterator[View]:
        motion = _Motion(rng)
        at_us = float(rng.uniform(0, _PERIOD_US))
        for turn in count():
            part = 0 if turn < self._first_views else len(shown) - 1
            now = shown[part]
            motion.step()
            sway, points = motion.seen(now, self._sight.scale)
            depth = now.exposure.shot(rng, sway)
            yield View(depth, points, self._sight.lens, round(at_us), part == self._living)
            at_us += _PERIOD_US + float(np.clip(rng.normal(0, _JITTER_US), -9000, 9000))


def _bias_mm(heads: HeadModel, rng: np.random.Generator) -> Floats:
    """(468, 2) mm right and down by which the landmarks of one presentation are off."""
    at = heads.average_mm[:, :2]
    x, y = ((at - at.mean(0)) / 60).T
    waves = np.stack([x, y, x * x - 0.5, x * y, y * y - 0.5], 1)
    smooth = waves @ rng.standard_normal((5, 2)) * _WAVE_MM
    return (smooth + rng.standard_normal(at.shape) * _BIAS_MM).astype(np.float32)


class _Motion:
    """The slow wandering of head or hand, and the eyes' blinking."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        # Right, down, away, yaw, pitch, and the landmarks' own right and down; deviation 1 each.
        self._state = rng.standard_normal(7)
        self._blinking = 0

    def step(self) -> None:
        """The next view's state."""
        fresh = self._rng.standard_normal(7) * np.sqrt(1 - _INERTIA**2)
        self._state = self._state * _INERTIA + fresh
        if self._blinking:
            self._blinking = (self._blinking + 1) % (len(_BLINK) + 1)
        elif self._rng.random() < _BLINK_CHANCE:
            self._blinking = 1

    def seen(self, shown: _Shown, scale: float) -> tuple[Sway, Points]:
        """How the view is moved, and its landmarks as a landmarker finds them."""
        reach = SWAY_PX * scale
        step_px = _SWAY_MM * shown.sway * shown.px_per_mm
        moved = np.clip(np.rint(self._state[:2] * step_px), -np.floor(reach), np.floor(reach))
        away, yaw, pitch = self._state[2:5] * shown.sway * [_SWAY_MM, _SWAY_RAD, _SWAY_RAD]
        adrift = self._state[5:] * _ADRIFT_MM * shown.adrift * shown.px_per_mm
        noise = self._rng.standard_normal(shown.points.shape, np.float32)
        points = shown.points + (moved + adrift).astype(np.float32)
        points += np.float32(_LANDMARK_NOISE_PX * scale) * noise
        if self._blinking and shown.lids_px is not None:
            points += np.float32(_BLINK[self._blinking - 1]) * shown.lids_px
        sway = Sway(int(moved[0]), int(moved[1]), float(away), float(yaw), float(pitch))
        return sway, points


def _frozen(views: Iterator[View]) -> Iterator[View]:
    """The first of ``views`` for ever, at the times of all."""
    first = next(views)
    yield first
    for again, later in zip(repeat(first), views, strict=False):
        yield replace(again, at_us=later.at_us)


def _effort(action: Action, rng: np.random.Generator) -> Effort:
    if action is Action.MOUTH:
        return Effort(mouth=float(rng.uniform(*_MOUTH)))
    degrees = float(rng.uniform(*_TURN_DEG))
    return Effort(turn_deg=degrees if action is Action.TURN_LEFT else -degrees)
