"""What every act at the desk has at hand, and its two ways: before the camera, or by word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from typing import Any, Self

from yibao_face.daemon.booth.booth import Booth
from yibao_face.daemon.booth.encounter import Subject
from yibao_face.daemon.booth.still.photo import decode
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.decision import Outcome, refused
from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.scene.event import Event, Kind
from yibao_face.daemon.core.scene.treatment import ItemRule
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.gallery.evidence import Evidence
from yibao_face.daemon.gallery.gallery import Gallery, Numbers
from yibao_face.daemon.gallery.keeper import EvidenceKeeper
from yibao_face.daemon.ledger import Entry, Ledger
from yibao_face.daemon.trust.document import CentreKeys
from yibao_face.sync.api import Query


@dataclass(frozen=True, slots=True)
class AttendanceRules:
    """``duplicate_ms``: a repeat within it is no new sign. ``tolerance_ms``: of the clock."""

    duplicate_ms: int
    tolerance_ms: int


@dataclass(frozen=True, slots=True)
class DeskRules:
    """What a site lays down. ``round_cutoff``: by when each inpatient was seen today (S0-50)."""

    institution: str
    round_cutoff: time
    items: Mapping[str, ItemRule]
    makeup_within_ms: int
    max_agents: int
    max_cards: int
    attendance: AttendanceRules


@dataclass(frozen=True, slots=True)
class Done:
    """How an act ended. ``id``: of its record. ``facts``: what a window may show beside it."""

    cause: Cause
    id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Desk:
    """Collaborators of the acts, handed in."""

    booth: Booth
    ledger: Ledger
    gallery: Gallery
    evidence: Evidence
    centre: CentreKeys
    rules: DeskRules
    keeper: EvidenceKeeper

    def close(self) -> None:
        """Release the camera's thread and the record log."""
        self.booth.close()
        self.ledger.outbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def institution(self, form: Form) -> str:
        """The institution of a call: named in it, else the configured one."""
        named = form.text_or_empty("institution", "机构编号", 20) or self.rules.institution
        if not named:
            raise FormError("请填写机构编号(institution)，或在配置中设置")
        return named

    def subject(self, form: Form) -> tuple[Subject, str]:
        """Who is meant, and the digest records name him by."""
        id_number = form.text_or_empty("id", "证件号码", 30).upper()
        person_number = form.text_or_empty("psn", "个人编号", 50)
        if not id_number and not person_number:
            raise FormError("请填写证件号码(id)或个人编号(psn)")
        numbers = Numbers(id_number, person_number)
        name = form.text_or_empty("name", "姓名", 30)
        return Subject(numbers, name), self.gallery.person_of(numbers)

    def named(self, form: Form, key: str, title: str) -> str:
        """The digest of the person whose id number is under ``key``."""
        return self.gallery.person_of(Numbers(form.text(key, title, 30).upper()))

    def keep(self, form: Form, lane: str, record_id: str) -> list[str]:
        """Keep the photographs of a call as evidence; their names. Raises ``PhotoError``.

        ``lane``: what they are worth; ``record_id``: of the record that will name them.
        """
        photos = form.photos("photos", "照片")
        for number, photo in enumerate(photos, 1):
            decode(photo, f"photo {number}")
        names = [self.evidence.put(photo) for photo in photos]
        for name in names:
            self.keeper.kept(name, lane, record_id, self.ledger.clock.unix_ms())
        return names

    def note(self, entry: Entry, id_: str = "") -> Done:
        """Write down an act nobody had to stand before the camera for."""
        record = self.ledger.write(id_ or self.ledger.new_id(), entry)
        return Done(entry.outcome.cause, record.id)

    def refuse(self, entry: Entry, cause: Cause) -> Done:
        """Write down that the act ``entry`` was refused, and why."""
        return self.note(replace(entry, outcome=refused(cause)))

    def meet(self, subject: Subject, entry: Entry, attempt: Attempt) -> Done:
        """Run an encounter and write it down as ``entry``; the person himself must stand there."""
        id_ = self.ledger.new_id()
        outcome, trace = self.booth.meet(id_, subject, attempt)
        record = self.ledger.write(id_, replace(entry, outcome=outcome, trace=trace))
        return Done(outcome.cause, record.id, {"passed": outcome.answer is Answer.PASS})

    def events(
        self,
        institution: str,
        *kinds: Kind,
        first: date | None = None,
        person: str | None = None,
        causes: tuple[Cause, ...] = (),
    ) -> list[Event]:
        """Records of ``kinds`` of an institution: from the day ``first``, of ``person``, …"""
        query = Query(
            kinds=tuple(kind.value for kind in kinds),
            causes=tuple(cause.value for cause in causes),
            institution=institution,
            person=person,
            first_day=first.isoformat() if first else None,
        )
        return self.ledger.events(query)


def recorded() -> Outcome:
    """The outcome of an act by word: written down, nobody passed."""
    return refused(Cause.RECORDED)
