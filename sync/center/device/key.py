"""A device's public keys: one it signs with, one that documents for it are sealed to."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yibao_face.sync.center.api import RefusedError

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class DeviceKeys:
    """``sign``: Ed25519; ``seal``: X25519; both raw, 32 bytes."""

    sign: bytes
    seal: bytes

    @property
    def key_id(self) -> str:
        """The short name of the signing key: what stands in a stick's header."""
        return key_id_of(self.sign)


def key_id_of(public_key: bytes) -> str:
    """First 16 hex digits of the SHA-256 of a raw public key."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def read_keys(body: dict[str, Any]) -> DeviceKeys | None:
    """``keys`` of an enrolment or renewal, ``None`` where left out; raises ``RefusedError``."""
    given = body.get("keys")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise _refused("keys is not a JSON object")
    keys = cast(dict[str, Any], given)
    sign, seal = (_raw(keys.get(name), name) for name in ("sign", "seal"))
    try:
        Ed25519PublicKey.from_public_bytes(sign)
    except ValueError as exc:
        raise _refused("keys.sign is no Ed25519 key") from exc
    return DeviceKeys(sign, seal)


def genuine(sign: bytes, signature: str, data: bytes) -> bool:
    """Whether ``signature`` (base64) is that of the raw public key ``sign`` over ``data``."""
    try:
        return verified(sign, base64.b64decode(signature, validate=True), data)
    except ValueError:
        return False


def verified(sign: bytes, signature: bytes, data: bytes) -> bool:
    """As ``genuine``, of a raw signature."""
    try:
        Ed25519PublicKey.from_public_bytes(sign).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _raw(text: object, name: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError as exc:
        raise _refused(f"keys.{name} is not base64") from exc
    if len(raw) != _KEY_BYTES or base64.b64encode(raw).decode() != text:
        raise _refused(f"keys.{name} is not {_KEY_BYTES} bytes in base64")
    return raw


def _refused(message: str) -> RefusedError:
    return RefusedError(422, "keys", message)
