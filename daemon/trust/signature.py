"""Signatures behind one seam: Ed25519 here, SM2 where a certified module will bring it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

ED25519, SM2 = "ed25519", "sm2"
SEED_BYTES = 32


class SignatureError(Exception):
    """Something cannot be signed or verified."""


class BadSignatureError(SignatureError):
    """The signature is not that of the key over these bytes."""


class BadKeyError(SignatureError):
    """These bytes are no key of the algorithm."""


class UnknownAlgorithmError(SignatureError):
    """No algorithm of this name is foreseen."""


class UnavailableAlgorithmError(SignatureError):
    """The algorithm is foreseen, but this program has no implementation it may use."""


class Signer(Protocol):
    """Holds a private key. ``key_id``: see ``key_id_of``."""

    @property
    def algorithm(self) -> str:
        """Name of the algorithm, as it is written beside the signature."""
        ...

    @property
    def key_id(self) -> str:
        """Short name of the key pair."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The signature over ``data``."""
        ...

    def public_key(self) -> bytes:
        """The raw public key that belongs to it."""
        ...


class Verifier(Protocol):
    """Holds a public key."""

    @property
    def algorithm(self) -> str:
        """Name of the algorithm."""
        ...

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return when ``signature`` is the key's over ``data``; else ``BadSignatureError``."""
        ...


class Ed25519Signer:
    """RFC 8032 signatures of 64 bytes. ``seed``: 32 secret random bytes, else ``BadKeyError``."""

    __slots__ = ("_key", "_public_key", "algorithm", "key_id")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise BadKeyError(f"an ed25519 seed has {SEED_BYTES} bytes, not {len(seed)}")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public_key = self._key.public_key().public_bytes_raw()
        self.algorithm = ED25519
        self.key_id = key_id_of(self._public_key)

    def sign(self, data: bytes) -> bytes:
        """See ``Signer.sign``."""
        return self._key.sign(data)

    def public_key(self) -> bytes:
        """See ``Signer.public_key``: 32 bytes."""
        return self._public_key


@dataclass(frozen=True, slots=True)
class Ed25519Verifier:
    """``public_key``: 32 raw bytes, else ``BadKeyError``."""

    public_key: bytes
    algorithm: str = ED25519

    def __post_init__(self) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key)
        except ValueError as exc:
            raise BadKeyError("these bytes are no ed25519 public key") from exc

    def verify(self, signature: bytes, data: bytes) -> None:
        """See ``Verifier.verify``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, data)
        except InvalidSignature as exc:
            raise BadSignatureError("the signature does not fit key and content") from exc


_VERIFIERS = {ED25519: Ed25519Verifier}
# Foreseen by name (GB/T 32918); to imitate it without a certified module would be no signature.
_UNAVAILABLE = frozenset({SM2})


def verifier(algorithm: str, public_key: bytes) -> Verifier:
    """The verifier of a raw public key; raises a ``SignatureError`` that says what is wrong."""
    if algorithm in _UNAVAILABLE:
        raise UnavailableAlgorithmError(f"{algorithm} is not available in this version")
    made = _VERIFIERS.get(algorithm)
    if made is None:
        raise UnknownAlgorithmError("no such signature algorithm")
    return made(public_key)


def key_id_of(public_key: bytes) -> str:
    """First 16 hex digits of the SHA-256 of the raw public key."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def check_of(signer: Signer) -> Callable[[bytes, bytes], bool]:
    """Signature and signed bytes → whether it is that of ``signer``."""
    known = verifier(signer.algorithm, signer.public_key())

    def check(signature: bytes, data: bytes) -> bool:
        try:
            known.verify(signature, data)
        except BadSignatureError:
            return False
        return True

    return check
