"""Photographs that prove something (S0-52, S0-58): sealed files, named by what is in them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from yibao_face.daemon.gallery.vault import Vault, VaultError

MAX_PHOTO_BYTES = 8 * 1024 * 1024


class EvidenceError(Exception):
    """A piece of evidence cannot be kept or found."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A folder of sealed files; the name is the keyed digest of the content, not guessable."""

    folder: Path
    vault: Vault

    def put(self, data: bytes) -> str:
        """Keep ``data`` on disk and return its name; the same data is kept once."""
        if not 0 < len(data) <= MAX_PHOTO_BYTES:
            raise EvidenceError(f"evidence of {len(data)} bytes, 1..{MAX_PHOTO_BYTES} are kept")
        name = self.vault.digest("evidence", hashlib.sha256(data).hexdigest())
        try:
            if not self._holds(name, data):
                write_sealed(self.folder / name, self.vault.seal(data, f"evidence/{name}"))
        except OSError as exc:
            raise EvidenceError(f"evidence cannot be written: {exc.strerror}") from exc
        return name

    def get(self, name: str) -> bytes:
        """The data again; ``EvidenceError`` when it is not there, ``VaultError`` when changed."""
        if len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise EvidenceError("no name of a piece of evidence")
        try:
            sealed = (self.folder / name).read_bytes()
        except OSError as exc:
            raise EvidenceError(f"evidence {name[:8]} cannot be read: {exc.strerror}") from exc
        return self.vault.open(sealed, f"evidence/{name}")

    def _holds(self, name: str, data: bytes) -> bool:
        """Whether the file is there, and whole."""
        try:
            return (self.folder / name).exists() and self.get(name) == data
        except VaultError:
            return False


def write_sealed(path: Path, sealed: bytes) -> None:
    """The whole file or none, for its owner alone and on disk; raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.urandom(4).hex()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
