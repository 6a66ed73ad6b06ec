"""A stream encrypted in chunks: nothing of it is believed before its chunk was found genuine.

``MAGIC``, a line of JSON that says how the key is made, then chunks of AES-256-GCM. A chunk's
nonce is its number and whether it is the last, its associated data everything before the chunks:
none can be changed, moved, left out or cut off. Each file has a key of its own (random salt).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from yibao_face.sync.center.api import CenterError

MAGIC = b"yibao-face backup v1\n"
CHUNK_BYTES = 1 << 20
KEY_BYTES = 32
_TAG_BYTES, _SALT_BYTES, _MAX_HEADER_BYTES = 16, 16, 1024
_N, _R, _P = 1 << 17, 8, 1
_MOST_N = 1 << 20
MIN_PASSPHRASE_CHARS = 12


class SealError(CenterError):
    """The file is not a backup, or not one that this key opens."""


class Secret(Protocol):
    """What opens a backup."""

    def header(self) -> dict[str, Any]:
        """How the key of a new file is made."""
        ...

    def key(self, header: dict[str, Any]) -> bytes:
        """The key of a file with this header; ``SealError``."""
        ...


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A sentence somebody remembers; scrypt makes guessing it dear (128 MiB each time)."""

    text: str

    def header(self) -> dict[str, Any]:
        """See ``Secret.header``."""
        return {"kdf": "scrypt", "n": _N, "r": _R, "p": _P, "salt": os.urandom(_SALT_BYTES).hex()}

    def key(self, header: dict[str, Any]) -> bytes:
        """See ``Secret.key``."""
        _of_kind(header, "scrypt", "a passphrase")
        numbers = [header.get(name) for name in ("n", "r", "p")]
        n, r, p = (value if type(value) is int else 0 for value in numbers)
        # Read before anything is authentic: what they cost is bounded here.
        if not (2 <= n <= _MOST_N and not n & (n - 1) and 1 <= r <= 16 and 1 <= p <= 4):
            raise SealError("the file's key is made in a way that is not ours")
        made = Scrypt(salt=_salt(header), length=KEY_BYTES, n=n, r=r, p=p)
        return made.derive(self.text.encode())


@dataclass(frozen=True, slots=True)
class KeyFile:
    """``secret``: 32 random bytes."""

    secret: bytes

    def header(self) -> dict[str, Any]:
        """See ``Secret.header``."""
        return {"kdf": "hkdf-sha256", "salt": os.urandom(_SALT_BYTES).hex()}

    def key(self, header: dict[str, Any]) -> bytes:
        """See ``Secret.key``."""
        _of_kind(header, "hkdf-sha256", "a key file")
        made = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=_salt(header), info=MAGIC)
        return made.derive(self.secret)


class Sealing:
    """Writes what it is given to ``out``, sealed. ``close`` ends it; ``out`` stays open."""

    def __init__(self, out: BinaryIO, secret: Secret) -> None:
        header = secret.header()
        self._data = MAGIC + json.dumps(header, separators=(",", ":")).encode() + b"\n"
        self._cipher = AESGCM(secret.key(header))
        self._out, self._buffer, self._number = out, bytearray(), 0
        out.write(self._data)

    def write(self, data: bytes, /) -> None:
        """More of the content."""
        self._buffer += data
        # The last chunk is marked as such: one is held back until more comes.
        while len(self._buffer) > CHUNK_BYTES:
            self._chunk(bytes(self._buffer[:CHUNK_BYTES]), last=False)
            del self._buffer[:CHUNK_BYTES]

    def close(self) -> None:
        """No more comes."""
        self._chunk(bytes(self._buffer), last=True)

    def _chunk(self, data: bytes, *, last: bool) -> None:
        nonce = _nonce(self._number, last=last)
        self._out.write(self._cipher.encrypt(nonce, data, self._data))
        self._number += 1


def unsealed(file: BinaryIO, secret: Secret) -> Iterator[bytes]:
    """The content, chunk by chunk, each found genuine; ``SealError`` at the first that is not.

    Whoever has to be sure of the end reads to the end.
    """
    line = file.readline(len(MAGIC)) + file.readline(_MAX_HEADER_BYTES)
    cipher = AESGCM(secret.key(_header(line)))
    number, data = 0, file.read(CHUNK_BYTES + _TAG_BYTES)
    while True:
        more = file.read(CHUNK_BYTES + _TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(number, last=not more), data, line)
        except InvalidTag as exc:
            told = "the key is not that of this backup, or the file was changed"
            raise SealError(told if not number else "the backup was changed or cut") from exc
        if not more:
            return
        number, data = number + 1, more


def _header(line: bytes) -> dict[str, Any]:
    if not line.startswith(MAGIC) or not line.endswith(b"\n"):
        raise SealError("the file is no backup of a centre")
    try:
        header = json.loads(line.removeprefix(MAGIC))
    except (ValueError, RecursionError) as exc:
        raise SealError("the file is no backup of a centre") from exc
    if not isinstance(header, dict):
        raise SealError("the file is no backup of a centre")
    return cast(dict[str, Any], header)


def _of_kind(header: dict[str, Any], kind: str, told: str) -> None:
    if header.get("kdf") != kind:
        raise SealError(f"this backup is not opened with {told}")


def _salt(header: dict[str, Any]) -> bytes:
    try:
        salt = bytes.fromhex(header["salt"])
    except (KeyError, TypeError, ValueError) as exc:
        raise SealError("the file's key is made in a way that is not ours") from exc
    if len(salt) != _SALT_BYTES:
        raise SealError("the file's key is made in a way that is not ours")
    return salt


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])
