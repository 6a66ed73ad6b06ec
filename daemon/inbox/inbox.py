"""Takes in letters of the centre: verified, newer than what is held, applied, then on record.

A process that dies in between leaves a document applied and not recorded; the centre offers it
again, and to apply it again changes nothing. Who else takes in letters waits outside.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from yibao_face.daemon.core.policy import PolicyError
from yibao_face.daemon.core.scene.round import TaskError
from yibao_face.daemon.inbox.kind.mend import mend
from yibao_face.daemon.inbox.kind.person import PERSONS
from yibao_face.daemon.inbox.kind.roster import AGENTS, put_agents
from yibao_face.daemon.inbox.kind.site import Site
from yibao_face.daemon.inbox.letter import NotUnderstoodError
from yibao_face.daemon.inbox.log import Held, InboxLog
from yibao_face.daemon.inbox.parcel import Parcel
from yibao_face.daemon.inbox.table import KINDS, Kind
from yibao_face.daemon.trust import revocation
from yibao_face.daemon.trust.document import DocumentError, open_document
from yibao_face.daemon.trust.sealed import SealedError, is_sealed, open_payload
from yibao_face.daemon.wire.request import BadRequestError
from yibao_face.sync.api import StoreError
from yibao_face.sync.uplink.api import Letter, LetterRefusedError

# What is wrong with the document itself: it will never be right.
_REFUSED = (DocumentError, PolicyError, TaskError, BadRequestError)
_WAIT_S = 60.0


class Inbox:
    """One per process, or several: they wait for each other. See the uplink's ``Inbox``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.log = InboxLog(site.desk.ledger)
        self._told: set[tuple[str, str]] = set()
        self._guard = threading.Lock()

    def take(self, letter: Letter) -> None:
        """Verify and apply, wholly or not at all, on disk when this returns.

        ``LetterRefusedError``, on record: it will never do. What else is raised (``StoreError``,
        ``GalleryError``, ``ModelError``…) is a fault of this machine: to be tried again.
        """
        with self._guard, _alone(self._site.data / "inbox.lock"):
            try:
                self._take(letter)
            except _REFUSED as exc:
                self._refuse(letter, str(exc))
                raise LetterRefusedError(str(exc)) from exc
            except OSError as exc:
                told = f"the document cannot be kept: {exc.strerror or type(exc).__name__}"
                raise StoreError(told) from exc

    def in_force(self) -> list[Held]:
        """The newest document of each kind and name."""
        return self.log.in_force()

    def mend(self) -> bool:
        """Put the files beside the log right, at the start; whether any was changed."""
        with self._guard, _alone(self._site.data / "inbox.lock"):
            try:
                return mend(self._site, self.log, self._again)
            except OSError as exc:
                raise StoreError(f"a document cannot be mended: {exc.strerror}") from exc

    def _take(self, letter: Letter) -> None:
        kind = KINDS.get(letter.kind)
        if kind is None:
            raise NotUnderstoodError("this program knows no documents of this kind")
        parcel = self._opened(letter, kind)
        document, name = parcel.document, kind.name_of(parcel)
        held = self.log.held(document.kind, name)
        if document.sha256 == held.sha256:
            return
        if document.version <= held.version:
            raise NotUnderstoodError(f"not newer than version {held.version}")
        applied = kind.apply(self._site, parcel)
        if kind.records:
            self.log.accept(document, name, applied.facts, applied.sealed)
        elif self.log.held(document.kind, name).sha256 != document.sha256:
            raise NotUnderstoodError("the daemon did not accept it; its record says why")
        self._follow(document.kind)

    def _opened(self, letter: Letter, kind: Kind) -> Parcel:
        document = open_document(letter.envelope, letter.kind, self._site.desk.centre)
        if document.version != letter.version:
            raise NotUnderstoodError(f"version {document.version} was announced as another")
        if is_sealed(document.payload):
            opened = open_payload(
                document.payload, self._site.seal_seed, document.kind, document.version
            )
            document = replace(document, payload=opened)
        elif kind.sealed:
            raise SealedError("the document must be sealed to this device, and is not")
        return Parcel(document, letter.envelope)

    def _follow(self, kind: str) -> None:
        """What one document means for others that are in force."""
        if kind == revocation.KIND:
            mend(self._site, self.log, self._again)
        if kind == PERSONS:
            for held in self.in_force():
                if held.kind == AGENTS and held.facts.get("waiting"):
                    self._agents_again(held)

    def _agents_again(self, held: Held) -> None:
        """Relations that waited for somebody to be enrolled; the record stays the first one."""
        record = self._site.desk.ledger.outbox.get(held.record_id)
        if record is not None:
            payload = self._site.desk.ledger.opened(record)["agents"]
            put_agents(self._site.desk, payload, held.sha256)

    def _again(self, letter: Letter) -> bool:
        """Take what lies in a file; whether it holds."""
        try:
            self._take(letter)
        except _REFUSED as exc:
            self._refuse(letter, str(exc))
            return False
        return True

    def _refuse(self, letter: Letter, reason: str) -> None:
        """On record, once for each content and reason while this process lives."""
        digest = hashlib.sha256(letter.envelope).hexdigest()
        if (digest, reason) in self._told:
            return
        kind = letter.kind if letter.kind in KINDS else ""
        self.log.alarm("document", reason, kind=kind, version=letter.version, sha256=digest)
        self._told.add((digest, reason))


@contextmanager
def _alone(path: Path) -> Generator[None, None, None]:
    """Nobody else, in whatever process, while this lasts; let go when the process dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(
            sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
        ) as db:
            db.execute("BEGIN EXCLUSIVE")
            yield
    except sqlite3.Error as exc:
        raise StoreError(f"{path.name} cannot be held: {exc}") from exc
