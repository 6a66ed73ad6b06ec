"""One person expected at the camera: seen, judged alive, matched; enrolled first where unknown.

``identification.Identification`` does not know whom to expect; ``look.Look`` is what both begin
with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from yibao_face.daemon.booth.counter import Consent, Prompt, Stage
from yibao_face.daemon.booth.look import Look, Scene, Sight
from yibao_face.daemon.booth.still.card import face_of_card, objection, read_card
from yibao_face.daemon.booth.still.photo import face_of
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.capture.session import Capture
from yibao_face.daemon.core.decision import Likeness, Outcome, decide, is_certain, refused
from yibao_face.daemon.core.encounter import Answer, Cause, Who
from yibao_face.daemon.core.identity import masked
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.core.template import Source
from yibao_face.daemon.gallery.gallery import Enrolment, Numbers, Picture, Reference
from yibao_face.drivers.reader.api import IdCard
from yibao_face.models.api import Embedding
from yibao_face.models.embed import cosine, fuse

# A template of several samples is refused far less often than one of a single picture.
_TEMPLATE_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is asked for. ``agents``: a registered agent may stand there instead (S0-58).

    ``challenge``: whoever stands there is asked to move, whatever the camera proves.
    """

    numbers: Numbers
    name: str = field(repr=False)
    agents: bool = False
    purpose: Purpose = Purpose.SETTLEMENT
    challenge: bool = False


class Encounter(Look):
    """Somebody expected: the person the call names, or an agent of his."""

    def __init__(
        self, scene: Scene, id_: str, subject: Subject, attempt: Attempt, today: date
    ) -> None:
        super().__init__(scene, attempt, today, subject.purpose, challenge=subject.challenge)
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
            sight = self._sight(camera)
            if isinstance(sight, Cause):
                return refused(sight)
            if person is None:
                return self._enrol_and_verify(sight)
            references = self._references(person)
            if not references:
                return refused(Cause.TEMPLATE_STALE)
            return self._verify(sight, references)

    def _references(self, person: str) -> list[Reference]:
        found = self._scene.gallery.references(person, self._stamp, self._today)
        return [r for r in found if self._subject.agents or r.who is Who.SELF]

    def _verify(self, sight: Sight, references: list[Reference]) -> Outcome:
        captured = self._gather(sight)
        if isinstance(captured, Cause):
            return refused(captured)
        recorded = sight.is_recorded
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

    def _enrol_and_verify(self, sight: Sight) -> Outcome:
        """Consent, capture, confirmation; the template is kept only once fresh frames match it.

        Only they are asked to move. A camera that proves little never makes a template.
        """
        if sight.plan.audit:
            return refused(Cause.NOT_ENROLLED)
        consent = self._ask(Stage.CONSENT)
        if not consent.accepted:
            return refused(Cause.CONSENT_REFUSED)
        captured = self._gather(sight, moving=False)
        if isinstance(captured, Cause):
            return refused(captured)
        if captured.verdict.cause is not None:
            return refused(captured.verdict.cause)
        embedding = self._embeddings(captured)
        samples = [
            Picture(embedding(shot), merit=shot.merit)
            for shot in captured.shots[:_TEMPLATE_SAMPLES]
        ]
        confirmed = self._ask(Stage.CONFIRM)
        obstacle = self._confirmation(confirmed, samples)
        if obstacle is not None:
            return refused(obstacle)
        fresh = Reference(Who.SELF, "", _fused(samples), samples=len(samples))
        outcome = self._verify(sight, [fresh])
        if outcome.answer is Answer.PASS:
            self._scene.gallery.add(self._enrolment(confirmed), samples, self._stamp)
        return outcome

    def _ask(self, stage: Stage) -> Consent:
        assert self._scene.consent is not None  # noqa: S101  # run() refused without one
        numbers = self._subject.numbers
        number = numbers.id_number or numbers.person_number
        texts = {
            Stage.CONSENT: self._scene.consent.text,
            Stage.CONFIRM: "请核对本人与证件，确认为同一人，或刷身份证、拍摄证件照比对",
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
        printed = self._printed(given)
        if printed is None or isinstance(printed, Cause):
            return printed
        needed = self._scene.match.needed(1, len(samples))
        if not cosine(printed, _fused(samples)) >= needed:
            return Cause.ID_PHOTO_MISMATCH
        samples.append(Picture(printed, Source.ID_PHOTO))
        return None

    def _printed(self, given: Consent) -> Embedding | Cause | None:
        """The face on the document, ``None`` where the staff's word alone is given."""
        if not given.id_card:
            photo = given.id_photo
            return None if photo is None else face_of(self._scene.models, photo, "id photo")
        if self._scene.open_reader is None:
            return Cause.READER_MISSING
        with self._scene.open_reader() as reader:
            card = read_card(reader, self._attempt, demo=self._scene.match.demo)
        number = self._subject.numbers.id_number.upper()
        obstacle = card if isinstance(card, Cause) else objection(card, number, self._today)
        if obstacle is not None:
            return obstacle
        assert isinstance(card, IdCard)  # noqa: S101  # a cause was an obstacle
        return face_of_card(self._scene.models, card)

    def _enrolment(self, confirmed: Consent) -> Enrolment:
        document = "id-card" if confirmed.id_card else "id-photo"
        how = document if confirmed.id_card or confirmed.id_photo is not None else "staff"
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
