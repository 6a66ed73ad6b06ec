"""What a store of evidence can do. The address of a blob is the SHA-256 of its bytes, in hex."""

from __future__ import annotations

import hashlib
from typing import Protocol

from yibao_face.sync.center.api import CenterError


class BlobError(CenterError):
    """Base class of what is wrong with one blob; the store itself works."""


class NoBlobError(BlobError):
    """Nothing lies under this address."""


class DamagedBlobError(BlobError):
    """What lies under this address is not what was put there."""


class Blob(Protocol):
    """Written once, complete or not at all. Safe to call from several threads and processes.

    Every function may raise ``StoreDownError``, in bounded time, when the store does not answer.
    """

    def put(self, sha256: str, data: bytes) -> bool:
        """On disk when this returns; ``False`` when the same bytes lay there already.

        ``sha256`` has to be that of ``data``. What lies there damaged is replaced.
        ``RefusedError`` (503 ``disk``) when there is no room.
        """
        ...

    def get(self, sha256: str) -> bytes:
        """The bytes, compared with their address; ``NoBlobError``, ``DamagedBlobError``."""
        ...

    def size(self, sha256: str) -> int | None:
        """Length in bytes, ``None``: not here."""
        ...

    def delete(self, sha256: str) -> None:
        """Remove it, if it is here."""
        ...

    def check(self) -> None:
        """Return if ``put`` would work now; raises what it would raise."""
        ...


def key_of(sha256: str) -> str:
    """The path of a blob in a folder or bucket: two levels by its first digits."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def whole(sha256: str, data: bytes) -> bool:
    """Whether these bytes are those of the address."""
    return hashlib.sha256(data).hexdigest() == sha256


def verified(sha256: str, data: bytes) -> bytes:
    """``data``, or ``DamagedBlobError``."""
    if not whole(sha256, data):
        raise DamagedBlobError("a piece of evidence was changed in its store")
    return data
