"""One simulated presentation (仿真) before the engine, as the daemon would meet it.

The only file here that knows the simulator: whatever it shows goes through the gauge, gates,
stream check and challenge of the product.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from itertools import islice

import cv2
import numpy as np

from yibao_face.daemon.capture.policy import liveness_policy
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import Action as Asked
from yibao_face.daemon.core.liveness.challenge import (
    ChallengePolicy,
    Done,
    Measures,
    chosen,
    eased,
    has_baseline,
    steady,
)
from yibao_face.daemon.core.liveness.course import (
    SAME_FACE_OVERLAP,
    Guard,
    PassiveCourse,
    Try,
    tried,
)
from yibao_face.daemon.core.liveness.gate import (
    LivenessPolicy,
    LivenessVerdict,
    attack_cause,
    reading_hint,
)
from yibao_face.daemon.core.liveness.stream import Exposure, StreamPolicy, stream_cause
from yibao_face.daemon.core.quality import Limits, distance_hint
from yibao_face.daemon.evaluate import baseline
from yibao_face.daemon.evaluate.recorded import response_of
from yibao_face.daemon.evaluate.result import Result, numbers_only
from yibao_face.daemon.wiring import weight_store
from yibao_face.models.api import Box, Points
from yibao_face.models.liveness.jaw import chin_mm, jaw_edge_mm, mouth_px_ratio
from yibao_face.models.liveness.noise import plane_digests, still_share, temporal_noise_mm
from yibao_face.models.liveness.relief import ReliefGauge
from yibao_face.models.liveness.shape import Floats
from yibao_face.models.simulator.mesh.asset import install_head
from yibao_face.models.simulator.mesh.head import load_head_model
from yibao_face.models.simulator.presentation import Presentation, Simulator, View
from yibao_face.models.simulator.species import Action, Species
from yibao_face.models.weights.store import load_mesh

VIEWS = 15
RESTING = 20
# The daemon waits 6 s, some 60 frames: fewer keep the run short, at the cost of the living.
ACTED = 45
_TURN_VIEWS = 8
# The files that decide how a presentation ends; of the simulator all of them do.
_DECIDING = {
    "yibao_face.daemon.core": ("quality",),
    "yibao_face.daemon.core.liveness": ("challenge", "course", "gate", "stream"),
    "yibao_face.daemon.evaluate": ("baseline",),
    "yibao_face.daemon.evaluate.simulated": ("encounter",),
    "yibao_face.models.liveness": ("jaw", "noise", "relief", "shape"),
    "yibao_face.models.simulator": (),
    "yibao_face.models.simulator.artefact": (),
    "yibao_face.models.simulator.mesh": (),
}


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker builds its engine from. ``test``: people and sources tuning never saw.

    ``baseline_every``: the rules compared with are measured on each such seed.
    """

    config: Config
    challenge: bool
    test: bool
    baseline_every: int = 1
    scale: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What the engine makes of a view; ``hint``: why it is no good frame."""

    view: View
    features: dict[str, float]
    box: Box
    hint: Cause | None


@dataclass(slots=True)
class _Passive:
    """The looks of a presentation, and the course of those of one face in a row."""

    course: PassiveCourse
    policy: LivenessPolicy
    good: list[_Look] = field(default_factory=list[_Look])

    @property
    def shows_accomplice(self) -> bool:
        """Whether nobody but a swap's living half is on the frames that passed their gates."""
        passed = [look for look in self.good if attack_cause(look.features, self.policy) is None]
        return all(look.view.accomplice for look in passed)

    def add(self, look: _Look, measures: Measures) -> LivenessVerdict | None:
        """Take a usable look; the verdict, once it is there."""
        same = not self.good or self.good[-1].box.overlap(look.box) >= SAME_FACE_OVERLAP
        self.good = [*(self.good if same else ()), look]
        self.course.add(look.features, measures, same=same)
        return self.course.judged()


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """The product's own parts, and the simulator before them."""

    simulator: Simulator
    canonical_mm: Floats
    gauge: ReliefGauge
    liveness: LivenessPolicy
    challenge: ChallengePolicy | None
    test: bool
    baseline_every: int
    limits: Limits
    stream: StreamPolicy

    def meet(self, species: str, seed: int) -> Result:
        """Judge presentation ``seed`` of ``species``; the same every time."""
        shown = self.simulator.present(Species(species), seed, test=self.test)
        views, seen = shown.views(), list[_Look]()
        cause, passive, verdict = self._passive(views, seen)
        used = len(seen)
        if verdict is not None and cause is None and self.challenge is not None:
            cause, acted = self._challenged(shown, views, passive.course)
            used += acted
        if cause is None and passive.shows_accomplice:
            # Every frame that could be matched shows the accomplice, alive: matching refuses him.
            cause = Cause.OTHER_PERSON
        outcome, said = response_of(cause)
        features = self._features(verdict, seen)
        return Result(
            *(species, seed, shown.sensor, float(shown.distance_mm), dict(shown.group)),
            *(outcome, said, used, features, self._baselines(shown, views, seen, seed)),
        )

    def _passive(
        self, views: Iterator[View], seen: list[_Look]
    ) -> tuple[Cause | None, _Passive, LivenessVerdict | None]:
        """Up to ``VIEWS`` views; how it ended, ``None``: alive. Fills ``seen``."""
        course, exposures = PassiveCourse(self.liveness), list[Exposure]()
        track = _Passive(course, self.liveness)
        for view in islice(views, VIEWS):
            exposures.append(_exposure(seen[-1].view if seen else None, view))
            look = self.look(view, self.limits)
            seen.append(look)
            wrong = stream_cause(exposures, self.stream)
            if wrong is Cause.STREAM_IMPLAUSIBLE:
                return wrong, track, None
            if hint := wrong or look.hint:
                course.hint(hint)
                continue
            verdict = track.add(look, self.measures(view))
            if verdict is not None:
                return verdict.cause, track, verdict
        return course.lasting_hint, track, None

    def _challenged(
        self, shown: Presentation, resting: Iterator[View], passive: PassiveCourse
    ) -> tuple[Cause | None, int]:
        """One random action, as often as the policy allows; and how many views that took.

        ``resting`` goes on with the views the passive part has not used.
        """
        policy = self.challenge or ChallengePolicy()
        draw = random.Random(f"{shown.species} {shown.seed}").randrange  # noqa: S311  # repeatable
        picked = chosen(policy, draw, depth=True)
        if isinstance(picked, Cause):
            return picked, 0
        (action,) = picked
        acting = _Acting(self, action, policy, Guard(self.liveness, passive.held))
        before = list(passive.before)
        ended: Done | Cause | None = acting.rest(resting, before)
        if ended is None:
            views = shown.acted(Action(action.value))
            ended = tried(policy, lambda: acting.act(islice(views, ACTED), before))
        return (None if isinstance(ended, Done) else ended), acting.used

    def look(self, view: View, limits: Limits) -> _Look:
        """What a view shows, against ``limits`` of a usable frame."""
        relief = self.gauge.measure(view.depth_mm, view.points, view.lens)
        features = asdict(relief)
        hint = reading_hint(features, self.liveness) or distance_hint(relief.distance_mm, limits)
        return _Look(view, features, _box(view.points), hint)

    def measures(self, view: View) -> Measures:
        """What an action is known by."""
        return Measures(
            chin_mm=chin_mm(view.depth_mm, view.points, view.lens),
            edge_mm=jaw_edge_mm(view.depth_mm, view.points, view.lens),
            mouth_ratio=mouth_px_ratio(view.points),
            yaw_deg=yaw_deg(self.canonical_mm, view.points),
        )

    def _features(
        self, verdict: LivenessVerdict | None, seen: Sequence[_Look]
    ) -> dict[str, float]:
        """What was judged; of a presentation nobody judged, what its views measured."""
        if verdict is not None:
            return numbers_only({**verdict.features, "score": verdict.score})
        every = [look.features for look in seen]
        return {name: float(np.median([f[name] for f in every])) for name in every[0]}

    def _baselines(
        self, shown: Presentation, views: Iterator[View], seen: list[_Look], seed: int
    ) -> dict[str, float]:
        """The other rules see as many views as a living person gives, whoever was refused sooner.

        With the challenge on, colour alone gets the turn it needs.
        """
        if seed % self.baseline_every:
            return {}
        seen += [
            self.look(view, self.limits)
            for view in islice(views, max(0, self.liveness.frames - len(seen)))
        ]
        plane = [look.features["plane_rms_mm"] for look in seen if look.hint is None]
        points = [look.view.points for look in seen]
        if self.challenge is not None:
            turning = shown.acted(Action.TURN_LEFT)
            points += [view.points for view in islice(turning, _TURN_VIEWS)]
        return dict(baseline.measures(plane, points))


