"""The device key and what is sealed under it: AEAD by suite for data, HMAC for person ids."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from yibao_face.daemon.gallery import dpapi
from yibao_face.daemon.gallery.cipher import (
    NONCE_BYTES,
    SM,
    SM4_KEY_BYTES,
    STANDARD,
    Aead,
    AesGcm,
    Sm4Gcm,
)

_KEY_BYTES = 32
_KEY_ID_BYTES = 4
# The first two bytes of a sealed blob: how it is sealed. Of the oldest, no key id follows.
_BARE_AES, _AES, _SM4 = b"Y1", b"Y2", b"S2"


class VaultError(Exception):
    """The device key is missing, unreadable by design, or does not open what was sealed."""


class KeyWrap(Protocol):
    """How the device key lies on disk: as it is (POSIX 0600) or bound to the machine (DPAPI)."""

    def wrap(self, key: bytes) -> bytes:
        """Bytes to write to the key file."""
        ...

    def unwrap(self, stored: bytes) -> bytes:
        """The key again; ``OSError`` when this machine may not."""
        ...


class PlainWrap:
    """The key as it is: the file's mode 0600 is its only guard."""

    def wrap(self, key: bytes) -> bytes:
        """See ``KeyWrap.wrap``."""
        return key

    def unwrap(self, stored: bytes) -> bytes:
        """See ``KeyWrap.unwrap``."""
        return stored


def platform_wrap() -> KeyWrap:
    """DPAPI on Windows, the plain file elsewhere."""
    return dpapi.DpapiWrap() if sys.platform == "win32" else PlainWrap()


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and opens; ``seal`` binds the data to ``label`` so that rows cannot be swapped.

    ``sign_seed``: 32 bytes for the daemon's signature key; ``reply_seed``: for that of replies;
    ``seal_seed``: for the X25519 key documents of the centre are sealed to; ``link_seed``: guards
    the key of the link to it. ``suite``: of what is sealed from now on; what was sealed under the
    other one opens as well.
    """

    _data_key: bytes = field(repr=False)
    _digest_key: bytes = field(repr=False)
    sign_seed: bytes = field(repr=False, default=b"")
    reply_seed: bytes = field(repr=False, default=b"")
    seal_seed: bytes = field(repr=False, default=b"")
    link_seed: bytes = field(repr=False, default=b"")
    _sm4_key: bytes = field(repr=False, default=bytes(SM4_KEY_BYTES))
    suite: str = STANDARD

    def seal(self, data: bytes, label: str) -> bytes:
        """Encrypt ``data``; the same ``label`` is needed to open it.

        Two bytes of format, four of key id, the nonce, ciphertext and tag.
        """
        form = _SM4 if self.suite == SM else _AES
        aead, key_id = self._key(form)
        nonce = os.urandom(NONCE_BYTES)
        return form + key_id + nonce + aead.seal(nonce, data, label.encode())

    def open(self, sealed: bytes, label: str) -> bytes:
        """Decrypt; ``VaultError`` for another key, label or a changed byte."""
        form = sealed[:2]
        if form not in (_BARE_AES, _AES, _SM4):
            raise VaultError(f"{label}: not sealed in a format this program knows")
        aead, key_id = self._key(form)
        if not sealed.startswith(key_id, 2):
            raise VaultError(f"{label}: sealed under another key than that of this device")
        body = sealed[2 + len(key_id) :]
        try:
            return aead.open(body[:NONCE_BYTES], body[NONCE_BYTES:], label.encode())
        except (InvalidTag, ValueError) as exc:
            raise VaultError(f"{label}: does not open under this key") from exc

    def _key(self, form: bytes) -> tuple[Aead, bytes]:
        """The key of a format, and the id that stands before what it sealed."""
        if form == _SM4:
            return Sm4Gcm(self._sm4_key), _key_id(self._sm4_key)
        return AesGcm(self._data_key), b"" if form == _BARE_AES else _key_id(self._data_key)

    def digest(self, kind: str, number: str) -> str:
        """Keyed digest of an id number: equal for equal numbers, not guessable without the key."""
        message = f"{kind}:{number}".encode()
        return hmac.new(self._digest_key, message, hashlib.sha256).hexdigest()


def open_vault(key_file: Path, wrap: KeyWrap | None = None, suite: str = STANDARD) -> Vault:
    """Load the device key, or make one on first use (mode 0600); raises ``VaultError``."""
    wrap = wrap or platform_wrap()
    try:
        if not key_file.exists():
            create_once(key_file, wrap.wrap(secrets.token_bytes(_KEY_BYTES)))
        _refuse_open_mode(key_file)
        key = wrap.unwrap(key_file.read_bytes())
    except OSError as exc:
        raise VaultError(f"{key_file.name} cannot be used") from exc
    if len(key) != _KEY_BYTES:
        raise VaultError(f"{key_file.name} holds {len(key)} bytes, not a device key")
    purposes = (b"data", b"digest", b"sign", b"reply", b"seal", b"link")
    data, digest, sign, reply, seal, link = (_derived(key, purpose) for purpose in purposes)
    sm4 = _derived(key, b"data sm4", SM4_KEY_BYTES)
    return Vault(data, digest, sign, reply, seal, link, _sm4_key=sm4, suite=suite)


def create_once(key_file: Path, stored: bytes) -> None:
    """Make a file only its owner may read, or leave the one that is there; ``OSError``."""
    key_file.parent.mkdir(parents=True, exist_ok=True)
    part = key_file.with_suffix(f".{secrets.token_hex(8)}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    # Not os.write: Windows' C library would put a CR before each LF of the key.
    with os.fdopen(handle, "wb") as file:
        file.write(stored)
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link never replaces: of two daemons starting at once, one key wins for both.
        os.link(part, key_file)
    except FileExistsError:
        pass
    finally:
        part.unlink()


def _refuse_open_mode(key_file: Path) -> None:
    if sys.platform != "win32" and key_file.stat().st_mode & 0o077:
        raise VaultError(f"{key_file.name} may be read by others: chmod 600 it")


def _key_id(key: bytes) -> bytes:
    """Tells keys apart, and nothing about them: they are random."""
    return hashlib.sha256(b"yibao-face key id " + key).digest()[:_KEY_ID_BYTES]


def _derived(key: bytes, purpose: bytes, length: int = _KEY_BYTES) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=b"yibao-face " + purpose).derive(key)
