"""The centre's own secret: signs sessions and the audit head, seals what names a person."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from yibao_face.sync.center.api import CenterError

SECRET = "office-secret.bin"  # noqa: S105  # the name of its file
_BYTES, _NONCE_BYTES = 32, 12


class Secrets:
    """Opened from the centre's data folder, made there at the first start; ``CenterError``."""

    def __init__(self, folder: Path) -> None:
        file = folder / SECRET
        try:
            with contextlib.suppress(FileExistsError):
                _write(file, secrets.token_bytes(_BYTES))
            self._secret = file.read_bytes()
        except OSError as exc:
            raise CenterError(f"{SECRET} cannot be used: {exc.strerror}") from exc
        if len(self._secret) != _BYTES:
            raise CenterError(f"{SECRET} does not hold {_BYTES} bytes")
        self._sealing = AESGCM(self._key("seal"))

    def code(self, purpose: str, data: bytes) -> bytes:
        """32 bytes nobody can make without the secret; another for each purpose."""
        return hmac.digest(self._key(purpose), data, "sha256")

    def seal(self, label: str, text: str) -> bytes:
        """``text`` as only ``unseal`` with the same label reads it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, text.encode(), label.encode())

    def unseal(self, label: str, data: bytes) -> str:
        """The sealed text; ``CenterError`` when it was changed or moved."""
        nonce, rest = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
        try:
            return self._sealing.decrypt(nonce, rest, label.encode()).decode()
        except (InvalidTag, ValueError) as exc:
            raise CenterError("what was sealed with the office's secret was altered") from exc

    def _key(self, purpose: str) -> bytes:
        return HKDF(SHA256(), _BYTES, None, f"yibao-face office {purpose}".encode()).derive(
            self._secret
        )


def _write(file: Path, data: bytes) -> None:
    """Wholly or not at all: another process may start at the same moment."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, file)
    finally:
        draft.unlink(missing_ok=True)