@dataclass(slots=True)
class _Acting:
    """The challenge of a presentation. ``used``: views so far."""

    engine: Engine
    action: Asked
    policy: ChallengePolicy
    guard: Guard
    used: int = 0

    def rest(self, views: Iterator[View], before: list[Measures]) -> Cause | None:
        """Add to ``before`` until it is known how the face is held; why it never was."""
        for view in views:
            if has_baseline(self.action, before, self.policy):
                return None
            seen = self._seen(view, self.engine.liveness, self.engine.limits)
            if isinstance(seen, Cause):
                return seen
            if self.used > RESTING:
                return Cause.DEPTH_POOR
            before.append(seen or Measures())
        return None

    def act(self, views: Iterator[View], before: Sequence[Measures]) -> Done | Cause:
        """One try."""
        policy = steady(self.engine.liveness, self.action)
        limits = eased(self.engine.limits, self.action)
        trial = Try(self.action, before, self.policy)
        for view in views:
            seen = self._seen(view, policy, limits)
            ended = seen if isinstance(seen, Cause) else trial.see(seen)
            if ended is not None:
                return ended
        return trial.time_out()

    def _seen(self, view: View, policy: LivenessPolicy, limits: Limits) -> Measures | Cause | None:
        """``None``: the view says nothing. A ``Cause``: an attack."""
        self.used += 1
        look = self.engine.look(view, limits)
        if look.hint is not None:
            return None
        if self.guard.passes(look.features, policy):
            return self.engine.measures(view)
        return self.guard.condemned


