"""Authenticated encryption by suite: AES-256-GCM, or SM4-GCM where 国密 is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

STANDARD, SM = "standard", "sm"
NONCE_BYTES = 12
SM4_KEY_BYTES = 16
_TAG_BYTES = 16


class Aead(Protocol):
    """One key. ``nonce``: 12 bytes, never twice; ``label``: bound to the data, not hidden."""

    def seal(self, nonce: bytes, data: bytes, label: bytes) -> bytes:
        """Ciphertext and tag."""
        ...

    def open(self, nonce: bytes, sealed: bytes, label: bytes) -> bytes:
        """The data; ``InvalidTag`` or ``ValueError`` for anything but what was sealed."""
        ...


@dataclass(frozen=True, slots=True)
class AesGcm:
    """``key``: 32 bytes."""

    key: bytes = field(repr=False)

    def seal(self, nonce: bytes, data: bytes, label: bytes) -> bytes:
        """See ``Aead.seal``."""
        return AESGCM(self.key).encrypt(nonce, data, label)

    def open(self, nonce: bytes, sealed: bytes, label: bytes) -> bytes:
        """See ``Aead.open``."""
        return AESGCM(self.key).decrypt(nonce, sealed, label)


@dataclass(frozen=True, slots=True)
class Sm4Gcm:
    """GB/T 32907 in GCM (RFC 8998). ``key``: 16 bytes."""

    key: bytes = field(repr=False)

    def seal(self, nonce: bytes, data: bytes, label: bytes) -> bytes:
        """See ``Aead.seal``."""
        running = Cipher(SM4(self.key), GCM(nonce)).encryptor()
        running.authenticate_additional_data(label)
        return running.update(data) + running.finalize() + running.tag

    def open(self, nonce: bytes, sealed: bytes, label: bytes) -> bytes:
        """See ``Aead.open``."""
        if len(sealed) < _TAG_BYTES:
            raise InvalidTag
        body, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
        running = Cipher(SM4(self.key), GCM(nonce, tag)).decryptor()
        running.authenticate_additional_data(label)
        return running.update(body) + running.finalize()
