"""Signatures behind one seam: Ed25519, and SM2 (GB/T 32918) where its library is installed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

ED25519, SM2 = "ed25519", "sm2"
SEED_BYTES = 32
SM2_PRIVATE_BYTES, SM2_PAIR_BYTES = 32, 96


class SignatureError(Exception):
    """Something cannot be signed or verified."""


class BadSignatureError(SignatureError):
    """The signature is not that of the key over these bytes."""


class BadKeyError(SignatureError):
    """These bytes are no key of the algorithm."""


class UnknownAlgorithmError(SignatureError):
    """No algorithm of this name is foreseen."""


class UnavailableAlgorithmError(SignatureError):
    """The algorithm is known, but its library is not installed here."""


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


class Sm2Signer:
    """Signatures in DER, with SM3 and the default signer id. ``pair``: private, then public key.

    ``BadKeyError`` where they are none, ``UnavailableAlgorithmError`` without the library.
    """

    __slots__ = ("_private", "_public", "algorithm", "key_id")

    def __init__(self, pair: bytes) -> None:
        if len(pair) != SM2_PAIR_BYTES:
            raise BadKeyError(f"an sm2 key pair has {SM2_PAIR_BYTES} bytes, not {len(pair)}")
        self._private, self._public = pair[:SM2_PRIVATE_BYTES], pair[SM2_PRIVATE_BYTES:]
        self.algorithm = SM2
        self.key_id = key_id_of(self._public)
        try:
            # A pair that does not belong together would sign what nobody can verify.
            Sm2Verifier(self._public).verify(self.sign(b""), b"")
        except BadSignatureError as exc:
            raise BadKeyError("these bytes are no sm2 key pair") from exc

    def sign(self, data: bytes) -> bytes:
        """See ``Signer.sign``."""
        library = _gmssl()
        try:
            return bytes(library.sm2_sign(self._private, self._public, data))
        except library.GmsslInnerError as exc:
            raise BadKeyError("these bytes are no sm2 key pair") from exc

    def public_key(self) -> bytes:
        """See ``Signer.public_key``: 64 bytes, x and y."""
        return self._public


@dataclass(frozen=True, slots=True)
class Sm2Verifier:
    """``public_key``: 64 bytes, a point of the curve, else ``BadKeyError``."""

    public_key: bytes
    algorithm: str = SM2

    def __post_init__(self) -> None:
        library = _gmssl()
        try:
            library.normalize_sm2_public_key(self.public_key)
        except library.GmsslInnerError as exc:
            raise BadKeyError("these bytes are no sm2 public key") from exc
        if len(self.public_key) != SM2_PAIR_BYTES - SM2_PRIVATE_BYTES:
            raise BadKeyError("these bytes are no sm2 public key")

    def verify(self, signature: bytes, data: bytes) -> None:
        """See ``Verifier.verify``."""
        library = _gmssl()
        try:
            fits = bool(library.sm2_verify(self.public_key, data, signature))
        except library.GmsslInnerError as exc:
            raise BadSignatureError("the signature does not fit key and content") from exc
        if not fits:
            raise BadSignatureError("the signature does not fit key and content")


def new_sm2_pair() -> bytes:
    """A key pair as ``Sm2Signer`` takes it; ``UnavailableAlgorithmError``."""
    public, private = _gmssl().sm2_key_generate()
    return bytes(private) + bytes(public)


def has_sm2() -> bool:
    """Whether its library is installed."""
    try:
        _gmssl()
    except UnavailableAlgorithmError:
        return False
    return True


def _gmssl() -> Any:
    """The library of the extra ``sm``: to imitate it would be no signature."""
    try:
        import gmssl_pyx  # noqa: PLC0415  # optional
    except ImportError as exc:
        raise UnavailableAlgorithmError(
            "sm2 is not available in this installation: its extra is yibao-face[sm]"
        ) from exc
    return gmssl_pyx


_VERIFIERS: dict[str, Callable[[bytes], Verifier]] = {
    ED25519: Ed25519Verifier,
    SM2: Sm2Verifier,
}


def verifier(algorithm: str, public_key: bytes) -> Verifier:
    """The verifier of a raw public key; raises a ``SignatureError`` that says what is wrong."""
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
