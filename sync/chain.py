"""Every record is tied to the one before it: a changed or missing one cannot hide.

``hash_n = H(hash_{n-1} || content_n)``, with ``content_n`` the canonical JSON (RFC 8785) of record
n, its number and the schema; ``hash_0`` is 32 zero bytes. Heads (number and hash) are signed by
the device, so that neither the end is cut off nor everything written anew. Pure functions.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256 as _SHA256
from cryptography.hazmat.primitives.hashes import SM3 as _SM3
from cryptography.hazmat.primitives.hashes import Hash, HashAlgorithm

from yibao_face.sync.api import FIELDS, Record, values_of

SCHEMA = 3
SHA256, SM3 = "sha256", "sm3"
HASH_BYTES = 32
GENESIS = bytes(HASH_BYTES)
_ALGORITHMS: dict[str, type[HashAlgorithm]] = {SHA256: _SHA256, SM3: _SM3}


class ChainError(Exception):
    """A chain cannot be computed as asked."""


def body_of(record: Record, seq: int) -> dict[str, Any]:
    """What of a record is hashed, and travels: its fields, ``seq`` (from 1) and ``schema``.

    ``sealed_request`` in base64.
    """
    body = dict(zip(FIELDS, values_of(record), strict=True))
    body["demo"] = bool(record.demo)
    body["sealed_request"] = base64.b64encode(record.sealed_request).decode()
    body["seq"], body["schema"] = seq, SCHEMA
    return body


def canonical(body: dict[str, Any]) -> bytes:
    """The one spelling of a JSON object without fractions; ``ChainError`` for half a surrogate."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise ChainError("a text holds half a surrogate pair") from exc


def digest(data: bytes, algorithm: str = SHA256) -> bytes:
    """The 32-byte hash of ``data``; ``ChainError`` for an unknown algorithm."""
    made = _ALGORITHMS.get(algorithm)
    if made is None:
        raise ChainError(f"no hash algorithm {algorithm!r}, only {', '.join(_ALGORITHMS)}")
    running = Hash(made())
    running.update(data)
    return running.finalize()


def next_hash(prev: bytes, content: bytes, algorithm: str = SHA256) -> bytes:
    """The hash of a record with this canonical content, after one with hash ``prev``."""
    return digest(prev + content, algorithm)


def head_statement(seq: int, hash_: bytes, at_ms: int, algorithm: str) -> bytes:
    """The bytes a device signs to say: up to ``seq`` this is my chain."""
    return f"yibao-face head v1\n{seq}\n{hash_.hex()}\n{at_ms}\n{algorithm}".encode()


def gap_content(first: int, last: int, at_ms: int, reason: str) -> bytes:
    """Canonical JSON of a loss that was found and told: records ``first`` to ``last``.

    It takes their place in the chain; the records after it are chained anew.
    """
    return canonical({"lost": [first, last], "at_ms": at_ms, "reason": reason})


def gap_statement(content: bytes, hash_: bytes) -> bytes:
    """The bytes a device signs to say: this loss was found by ``repair``."""
    return b"yibao-face gap v1\n" + hash_.hex().encode() + b"\n" + content
