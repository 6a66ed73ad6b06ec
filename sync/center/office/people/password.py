"""Passwords: which are good enough, and how they are kept (S1-07, S4-106)."""

from __future__ import annotations

import base64
import hmac
import secrets
import unicodedata

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

LEAST_CHARS = 10
KEPT = 5
_COST, _BLOCK, _LANES = 2**15, 8, 1
_SALT_BYTES, _HASH_BYTES = 16, 32
_LEAST_CLASSES, _LEAST_DIFFERENT = 3, 6


def weakness(password: str, name: str) -> str | None:
    """Why a password is refused, for its owner; ``None``: it is good."""
    if len(password) < LEAST_CHARS:
        return f"密码至少{LEAST_CHARS}个字符"
    if sum(any(is_one(ch) for ch in password) for is_one in _CLASSES) < _LEAST_CLASSES:
        return "密码须含大写字母、小写字母、数字、符号中的至少三类"
    if len({*password.lower()}) < _LEAST_DIFFERENT:
        return f"密码须有至少{_LEAST_DIFFERENT}个不同的字符"
    if name.lower() in password.lower():
        return "密码不能包含登录名"
    return None


def hashed(password: str) -> str:
    """What is kept of a password: scrypt with a salt of its own."""
    salt = secrets.token_bytes(_SALT_BYTES)
    parts = (base64.b64encode(part).decode() for part in (salt, _derived(password, salt)))
    return "$".join(("scrypt", str(_COST), *parts))


def fits(password: str, kept: str) -> bool:
    """Whether this is the password that was kept; takes as long for any ``kept``."""
    salt, wanted = (base64.b64decode(part) for part in kept.split("$")[2:])
    return hmac.compare_digest(_derived(password, salt), wanted)


def _derived(password: str, salt: bytes) -> bytes:
    plain = unicodedata.normalize("NFC", password).encode()
    return Scrypt(salt, _HASH_BYTES, _COST, _BLOCK, _LANES).derive(plain)


def _is_sign(ch: str) -> bool:
    return not ch.isalnum()


_CLASSES = (str.isupper, str.islower, str.isdigit, _is_sign)
# Compared with where there is no such user: the answer takes as long.
NOBODY = hashed(secrets.token_hex(16))
