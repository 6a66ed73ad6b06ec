"""JSON that can be read in one way only: no key twice, no NaN, no infinity."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For ``object_pairs_hook``; ``ValueError`` for a key that comes twice."""
    body = dict(pairs)
    if len(body) != len(pairs):
        raise ValueError("the same key twice")
    return body


def no_number(_name: str) -> NoReturn:
    """For ``parse_constant``: raises ``ValueError``."""
    raise ValueError("not a number")


# Built once: ``json.loads`` with hooks makes a decoder at every call.
_STRICT = json.JSONDecoder(object_pairs_hook=once, parse_constant=no_number)
_FINITE = json.JSONDecoder(parse_constant=no_number)


def strict_json(data: bytes) -> Any:
    """Decode UTF-8; raises ``ValueError`` or ``RecursionError``."""
    return _STRICT.decode(data.decode())


def finite_json(text: str) -> Any:
    """Decode; the same key twice passes. Raises ``ValueError`` or ``RecursionError``."""
    return _FINITE.decode(text)