def open_engine(setup: Setup) -> Engine:
    """Load everything; raises as the simulator and ``ModelError`` do."""
    store = weight_store(setup.config)
    mesh = store.manifest.by_role("canonical-face")
    canonical = load_mesh(mesh, store.read(mesh))
    return Engine(
        Simulator(load_head_model(store), scale=setup.scale),
        canonical,
        ReliefGauge(canonical),
        liveness_policy(store.manifest.liveness),
        ChallengePolicy() if setup.challenge else None,
        setup.test,
        setup.baseline_every,
        Limits(),
        StreamPolicy(),
    )


def install_simulator(config: Config) -> None:
    """Have the simulator's head in the data folder; fetches its pinned package on first use."""
    install_head(weight_store(config), config.downloads)


def engine_hash(engine: Engine) -> str:
    """Differs whenever a seed might come out differently: code, limits, head and libraries."""
    digest = hashlib.sha256()
    for part in (
        engine.liveness,
        engine.challenge,
        engine.stream,
        engine.limits,
        VIEWS,
        RESTING,
        ACTED,
    ):
        digest.update(repr(part).encode())
    digest.update(f"{np.__version__} {cv2.__version__} {engine.baseline_every}".encode())
    digest.update(engine.canonical_mm.tobytes())
    for package, only in _DECIDING.items():
        sources = [f for f in resources.files(package).iterdir() if f.name.endswith(".py")]
        for file in sorted(sources, key=lambda f: f.name):
            if not only or file.name.removesuffix(".py") in only:
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def yaw_deg(canonical_mm: Floats, points: Points) -> float:
    """Turn of the face by its landmarks alone; + as ``models.landmark`` has it. NaN: no face."""
    at = points[: len(canonical_mm)].astype(np.float64)
    if not np.isfinite(at).all():
        return float("nan")
    solid: Floats = canonical_mm - canonical_mm.mean(0)
    offset: Floats = at - at.mean(0)
    fitted: Floats = np.linalg.pinv(solid) @ offset
    right, up = fitted[:, 0], -fitted[:, 1]
    right, up = right / np.linalg.norm(right), up / np.linalg.norm(up)
    return float(np.degrees(np.arctan2(right[2], np.cross(right, up)[2])))


def _exposure(before: View | None, view: View) -> Exposure:
    """Without pictures: the simulator draws no colour and no infrared."""
    noise = still = None
    if before is not None:
        box = _box(view.points)
        noise = temporal_noise_mm(before.depth_mm, view.depth_mm, box)
        still = still_share([before.depth_mm], [view.depth_mm], box)
    digest = plane_digests([view.depth_mm])
    return Exposure(view.at_us * 1000, view.at_us, 0, digest, noise, still)


def _box(points: Points) -> Box:
    low, high = points.min(0), points.max(0)
    return Box(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
