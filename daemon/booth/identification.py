"""Somebody at the camera nobody named: which one of a roster is it, if anyone."""

from __future__ import annotations

from datetime import date

from yibao_face.daemon.booth.encounter import likeness_of
from yibao_face.daemon.booth.look import Look, Scene, Sight
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.capture.session import Capture
from yibao_face.daemon.core.decision import Identified, Outcome, identify, refused
from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.gallery.gallery import Reference
from yibao_face.models.api import Embedding

# Persons looked at closely. The search goes by single samples, the decision by all of a person's:
# more than the two it needs, lest the true second be left out.
_CANDIDATES = 8


class Identification(Look):
    """Nobody expected in particular: one of ``roster``, digests of persons, or no one."""

    def __init__(
        self, scene: Scene, roster: frozenset[str], attempt: Attempt, today: date
    ) -> None:
        super().__init__(scene, attempt, today, Purpose.ATTENDANCE)
        self._roster = roster

    def run(self) -> Outcome:
        """Look, judge, search. Raises what ``codes.ERRORS`` lists; frees the camera again."""
        self.trace.among = self._scene.roster.size(self._roster, self._stamp)
        if not self.trace.among:
            return refused(Cause.NOT_ENROLLED)
        with self._scene.open_camera() as camera:
            sight = self._sight(camera)
            return refused(sight) if isinstance(sight, Cause) else self._find(sight)

    def _find(self, sight: Sight) -> Outcome:
        captured = self._gather(sight)
        if isinstance(captured, Cause):
            return refused(captured)
        if captured.verdict.cause is not None:
            # Whose picture it was is nobody's business.
            return refused(captured.verdict.cause)
        # All pictures there are: a search asks for more than a comparison does.
        *_, probe = self._probes(captured)
        references = self._candidates(probe)
        found = self._identified(captured, sight, probe, references)
        self.trace.lead = found.lead
        if found.outcome.answer is Answer.PASS:
            [own] = [r for r in references if r.person == found.outcome.matched]
            self.trace.consent = self._scene.gallery.consent(own.person)
            self._grow(probe, captured.best, own)
        return found.outcome

    def _candidates(self, probe: Embedding) -> list[Reference]:
        """Read from the gallery again: who was erased meanwhile has no reference."""
        found = self._scene.roster.nearest(self._roster, probe, _CANDIDATES, self._stamp)
        self.trace.among = found.persons
        read = (self._scene.gallery.reference(hit.key, self._stamp) for hit in found.hits)
        return [reference for reference in read if reference is not None]

    def _identified(
        self, captured: Capture, sight: Sight, probe: Embedding, references: list[Reference]
    ) -> Identified:
        likenesses = tuple(likeness_of(r, probe, self.trace.probe) for r in references)
        spoof, recorded = captured.verdict.cause, sight.is_recorded
        return identify(spoof, likenesses, self.trace.among, recorded, self._scene.match)
