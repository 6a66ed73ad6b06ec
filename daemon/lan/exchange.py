"""The bytes of LAN mode, the daemon's side (docs/lan.md): greeting, keys, sealed frames.

X25519 (RFC 7748), Ed25519 (RFC 8032), HMAC-SHA-512 (RFC 2104), ChaCha20-Poly1305 (RFC 8439).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from yibao_face.daemon.trust.signature import Signer

MAGIC = b"YBL1"
ID_BYTES, SECRET_BYTES = 8, 32
HELLO_BYTES, WELCOME_BYTES = 76, 100
LENGTH_BYTES, TAG_BYTES = 4, 16
_STATED_BYTES = 44
_KEY_BYTES = 32
_CALLER, _DAEMON, _KEYS = (
    f"yibao-face lan {part} v1\n".encode() for part in ("caller", "daemon", "keys")
)
# A key is of one call and one direction: its nonce may be zero.
_ONCE = bytes(12)


class LanError(Exception):
    """What came is not of a paired caller, or damaged; the message is a word for the tally."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What a caller says first. ``caller``: its id in hex; nothing of it is proven yet."""

    raw: bytes
    caller: str
    public: bytes

    def is_of(self, secret: bytes) -> bool:
        """Whether who said it knows ``secret``."""
        mac = _mac(secret, _CALLER, self.raw[:_STATED_BYTES])[:_KEY_BYTES]
        return hmac.compare_digest(mac, self.raw[_STATED_BYTES:])


@dataclass(frozen=True, slots=True)
class Keys:
    """Of one call: ``call`` opens it, ``reply`` seals the answer."""

    call: bytes = field(repr=False)
    reply: bytes = field(repr=False)


def read_hello(raw: bytes) -> Hello:
    """Take ``raw`` apart; ``LanError`` where it is none of ours."""
    if len(raw) != HELLO_BYTES or not raw.startswith(MAGIC):
        raise LanError("garbage")
    start = len(MAGIC) + ID_BYTES
    return Hello(raw, raw[len(MAGIC) : start].hex(), raw[start:_STATED_BYTES])


def welcome(
    hello: Hello, secret: bytes, signer: Signer, ephemeral: X25519PrivateKey
) -> tuple[bytes, Keys]:
    """What the daemon says back, signed, and the keys both sides have then.

    ``ephemeral``: fresh for each hello, which makes a challenge of it. ``LanError`` for a public
    key that leaves no secret.
    """
    said = MAGIC + ephemeral.public_key().public_bytes_raw()
    whole = said + signer.sign(_DAEMON + hello.raw + said)
    try:
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(hello.public))
    except ValueError as exc:
        raise LanError("garbage") from exc
    return whole, keys_of(secret, shared, hello.raw + whole)


def keys_of(secret: bytes, shared: bytes, met: bytes) -> Keys:
    """Of the caller's secret, the X25519 secret, and all that was said before (``met``)."""
    both = _mac(secret, _KEYS, shared + hashlib.sha512(met).digest())
    return Keys(both[:_KEY_BYTES], both[_KEY_BYTES:])


def seal(key: bytes, text: bytes) -> bytes:
    """A frame: length, ciphertext, tag. Once per key."""
    sealed = ChaCha20Poly1305(key).encrypt(_ONCE, text, None)
    return len(sealed).to_bytes(LENGTH_BYTES, "big") + sealed


def unseal(key: bytes, sealed: bytes) -> bytes:
    """The text of a frame, without its length; ``LanError`` where one bit is another."""
    try:
        return ChaCha20Poly1305(key).decrypt(_ONCE, sealed, None)
    except (InvalidTag, ValueError) as exc:
        raise LanError("damaged") from exc


def frame_length(raw: bytes, most: int) -> int:
    """Bytes that follow; ``LanError`` for none and for more than ``most``."""
    length = int.from_bytes(raw, "big")
    if not TAG_BYTES < length <= most:
        raise LanError("size")
    return length


def _mac(secret: bytes, label: bytes, said: bytes) -> bytes:
    return hmac.new(secret, label + said, hashlib.sha512).digest()
