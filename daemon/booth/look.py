"""What every encounter begins with: a camera that may be used, one face, alive, of one person."""

from __future__ import annotations

import hashlib
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field
from datetime import date
from math import isfinite

import numpy as np

from yibao_face.daemon.booth.counter import Counter
from yibao_face.daemon.capture.attempt import Attempt, PersonChangedError
from yibao_face.daemon.capture.challenge import Challenge, Trial
from yibao_face.daemon.capture.examine import Shot, probe_of
from yibao_face.daemon.capture.session import Capture, Session
from yibao_face.daemon.capture.watch import Watch
from yibao_face.daemon.core.decision import MatchPolicy, Outcome
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import ChallengePolicy
from yibao_face.daemon.core.liveness.device import DeviceFacts, Pin, device_cause
from yibao_face.daemon.core.liveness.modality import (
    Allowance,
    Cue,
    Modality,
    Plan,
    Purpose,
    plan_for,
)
from yibao_face.daemon.core.liveness.stream import StreamPolicy
from yibao_face.daemon.core.template import Probe
from yibao_face.daemon.gallery.crop import CropStore
from yibao_face.daemon.gallery.gallery import Gallery, Reference
from yibao_face.daemon.gallery.roster import RosterIndex
from yibao_face.drivers.api import Camera, CameraInfo, Capability
from yibao_face.drivers.reader.api import CardReader
from yibao_face.models.api import Embedding, ModelStamp
from yibao_face.models.embed import cosine, fuse
from yibao_face.models.suite import FaceModels

# Frames fused into a probe at most; fewer where the first ones leave no doubt.
_PROBE_SHOTS = 5
# A frame that passed the gates counts a little, however it looks.
_LEAST_MERIT = 0.1
# Limits are calibrated on photographs of different days. Frames of one visit are 0.6 alike and
# more, mouth open or head turned included; so far below the limit strangers still are no more
# frequent than ten times its FAR (0.06 besides the margin of 0.04; a power of ten costs 0.07).
_VISIT_SLACK = 0.1


@dataclass(slots=True)
class Trace:
    """What is known so far, for the record; filled as the encounter goes, whatever ends it.

    ``probe``: pictures fused to be matched. ``template``: whether the pass became a sample, or
    why not. ``among``: persons searched, 0 where one was expected; ``lead``: of the best of them
    over the second. ``score``: of liveness, where there is one. ``trials``: movements asked for.
    ``audit``: the camera proves little. ``intrinsics``: digest of those of the matched frame.
    ``shown``: that frame's shot, never recorded.
    """

    camera: CameraInfo | None = None
    consent: str = ""
    agent: str = ""
    name_differs: bool = False
    probe: int = 0
    template: str = ""
    liveness: dict[str, float] = field(default_factory=dict[str, float])
    frames: int = 0
    evidence_sha256: str = ""
    among: int = 0
    lead: float | None = None
    score: float | None = None
    trials: list[Trial] = field(default_factory=list[Trial])
    audit: bool = False
    intrinsics: str = ""
    shown: Shot | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What the person agrees to before enrolment (S0-49), by version."""

    version: str
    text: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a site asks of its camera and of who stands before it."""

    pin: Pin = field(default_factory=Pin)
    allowed: Allowance = field(default_factory=Allowance)
    challenge: ChallengePolicy = field(default_factory=ChallengePolicy)


@dataclass(frozen=True, slots=True)
class Scene:
    """What every encounter of a daemon shares. ``grow``: whether passes become samples.

    ``open_reader``: the reader of ID cards, where there is one.

    ``session_for``: how a camera of that plan is looked into. ``crops``: where pictures of
    attacks are kept, if at all.
    """

    open_camera: Callable[[], Camera]
    models: FaceModels
    session_for: Callable[[Plan], Session]
    gallery: Gallery
    counter: Counter
    match: MatchPolicy
    consent: ConsentText | None
    roster: RosterIndex
    crops: CropStore
    terms: Terms = field(default_factory=Terms)
    grow: bool = True
    open_reader: Callable[[], CardReader] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """An open camera that may be used, how liveness is judged with it, and its stream so far."""

    camera: Camera
    plan: Plan
    session: Session
    watch: Watch

    @property
    def is_recorded(self) -> bool:
        """Whether its frames were seen at another time."""
        return Capability.RECORDED in self.camera.info.capability


