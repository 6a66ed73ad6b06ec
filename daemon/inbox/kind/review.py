"""The regulator's word on a registration that was made here: it counts as the desk's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from yibao_face.daemon.core.scene.agent import Mandate, in_force, mandates
from yibao_face.daemon.core.scene.detail import has_control
from yibao_face.daemon.core.scene.event import Event, Kind
from yibao_face.daemon.core.scene.special import registrations
from yibao_face.daemon.desk.desk import Desk, recorded
from yibao_face.daemon.gallery.gallery import Relation
from yibao_face.daemon.inbox.kind.payload import Fields
from yibao_face.daemon.inbox.kind.site import Site
from yibao_face.daemon.inbox.letter import NotUnderstoodError
from yibao_face.daemon.inbox.parcel import Applied, Parcel
from yibao_face.daemon.ledger import Entry

REVIEW = "review"
_KEYS = ("of", "kind", "institution", "approved", "reason", "reviewer", "at_ms")
_MOST_REASON = 500
_MOST_MS = 2**53 - 1


@dataclass(frozen=True, slots=True)
class _Word:
    """What was decided. ``document``: SHA-256 of what says so."""

    of: str
    institution: str
    approved: bool
    reason: str
    reviewer: str
    at_ms: int
    document: str

    def detail(self) -> dict[str, Any]:
        """As the desk's own review, and by which document."""
        return {
            "of": self.of,
            "approved": self.approved,
            "reviewer": self.reviewer,
            "decided_ms": self.at_ms,
            "document_sha256": self.document,
        }


def apply_review(site: Site, parcel: Parcel) -> Applied:
    """Put the review on record, once; a rejected registration no longer counts from now on.

    ``special``: as ``desk.registration.review``; ``agent``: a rejected relation ends at once.
    """
    fields = parcel.fields.only(*_KEYS)
    kind = fields.choice("kind", _APPLY)
    word = _Word(
        fields.text("of", 40),
        fields.text("institution", 32),
        _verdict(fields),
        _reason(fields),
        fields.text("reviewer", 64),
        fields.whole("at_ms", 0, _MOST_MS),
        parcel.document.sha256,
    )
    _APPLY[kind](site.desk, word)
    return Applied({"institution": word.institution, "of": word.of, "approved": word.approved})


def _special(desk: Desk, word: _Word) -> None:
    events = desk.events(word.institution, Kind.SPECIAL, Kind.REVIEW)
    found = next((r for r in registrations(events) if r.id == word.of), None)
    if found is None:
        raise _unknown()
    _note(desk, word, found.person, events)


def _agent(desk: Desk, word: _Word) -> None:
    events = desk.events(word.institution, Kind.AGENT, Kind.REVIEW)
    found = next((m for m in mandates(events) if m.id == word.of), None)
    if found is None:
        raise _unknown()
    # On record first, and again in this order after a process that died in between.
    _note(desk, word, found.person, events)
    if not word.approved:
        _end(desk, word, found, events)


def _end(desk: Desk, word: _Word, mandate: Mandate, events: list[Event]) -> None:
    """As ``desk.registration.revoke_agent``; one that was registered anew meanwhile stands."""
    standing = in_force(events, mandate.person, desk.ledger.clock.unix_ms())
    others = [m for m in standing if m.agent == mandate.agent and m.id != mandate.id]
    if others:
        return
    if any(m.id == mandate.id for m in standing):
        detail = {"event": "revoke", "agent": mandate.agent, "staff": word.reviewer}
        detail["document_sha256"] = word.document
        entry = Entry(Kind.AGENT, recorded(), word.institution, mandate.person, detail=detail)
        desk.note(entry)
    desk.gallery.relate([Relation(mandate.person, mandate.agent, mandate.relation, None)])


def _note(desk: Desk, word: _Word, person: str, events: Iterable[Event]) -> None:
    known = (e for e in events if e.kind is Kind.REVIEW and e.text("of") == word.of)
    if any(e.text("document_sha256") == word.document for e in known):
        return
    sealed = {"reason": word.reason} if word.reason else {}
    detail = word.detail()
    entry = Entry(Kind.REVIEW, recorded(), word.institution, person, detail=detail, sealed=sealed)
    desk.note(entry)


def _verdict(fields: Fields) -> bool:
    if "approved" not in fields.body:
        raise fields.wrong("approved", "is missing")
    return fields.flag("approved")


def _reason(fields: Fields) -> str:
    """Free text of a person, who may have broken lines."""
    value = fields.body.get("reason", "")
    text = " ".join(value.split()) if isinstance(value, str) else "\0"
    if len(text) > _MOST_REASON or has_control(text):
        raise fields.wrong("reason", f"is not a text of 0 to {_MOST_REASON} characters")
    return text


def _unknown() -> NotUnderstoodError:
    return NotUnderstoodError("no such registration was made here / 本机没有这条登记")


_APPLY = {"special": _special, "agent": _agent}
