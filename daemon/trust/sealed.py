"""Payloads only one device can read: HPKE (RFC 9180) to the X25519 key of the device.

``{"to": key id, "sealed": base64}`` in the place of the payload; what is inside is a JSON text,
deflated. Who wrote it, the signature of the document says; kind and version are bound to it, so
that it opens in no other document.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from yibao_face.daemon.trust.document import DocumentError, strict_json
from yibao_face.daemon.trust.signature import key_id_of

MAX_OPENED_BYTES = 8 * 1024 * 1024
KEY_BYTES = 32
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_KEYS = frozenset({"to", "sealed"})


class SealedError(DocumentError):
    """The sealed part does not open here: it is another device's, or damaged."""


def public_key_of(seed: bytes) -> bytes:
    """The raw 32-byte X25519 key that belongs to the vault's ``seal_seed``."""
    return X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def is_sealed(payload: object) -> bool:
    """Whether a payload is a sealed one."""
    return isinstance(payload, dict) and cast(dict[str, Any], payload).keys() == _KEYS


def seal_payload(text: str, public_key: bytes, kind: str, version: int) -> dict[str, str]:
    """The payload that only the device with ``public_key`` opens; ``SealedError``."""
    strict_json(text)
    if len(text) > MAX_OPENED_BYTES // 4:
        raise SealedError(f"more than {MAX_OPENED_BYTES // 4} characters cannot be sealed")
    packed = zlib.compress(text.encode("utf-8", "surrogatepass"), 9)
    try:
        to = X25519PublicKey.from_public_bytes(public_key)
        sealed = _SUITE.encrypt(packed, to, _info(kind, version))
    except ValueError as exc:
        raise SealedError("these bytes are no X25519 public key") from exc
    return {"to": key_id_of(public_key), "sealed": base64.b64encode(sealed).decode()}


def open_payload(payload: Mapping[str, Any], seed: bytes, kind: str, version: int) -> Any:
    """What ``seal_payload`` sealed to this device, decoded; ``DocumentError`` for all else."""
    if payload["to"] != key_id_of(public_key_of(seed)):
        raise SealedError("the document is sealed to another device")
    try:
        data = base64.b64decode(payload["sealed"], validate=True)
        opened = _SUITE.decrypt(
            data, X25519PrivateKey.from_private_bytes(seed), _info(kind, version)
        )
    except (InvalidTag, ValueError, TypeError) as exc:
        raise SealedError("the sealed part does not open with the key of this device") from exc
    return strict_json(_inflated(opened))


def _inflated(data: bytes) -> str:
    running = zlib.decompressobj()
    try:
        text = running.decompress(data, MAX_OPENED_BYTES).decode()
    except (zlib.error, UnicodeDecodeError) as exc:
        raise SealedError("the sealed part is damaged") from exc
    if not running.eof or running.unused_data:
        raise SealedError("the sealed part is cut off or too long")
    return text


def _info(kind: str, version: int) -> bytes:
    return f"yibao-face sealed v1\n{kind}\n{version}".encode()
