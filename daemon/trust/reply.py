"""What the daemon signs of an answer, so that the caller knows who answered, and what."""

from __future__ import annotations

import hashlib
import re

HEADER_NONCE = "X-HCF-Nonce"
HEADER_SIGNATURE = "X-HCF-Signature"
NONCE_BYTES = 32
_PREFIX = b"yibao-face reply v1\n"
_NONCE = re.compile(rf"[0-9a-f]{{{2 * NONCE_BYTES}}}")


def nonce_of(header: str | None) -> bytes | None:
    """The nonce a caller sent; ``None`` where there is none or it is not 64 lower-case digits."""
    if header is None or _NONCE.fullmatch(header) is None:
        return None
    return bytes.fromhex(header)


def statement(nonce: bytes, path: str, request: bytes, reply: bytes) -> bytes:
    """The 180 bytes to sign: ``reply`` answers the call with ``nonce`` of ``request`` at ``path``.

    Raises ``ValueError`` for a nonce of another length and a path that is not one ASCII line.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
    if not path.isascii() or "\n" in path:
        raise ValueError("the path is not one line of ASCII")
    asked = hashlib.sha512(path.encode("ascii") + b"\n" + request).digest()
    return _PREFIX + nonce + asked + hashlib.sha512(reply).digest()
