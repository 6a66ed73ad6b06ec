"""One person at the camera: seen, judged alive, matched; enrolled first where unknown.

``Encounter`` knows whom to expect, ``identification.Identification`` does not; ``Look`` is what
both begin with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from yibao_face.daemon.booth.counter import Consent, Counter, Prompt, Stage
from yibao_face.daemon.booth.photo import face_of
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.capture.examine import Shot
from yibao_face.daemon.capture.session import Capture, Session
from yibao_face.daemon.core.decision import (
    Likeness,
    MatchPolicy,
    Outcome,
    decide,
    is_certain,
    refused,
)
from yibao_face.daemon.core.encounter import Answer, Cause, Who
from yibao_face.daemon.core.identity import masked
from yibao_face.daemon.core.template import Probe, Source
from yibao_face.daemon.gallery.gallery import Enrolment, Gallery, Numbers, Picture, Reference
from yibao_face.daemon.gallery.roster import RosterIndex
from yibao_face.drivers.api import Camera, CameraInfo, Capability
from yibao_face.models.api import Embedding, ModelStamp
from yibao_face.models.embed import cosine, fuse

# A template of several samples is refused far less often than one of a single picture.
_TEMPLATE_SAMPLES = 3
# Frames fused into a probe at most; fewer where the first ones leave no doubt.
_PROBE_SHOTS = 5
# A frame that passed the gates counts a little, however it looks.
_LEAST_MERIT = 0.1


@dataclass(slots=True)
class Trace:
    """What is known so far, for the record; filled as the encounter goes, whatever ends it.

    ``probe``: pictures fused to be matched. ``template``: whether the pass became a sample, or
    why not. ``among``: persons searched, 0 where one was expected; ``lead``: of the best of them
    over the second.
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


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is asked for. ``agents``: a registered agent may stand there instead (S0-58)."""

    numbers: Numbers
    name: str = field(repr=False)
    agents: bool = False


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What the person agrees to before enrolment (S0-49), by version."""

    version: str
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What every encounter of a daemon shares. ``grow``: whether passes become samples."""

    open_camera: Callable[[], Camera]
    session: Session
    gallery: Gallery
    counter: Counter
    match: MatchPolicy
    consent: ConsentText | None
    roster: RosterIndex
    grow: bool = True


class Look:
    """One look into the camera: ``run`` once. ``today``: the institution's date."""

    def __init__(self, scene: Scene, attempt: Attempt, today: date) -> None:
        self._scene, self._attempt, self._today = scene, attempt, today
        self.trace = Trace()

    def run(self) -> Outcome:
        """Look, judge, match. Raises what ``codes.ERRORS`` lists; frees the camera again."""
        raise NotImplementedError

    @property
    def _stamp(self) -> ModelStamp:
        return self._scene.session.examiner.models.embedder.stamp

    def _barrier(self, info: CameraInfo) -> Cause | None:
        """Why this camera can never pass anybody; asked before the person is troubled."""
        if Capability.RECORDED in info.capability and not self._scene.match.demo:
            return Cause.RECORDED_CAMERA
        return None if Capability.DEPTH in info.capability else Cause.NO_DEPTH_CAMERA

    def _gather(self, camera: Camera) -> Capture | Cause:
        captured = self._scene.session.gather(camera, self._attempt, self._scene.counter.tell)
        if isinstance(captured, Capture):
            self.trace.liveness = captured.verdict.features
            self.trace.frames = captured.verdict.frames
            self.trace.evidence_sha256 = _evidence(captured.best)
        return captured

    def _probes(self, captured: Capture) -> Iterator[Embedding]:
        """The best shot, the best two fused, …: each with one picture more."""
        embeddings: list[Embedding] = []
        merits: list[float] = []
        for shot in captured.shots[:_PROBE_SHOTS]:
            embeddings.append(self._scene.session.examiner.probe(shot))
            merits.append(max(shot.merit, _LEAST_MERIT))
            self.trace.probe = len(embeddings)
            yield fuse(embeddings, merits)

    def _grow(self, probe: Embedding, best: Shot, own: Reference) -> None:
        """Offer the pass to the template; its rule says whether it teaches anything."""
        if not self._scene.grow:
            return
        anchors = own.template if own.anchors is None else own.anchors
        offered = Probe(
            cosine(probe, anchors), self._scene.match.needed(1, 1), self._today, best.merit
        )
        gallery = self._scene.gallery
        self.trace.template = gallery.grow(own.person, probe, self._stamp, offered)


