"""Evidence by the SHA-256 of its bytes: where it lies, and who has sent it."""

from __future__ import annotations

from sqlalchemy import delete

from yibao_face.sync.center.api import Caller, RefusedError
from yibao_face.sync.center.store.blob.api import Blob, whole
from yibao_face.sync.center.store.database import Database, put_once
from yibao_face.sync.center.store.tables import EVIDENCE


class Evidence:
    """The bytes in ``blob``, and a row for each sender."""

    def __init__(self, database: Database, blob: Blob) -> None:
        self._database, self.blob = database, blob

    def put(self, caller: Caller, sha256: str, data: bytes, now_ms: int) -> bool:
        """Keep ``data``; ``True`` when this device had not sent it before.

        ``RefusedError`` when the name is not its hash, or there is no room.
        """
        if not whole(sha256, data):
            raise RefusedError(422, "hash", "the address is not the SHA-256 of the body")
        self.blob.put(sha256, data)
        row = {"sha256": sha256, "device": caller.device, "size_bytes": len(data)}
        with self._database.writing() as db:
            return put_once(db, EVIDENCE, {**row, "received_ms": now_ms}, "sha256")

    def drop(self, sha256: str) -> None:
        """Remove what every sender sent under this name: a person is erased. May be repeated."""
        with self._database.writing() as db:
            db.execute(delete(EVIDENCE).where(EVIDENCE.c.sha256 == sha256))
        self.blob.delete(sha256)