class Look(ABC):
    """One look into the camera: ``run`` once. ``today``: the institution's date.

    ``challenge``: the person is asked to move; where the plan of the camera needs it, always.
    """

    def __init__(
        self,
        scene: Scene,
        attempt: Attempt,
        today: date,
        purpose: Purpose,
        *,
        challenge: bool = False,
    ) -> None:
        self._scene, self._attempt, self._today = scene, attempt, today
        self._purpose, self._challenge = purpose, challenge
        self.trace = Trace()

    @abstractmethod
    def run(self) -> Outcome:
        """Look, judge, match. Raises what ``codes.ERRORS`` lists; frees the camera again."""

    @property
    def _stamp(self) -> ModelStamp:
        return self._scene.models.embedder.stamp

    @property
    def _least_alike(self) -> float:
        """Cosine of two frames of one visit, below which they show two persons."""
        return self._scene.match.needed(1, 1) - _VISIT_SLACK

    def _sight(self, camera: Camera) -> Sight | Cause:
        """Whether ``camera`` may be used, and how; asked before the person is troubled."""
        info, terms = camera.info, self._scene.terms
        self.trace.camera = info
        barred = device_cause(facts_of(info), terms.pin, demo=self._scene.match.demo)
        plan = barred or plan_for(modality_of(info.capability), self._purpose, terms.allowed)
        if isinstance(plan, Cause):
            return plan
        self.trace.audit = plan.audit
        stream = StreamPolicy(looped=Capability.RECORDED in info.capability)
        return Sight(camera, plan, self._scene.session_for(plan), Watch(stream))

    def _gather(self, sight: Sight, *, moving: bool = True) -> Capture | Cause:
        """The face before the camera, judged; without ``moving`` nobody is asked to move."""
        tell = self._scene.counter.tell
        captured = sight.session.gather(sight.camera, self._attempt, tell, watch=sight.watch)
        if isinstance(captured, Cause):
            return captured
        self._note(captured)
        asked = moving and (self._challenge or sight.plan.actions > 0)
        if asked and captured.verdict.cause is None:
            return self._moved(sight, captured)
        return captured

    def _moved(self, sight: Sight, captured: Capture) -> Capture | Cause:
        """``captured``, or what was looked at again, once the person did what was asked."""
        challenge = Challenge(
            sight.session,
            self._scene.terms.challenge,
            secrets.randbelow,
            self._least_alike,
            max(sight.plan.actions, 1),
            sight.watch,
            self.trace.trials,
        )
        has_depth = Cue.DEPTH in sight.plan.cues
        counter = self._scene.counter
        proof = challenge.run(sight.camera, self._attempt, counter, captured, depth=has_depth)
        self._note(proof.capture)
        return proof.capture if proof.cause is None else proof.cause

    def _note(self, captured: Capture) -> None:
        verdict, trace = captured.verdict, self.trace
        trace.liveness, trace.frames = verdict.features, verdict.frames
        trace.score = verdict.score if isfinite(verdict.score) else None
        trace.evidence_sha256 = _evidence(captured.best)
        trace.intrinsics = _lens(captured.best)
        trace.shown = captured.best

    def _probes(self, captured: Capture) -> Iterator[Embedding]:
        """The best shot, the best two fused, …: each with one picture more.

        Raises ``PersonChangedError`` where they, or the ends of what was judged, differ too much.
        """
        embeddings = self._embeddings(captured)
        merits: list[float] = []
        for count, shot in enumerate(captured.shots[:_PROBE_SHOTS], 1):
            merits.append(max(shot.merit, _LEAST_MERIT))
            self.trace.probe = count
            yield fuse([embeddings(used) for used in captured.shots[:count]], merits)

    def _embeddings(self, captured: Capture) -> Callable[[Shot], Embedding]:
        """Embeds shots of ``captured``, each once; none that shows another than the best one."""
        best = probe_of(self._scene.models, captured.best)
        known = {captured.best: best}

        def embedding(shot: Shot) -> Embedding:
            if shot not in known:
                known[shot] = probe_of(self._scene.models, shot)
            if not cosine(known[shot], best) >= self._least_alike:
                raise PersonChangedError("the frames show more than one person")
            return known[shot]

        if captured.verdict.cause is None:
            # Liveness rests on all shots, the match perhaps on one: who began must have ended.
            in_time = sorted(captured.shots, key=lambda shot: shot.frame.at_ns)
            embedding(in_time[0])
            embedding(in_time[-1])
        return embedding

    def _grow(self, probe: Embedding, best: Shot, own: Reference) -> None:
        """Offer the pass to the template; its rule says whether it teaches anything.

        What a weak camera let by teaches nothing.
        """
        if not self._scene.grow or self.trace.audit:
            return
        anchors = own.template if own.anchors is None else own.anchors
        offered = Probe(
            cosine(probe, anchors), self._scene.match.needed(1, 1), self._today, best.merit
        )
        gallery = self._scene.gallery
        self.trace.template = gallery.grow(own.person, probe, self._stamp, offered)


def facts_of(info: CameraInfo) -> DeviceFacts:
    """What a camera says of itself, in the core's words."""
    return DeviceFacts(
        info.driver,
        info.model,
        info.serial,
        info.firmware,
        info.usb_id,
        info.path,
        info.device_name,
        Capability.RECORDED in info.capability,
        Capability.VIRTUAL in info.capability,
    )


def modality_of(capability: Capability) -> Modality:
    """What the frames of a camera prove something with.

    An IR camera beside the colour camera is not registered to it. Until its driver brings the
    calibration along, its image cannot be compared with a face in colour: it counts as absent.
    """
    infrared = Capability.IR in capability and Capability.PAIRED not in capability
    return Modality(Capability.RGB in capability, Capability.DEPTH in capability, infrared)


def _evidence(shot: Shot) -> str:
    """SHA-256 of the matched frame: planes as delivered, colour first."""
    digest = hashlib.sha256()
    for plane in (shot.frame.bgr, shot.frame.depth_mm, shot.frame.ir):
        if plane is not None:
            digest.update(np.ascontiguousarray(plane).data)
    return digest.hexdigest()


def _lens(shot: Shot) -> str:
    """Tells whether two records were measured through the same lens model."""
    return hashlib.sha256(repr(astuple(shot.frame.intrinsics)).encode()).hexdigest()[:12]
