"""What names somebody, as those see it who need not know (S4-72)."""

from __future__ import annotations

import re
from typing import Any, cast

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DIGEST_SHOWN, _ENDS = 6, 4


def person(digest: str) -> str:
    """Enough of a digest to tell two people of one page apart."""
    return f"{digest[:_DIGEST_SHOWN]}…" if digest else ""


def name(text: str) -> str:
    """``张*``: the family name only."""
    return text[:1] + "*" * (len(text) - 1)


def number(text: str) -> str:
    """The last two characters of an identity number."""
    return "*" * max(0, len(text) - 2) + text[-2:] if len(text) > _ENDS else "*" * len(text)


def tail(text: str) -> str:
    """The last four characters of a serial."""
    return f"…{text[-_ENDS:]}" if len(text) > _ENDS else "*" * len(text)


def inner(value: Any) -> Any:
    """A decoded JSON value with every digest of a person in it masked."""
    if isinstance(value, str):
        return person(value) if _DIGEST.fullmatch(value) else value
    if isinstance(value, list):
        return [inner(item) for item in cast(list[object], value)]
    if isinstance(value, dict):
        return {inner(key): inner(item) for key, item in cast(dict[str, Any], value).items()}
    return value
