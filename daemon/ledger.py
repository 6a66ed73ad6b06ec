"""Write down what happened before anybody is told, and read it back for the scenes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

from yibao_face.daemon.booth.look import Trace
from yibao_face.daemon.clock import Clock, moment
from yibao_face.daemon.core.decision import Outcome
from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.identity import uuid7
from yibao_face.daemon.core.scene.event import HIS_KINDS, Event, Kind
from yibao_face.daemon.gallery.vault import Vault, VaultError
from yibao_face.daemon.trust.certificate import Certificate, Facts, issue
from yibao_face.daemon.trust.signature import Signer
from yibao_face.daemon.wire.request import Finding
from yibao_face.drivers.api import CameraInfo
from yibao_face.sync.api import Brief, Query, Record
from yibao_face.sync.outbox import Outbox

_NO_CERTIFICATE = Certificate("", "")
_MAX_OPENED_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a result was decided with, for the record: networks and thresholds as JSON.

    ``consent_text``: version in force (S0-49). ``demo``: recordings may pass, nothing counts.
    """

    models: str
    thresholds: str
    consent_text: str
    demo: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """What to write down. ``detail``: facts that name nobody; ``sealed``: those that do."""

    kind: Kind
    outcome: Outcome
    institution: str = ""
    person: str = ""
    deal_no: str = ""
    request_sha256: str = ""
    rule: str = ""
    trace: Trace = field(default_factory=Trace)
    findings: tuple[Finding, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sealed: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)


def _nobody(id_: str, cause: Cause) -> None:
    del id_, cause


@dataclass(frozen=True, slots=True)
class Ledger:
    """The record log of this daemon. ``told`` hears how each encounter ended, once on disk."""

    outbox: Outbox
    vault: Vault
    signer: Signer
    provenance: Provenance
    clock: Clock
    told: Callable[[str, Cause], None] = _nobody

    def new_id(self) -> str:
        """An id for what begins now."""
        return uuid7(self.clock.unix_ms(), self.clock.random(10))

    def write(self, id_: str, entry: Entry) -> Record:
        """Put ``entry`` on disk and return the row; raises ``StoreError``."""
        try:
            record = self._record(id_, entry)
            self.outbox.put(record)
        except Exception:
            self.told(id_, Cause.STORE_FAILED)
            raise
        self.told(id_, entry.outcome.cause)
        return record

    def events(self, query: Query) -> list[Event]:
        """What the log holds, as the scenes read it, in the order written.

        Rows of the demo count only in a demo, rows of a counter only there.
        """
        asked = replace(query, demo=self.provenance.demo)
        return [event_of(row) for row in self.outbox.briefs(asked)]

    def page(self, query: Query, first: int, count: int) -> tuple[int, list[Record]]:
        """How many records ``query`` finds, and ``count`` of them from the ``first``, 0-based."""
        asked = replace(query, demo=self.provenance.demo)
        rows = self.outbox.find(replace(asked, limit=count, offset=first))
        return self.outbox.total(asked), rows

    def opened(self, record: Record) -> dict[str, Any]:
        """The sealed part of ``record``; raises ``VaultError``."""
        found: dict[str, Any] = json.loads(
            _unpacked(self.vault.open(record.sealed_request, _label(record.id)))
        )
        return found

    def _record(self, id_: str, entry: Entry) -> Record:
        at_ms = self.clock.unix_ms()
        outcome, trace = entry.outcome, entry.trace
        certificate = self._certificate(id_, entry, at_ms)
        return Record(
            id=id_,
            kind=entry.kind.value,
            at_unix_ms=at_ms,
            day=moment(at_ms).date().isoformat(),
            request_sha256=entry.request_sha256,
            institution=entry.institution,
            deal_no=entry.deal_no,
            person=entry.person,
            code=int(outcome.answer),
            who=int(outcome.who),
            cause=outcome.cause.value,
            rule=entry.rule,
            certificate_no=certificate.no,
            certificate=certificate.text,
            scores=json.dumps(_scores(outcome, trace)),
            models=self.provenance.models,
            thresholds=self.provenance.thresholds,
            evidence_sha256=trace.evidence_sha256,
            camera=_camera(trace.camera),
            consent=trace.consent,
            consent_text=self.provenance.consent_text,
            findings=json.dumps([asdict(f) for f in entry.findings]),
            detail=json.dumps(dict(entry.detail), ensure_ascii=False),
            sealed_request=self._seal(id_, entry.sealed),
            demo=self.provenance.demo,
        )

    def _certificate(self, id_: str, entry: Entry, at_ms: int) -> Certificate:
        """Codes 1 and 2 of a HIS call have one, nothing else has."""
        outcome = entry.outcome
        if outcome.answer is Answer.FAIL or entry.kind not in HIS_KINDS:
            return _NO_CERTIFICATE
        facts = Facts(
            institution=entry.institution,
            deal_no=entry.deal_no,
            person=entry.person,
            code=int(outcome.answer),
            type=int(outcome.who),
            cause=outcome.cause.value,
            rule=entry.rule,
            at_ms=at_ms,
            demo=self.provenance.demo,
        )
        return issue(id_, facts, self.signer)

    def _seal(self, id_: str, sealed: Mapping[str, Any]) -> bytes:
        text = json.dumps(dict(sealed), ensure_ascii=False, default=str)
        # Before it is encrypted: what is encrypted cannot be made smaller.
        packed = zlib.compress(text.encode("utf-8", "replace"))
        return self.vault.seal(packed, _label(id_))


def _scores(outcome: Outcome, trace: Trace) -> dict[str, Any]:
    """What the result rests on, as far as it got; features by their names."""
    more: dict[str, Any] = {
        "template": trace.template,
        "score": trace.score,
        "intrinsics": trace.intrinsics,
        "challenge": [trial.detail() for trial in trace.trials],
        "audit": trace.audit,
    }
    return {
        "similarity": outcome.similarity,
        "frames": trace.frames,
        "probe": trace.probe,
        **trace.liveness,
        # A score of 0 says something, unlike an empty list.
        **{key: value for key, value in more.items() if value or isinstance(value, float)},
    }


def _camera(info: CameraInfo | None) -> str:
    """``driver/model/serial``, then ``/usb_id/firmware`` where one of them is known."""
    if info is None:
        return ""
    known = f"{info.driver}/{info.model}/{info.serial}"
    return f"{known}/{info.usb_id}/{info.firmware}" if info.usb_id or info.firmware else known


def event_of(row: Brief | Record) -> Event:
    """A row as the scenes read it."""
    return Event(
        id=row.id,
        kind=Kind(row.kind),
        at_ms=row.at_unix_ms,
        day=date.fromisoformat(row.day),
        institution=row.institution,
        person=row.person,
        answer=Answer(row.code),
        cause=Cause(row.cause),
        deal_no=row.deal_no,
        certificate_no=row.certificate_no,
        detail=json.loads(row.detail) if row.detail != "{}" else {},
    )


def _unpacked(data: bytes) -> bytes:
    """The JSON text; records of release 0.1 hold it as it is."""
    if data.startswith(b"{"):
        return data
    running = zlib.decompressobj()
    try:
        text = running.decompress(data, _MAX_OPENED_BYTES)
    except zlib.error as exc:
        raise VaultError("a sealed part is damaged") from exc
    if not running.eof:
        raise VaultError("a sealed part is cut off or far too long")
    return text


def _label(id_: str) -> str:
    return f"result/{id_}"
