"""What was accepted and refused, as the record log knows it: no file restored can roll it back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yibao_face.daemon.core.decision import refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Event, Kind
from yibao_face.daemon.ledger import Entry, Ledger, event_of
from yibao_face.daemon.trust import policy, revocation
from yibao_face.daemon.trust.document import Document
from yibao_face.sync.api import Query, Record

logger = logging.getLogger(__name__)

_KINDS = (Kind.DOCUMENT.value, Kind.REVOCATION.value, Kind.POLICY.value)


@dataclass(frozen=True, slots=True)
class Held:
    """The newest document of its kind and name. ``since_ms``: Unix ms of its acceptance."""

    kind: str
    name: str
    version: int
    sha256: str
    key_id: str
    since_ms: int
    record_id: str
    facts: Mapping[str, Any]


NOTHING = Held("", "", 0, "", "", 0, "", {})


@dataclass(frozen=True, slots=True)
class InboxLog:
    """Reads and writes the records about documents; raises ``StoreError``."""

    ledger: Ledger

    def in_force(self) -> list[Held]:
        """The newest of each kind and name, sorted."""
        newest: dict[tuple[str, str], Held] = {}
        # Not by ``Ledger.events``: what the centre ruled counts in a demo, too.
        for brief in self.ledger.outbox.briefs(Query(kinds=_KINDS)):
            held = _held(event_of(brief))
            if held.version > newest.get((held.kind, held.name), NOTHING).version:
                newest[held.kind, held.name] = held
        return [newest[key] for key in sorted(newest)]

    def held(self, kind: str, name: str) -> Held:
        """What is in force; version 0 for nothing."""
        found = (h for h in self.in_force() if (h.kind, h.name) == (kind, name))
        return next(found, NOTHING)

    def accept(
        self, document: Document, name: str, facts: Mapping[str, Any], sealed: Mapping[str, Any]
    ) -> Record:
        """Write down that ``document`` was applied."""
        kind = Kind.REVOCATION if document.kind == revocation.KIND else Kind.DOCUMENT
        detail = {
            **facts,
            "what": document.kind,
            "name": name,
            "version": document.version,
            "sha256": document.sha256,
            "key_id": document.key_id,
        }
        entry = Entry(kind, refused(Cause.RECORDED), detail=detail, sealed=sealed)
        return self.ledger.write(self.ledger.new_id(), entry)

    def alarm(self, what: str, reason: str, **facts: Any) -> None:
        """Write down that something was refused or found wrong; ``facts`` name nobody."""
        logger.warning("%s: %s", what, reason)
        detail = {"what": what, "reason": reason, **facts}
        entry = Entry(Kind.ALARM, refused(Cause.RECORDED), detail=detail)
        self.ledger.write(self.ledger.new_id(), entry)


def _held(event: Event) -> Held:
    told = dict(event.detail)
    kind = policy.KIND if event.kind is Kind.POLICY else str(told.get("what", ""))
    version = told.get("version", 0)
    return Held(
        kind,
        str(told.get("name", "")),
        version if type(version) is int else 0,
        event.text("sha256"),
        event.text("key_id"),
        event.at_ms,
        event.id,
        told,
    )
