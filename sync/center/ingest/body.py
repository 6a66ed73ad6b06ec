"""The bytes of a request body: unpacked within bounds, read as JSON in one way only."""

from __future__ import annotations

import zlib
from typing import Any

from yibao_face.sync import strict
from yibao_face.sync.center.api import RefusedError

_GZIP = 16 + zlib.MAX_WBITS


def unpacked(data: bytes, encoding: str, limit: int) -> bytes:
    """``data`` as it was before packing, at most ``limit`` bytes; raises ``RefusedError``.

    ``encoding``: the header, ``gzip``, ``identity`` or empty. One gzip member, nothing behind it.
    """
    if encoding in ("", "identity"):
        plain = data
    elif encoding == "gzip":
        plain = _gunzipped(data, limit)
    else:
        raise RefusedError(415, "encoding", "Content-Encoding must be gzip or absent")
    if len(plain) > limit:
        raise RefusedError(413, "too-large", f"the body unpacks to more than {limit} bytes")
    return plain


def strict_json(data: bytes) -> Any:
    """Decoded JSON; the same key twice, NaN, infinity and bad UTF-8 are refused."""
    try:
        return strict.strict_json(data)
    except (ValueError, RecursionError) as exc:
        raise RefusedError(400, "json", "the body is not strict JSON in UTF-8") from exc


def _gunzipped(data: bytes, limit: int) -> bytes:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        # One byte more than allowed is enough to know, whatever the rest would grow to.
        plain = unpacking.decompress(data, limit + 1)
    except zlib.error as exc:
        raise RefusedError(400, "gzip", "the body is not gzip") from exc
    if len(plain) <= limit and (not unpacking.eof or unpacking.unused_data):
        raise RefusedError(400, "gzip", "the body is not exactly one whole gzip member")
    return plain
