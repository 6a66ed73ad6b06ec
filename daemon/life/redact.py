"""What may be a person's goes out of every line that is kept: numbers, pictures, keys, logins."""

from __future__ import annotations

import re
from collections.abc import Iterable

CUT = "…"
# What could be a picture or a key in base64 or hex.
_BLOB = re.compile(r"[A-Za-z0-9+/_=-]{40,}")
# rtsp://user:password@host
_LOGIN = re.compile(r"//[^/@\s\"]+@")
# Also as people write it: 138 0013 8000.
_PHONE = re.compile(r"(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)")
# Any long number may be somebody's; the last place of an id number may be an X.
_NUMBER = re.compile(r"\d{6,}[\dXx]?")
_MOST_CHARS = 2000


def clean(text: str) -> str:
    """``text`` in one line without long numbers, pictures, keys, and logins of cameras."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    line = _BLOB.sub(CUT, _LOGIN.sub(f"//{CUT}@", line))
    return _NUMBER.sub(CUT, _PHONE.sub(CUT, line))[:_MOST_CHARS]


def without(text: str, names: Iterable[str]) -> str:
    """``text`` without each of ``names``; a single character is no name."""
    for name in names:
        if len(name) > 1:
            text = text.replace(name, CUT)
    return text