class Encounter(Look):
    """Somebody expected: the person the call names, or an agent of his."""

    def __init__(
        self, scene: Scene, id_: str, subject: Subject, attempt: Attempt, today: date
    ) -> None:
        super().__init__(scene, attempt, today)
        self._id, self._subject = id_, subject

    def run(self) -> Outcome:
        """Look, judge, match. Raises what ``codes.ERRORS`` lists; frees the camera again."""
        person = self._scene.gallery.find(self._subject.numbers)
        if person is None and self._scene.consent is None:
            return refused(Cause.NOT_ENROLLED)
        if person is not None:
            self.trace.consent = self._scene.gallery.consent(person)
            self.trace.name_differs = self._scene.gallery.name(person) != self._subject.name
        with self._scene.open_camera() as camera:
            self.trace.camera = camera.info
            barrier = self._barrier(camera.info)
            if barrier is not None:
                return refused(barrier)
            if person is None:
                return self._enrol_and_verify(camera)
            references = self._references(person)
            if not references:
                return refused(Cause.TEMPLATE_STALE)
            return self._verify(camera, references)

    def _references(self, person: str) -> list[Reference]:
        found = self._scene.gallery.references(person, self._stamp, self._today)
        return [r for r in found if self._subject.agents or r.who is Who.SELF]

    def _verify(self, camera: Camera, references: list[Reference]) -> Outcome:
        captured = self._gather(camera)
        if isinstance(captured, Cause):
            return refused(captured)
        recorded = Capability.RECORDED in camera.info.capability
        probe, likenesses = self._compare(captured, references)
        outcome = decide(captured.verdict.cause, likenesses, recorded, self._scene.match)
        self.trace.agent = outcome.matched if outcome.who is Who.AGENT else ""
        if outcome.answer is Answer.PASS and outcome.who is Who.SELF and references[0].person:
            self._grow(probe, captured.best, references[0])
        return outcome

    def _compare(
        self, captured: Capture, references: list[Reference]
    ) -> tuple[Embedding, tuple[Likeness, ...]]:
        """The probe of as many shots as it takes, best first, and its cosine to each reference."""
        probe: Embedding | None = None
        likenesses: tuple[Likeness, ...] = ()
        for probe in self._probes(captured):
            likenesses = tuple(likeness_of(r, probe, self.trace.probe) for r in references)
            if captured.verdict.cause is not None or is_certain(likenesses, self._scene.match):
                break
        assert probe is not None  # noqa: S101  # a capture has shots
        return probe, likenesses

    def _enrol_and_verify(self, camera: Camera) -> Outcome:
        """Consent, capture, confirmation; the template is kept only once fresh frames match it."""
        consent = self._ask(Stage.CONSENT)
        if not consent.accepted:
            return refused(Cause.CONSENT_REFUSED)
        captured = self._gather(camera)
        if isinstance(captured, Cause):
            return refused(captured)
        if captured.verdict.cause is not None:
            return refused(captured.verdict.cause)
        examiner = self._scene.session.examiner
        samples = [
            Picture(examiner.probe(shot), merit=shot.merit)
            for shot in captured.shots[:_TEMPLATE_SAMPLES]
        ]
        confirmed = self._ask(Stage.CONFIRM)
        obstacle = self._confirmation(confirmed, samples)
        if obstacle is not None:
            return refused(obstacle)
        fresh = Reference(Who.SELF, "", _fused(samples), samples=len(samples))
        outcome = self._verify(camera, [fresh])
        if outcome.answer is Answer.PASS:
            self._scene.gallery.add(self._enrolment(confirmed), samples, self._stamp)
        return outcome

    def _ask(self, stage: Stage) -> Consent:
        assert self._scene.consent is not None  # noqa: S101  # run() refused without one
        numbers = self._subject.numbers
        number = numbers.id_number or numbers.person_number
        texts = {
            Stage.CONSENT: self._scene.consent.text,
            Stage.CONFIRM: "请核对本人与证件，确认为同一人，或拍摄证件照比对",
        }
        version = self._scene.consent.version
        answer = self._scene.counter.ask(
            Prompt(self._id, stage, texts[stage], version, masked(number)), self._attempt
        )
        if stage is Stage.CONSENT and answer.accepted:
            self.trace.consent = version
        return answer

    def _confirmation(self, given: Consent, samples: list[Picture]) -> Cause | None:
        """Why the staff's answer does not confirm the face; ``None`` when it does.

        An ID photo that does becomes a sample of its own.
        """
        if not given.accepted or not given.staff:
            return Cause.STAFF_REFUSED
        if given.id_photo is None:
            return None
        printed = face_of(self._scene.session.examiner.models, given.id_photo, "id photo")
        needed = self._scene.match.needed(1, len(samples))
        if not cosine(printed, _fused(samples)) >= needed:
            return Cause.ID_PHOTO_MISMATCH
        samples.append(Picture(printed, Source.ID_PHOTO))
        return None

    def _enrolment(self, confirmed: Consent) -> Enrolment:
        how = "id-photo" if confirmed.id_photo is not None else "staff"
        by = f"{how}:{confirmed.staff}"
        subject, day = self._subject, self._today.isoformat()
        return Enrolment(subject.numbers, subject.name, self.trace.consent, by, day)


def likeness_of(reference: Reference, probe: Embedding, pictures: int) -> Likeness:
    """How like ``reference`` a probe of so many ``pictures`` is."""
    anchors = reference.anchors
    return Likeness(
        reference.who,
        cosine(probe, reference.template),
        reference.person,
        reference.expired,
        reference.samples,
        pictures,
        None if anchors is None else cosine(probe, anchors),
    )


def _fused(samples: list[Picture]) -> Embedding:
    return fuse([sample.embedding for sample in samples])


def _evidence(shot: Shot) -> str:
    """SHA-256 of the matched frame: planes as delivered, colour first."""
    digest = hashlib.sha256()
    for plane in (shot.frame.bgr, shot.frame.depth_mm, shot.frame.ir):
        if plane is not None:
            digest.update(np.ascontiguousarray(plane).data)
    return digest.hexdigest()
