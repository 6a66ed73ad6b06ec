"""Evidence files by the SHA-256 of their bytes: written once, complete or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from pathlib import Path

from sqlalchemy import delete

from yibao_face.sync.center.api import Caller, Limits, RefusedError, StoreDownError
from yibao_face.sync.center.store.database import Database, put_once
from yibao_face.sync.center.store.tables import EVIDENCE


class Evidence:
    """Files in ``folder``, two levels deep by the first hex digits, and a row for each sender."""

    def __init__(self, database: Database, folder: Path, limits: Limits) -> None:
        self._database, self._folder, self._limits = database, folder, limits
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, caller: Caller, sha256: str, data: bytes, now_ms: int) -> bool:
        """Keep ``data``; ``True`` when this device had not sent it before.

        ``RefusedError`` when the name is not its hash, or the disk is needed for results.
        """
        if hashlib.sha256(data).hexdigest() != sha256:
            raise RefusedError(422, "hash", "the address is not the SHA-256 of the body")
        if shutil.disk_usage(self._folder).free < self._limits.free_disk_bytes:
            raise RefusedError(503, "disk", "no room for evidence", retry_after_s=600)
        file = self._folder / sha256[:2] / sha256[2:4] / sha256
        if not file.exists():
            self._write(file, data)
        row = {"sha256": sha256, "device": caller.device, "size_bytes": len(data)}
        with self._database.writing() as db:
            return put_once(db, EVIDENCE, {**row, "received_ms": now_ms}, "sha256")

    def drop(self, sha256: str) -> None:
        """Remove what every sender sent under this name: a person is erased. May be repeated."""
        with self._database.writing() as db:
            db.execute(delete(EVIDENCE).where(EVIDENCE.c.sha256 == sha256))
        try:
            (self._folder / sha256[:2] / sha256[2:4] / sha256).unlink(missing_ok=True)
        except OSError as exc:
            raise StoreDownError(f"evidence cannot be removed: {exc.strerror}") from exc

    def _write(self, file: Path, data: bytes) -> None:
        draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                with draft.open("xb") as out:
                    out.write(data)
                    out.flush()
                    os.fsync(out.fileno())
                draft.replace(file)
                _fsync_folder(file.parent)
            finally:
                draft.unlink(missing_ok=True)
        except OSError as exc:
            raise StoreDownError(f"evidence cannot be written: {exc.strerror}") from exc


def _fsync_folder(folder: Path) -> None:
    # Windows cannot open folders; there the file system keeps the rename.
    with contextlib.suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
