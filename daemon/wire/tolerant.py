"""Read what HIS vendors send for JSON: strict first, then as the document writes it (Q1).

The document's own samples carry a C declaration around the object, single quotes, full-width
quotes and colons, a trailing comma, and a Chinese remark where a value should be
(``0 或者 1, (0 是出院, 1: 在院)``). One pass over the text, outside strings only, turns these
into strict JSON; pyjson5 reads the strings. Nothing is guessed inside a string. The pass stops
by itself after ``MAX_TOKENS`` pieces or ``MAX_DEPTH`` open brackets, whatever is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import pyjson5

# Nested deeper than any request of the interface: exp_content is the second level.
MAX_DEPTH = 8
# Fifty times the pieces of a complete call of 26 fields.
MAX_TOKENS = 8192

# Bounded on purpose: nested `\s*` over a long run of spaces would take minutes.
_DECLARATION = re.compile(
    r"\s{0,99}(?:const\s{1,9})?char\s{0,9}[*＊]?\s{0,9}\w{1,40}\s{0,9}(?:\[\s{0,9}\])?"
    r"\s{0,9}[=＝]\s{0,99}(?=[{｛])"
)
_NOT_A_NUMBER = re.compile(r"[+-]?(?:nan|infinity)", re.IGNORECASE)
_FULL_WIDTH = str.maketrans("，：｛｝［］", ",:{}[]")
_PYTHON = {"True": "true", "False": "false", "None": "null"}
_BARE = r"(?:(?!//|/\*)[^\"'“”‘’＂＇(){}\[\],:，：；;（）｛｝［］\s\ufeff])+"
_TOKEN = re.compile(
    rf"""(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<wide>“[^”\n]*”|‘[^’\n]*’|”[^“”\n]*”|’[^‘’\n]*’|＂[^＂\n]*＂|＇[^＇\n]*＇)
      | (?P<remark>\([^()]*\)|（[^（）]*）|//[^\n]*|/\*.*?\*/|```[^\n]*)
      | (?P<mark>[{{}}\[\],:，：｛｝［］])
      | (?P<space>[\s\ufeff]+)
      | (?P<bare>{_BARE}(?:[^\S\n]+{_BARE})*)""",
    re.VERBOSE | re.DOTALL,
)
_LITERAL = re.compile(r"(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)\Z", re.A)


class NotJsonError(ValueError):
    """Neither JSON nor anything near it."""


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of text. ``kind``: string, wide, remark, mark, space or bare."""

    kind: str
    text: str


def parse(text: str) -> tuple[dict[str, Any], bool]:
    """The object in ``text``, and whether leniency was needed. Raises ``NotJsonError``."""
    found, lenient = value_of(text)
    if not isinstance(found, dict):
        raise NotJsonError("not an object")
    return cast(dict[str, Any], found), lenient


def value_of(text: str) -> tuple[Any, bool]:
    """As ``parse``, for a value of any type: a call may be a string that holds the object."""
    try:
        found, lenient = _strict(text), False
    except (ValueError, RecursionError):
        found, lenient = _lenient(text), True
    if _depth(found) > MAX_DEPTH:
        raise NotJsonError("nested too deeply")
    return found, lenient


def scan(text: str) -> Iterator[Token]:
    """The pieces of ``text`` in order; ``NotJsonError`` at the first that cannot belong to a call.

    Marks come in half width. At most ``MAX_TOKENS`` pieces and ``MAX_DEPTH`` open brackets.
    """
    at = depth = count = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotJsonError(f"unexpected character at {at}")
        at, count = found.end(), count + 1
        kind, piece = found.lastgroup or "", found.group()
        if kind == "mark":
            piece = piece.translate(_FULL_WIDTH)
            depth += (piece in "{[") - (piece in "}]")
        if depth > MAX_DEPTH or count > MAX_TOKENS:
            raise NotJsonError("nested too deeply or too many values")
        yield Token(kind, piece)


def _strict(text: str) -> Any:
    return json.loads(
        text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_exact
    )


def _lenient(text: str) -> Any:
    body = _without_declaration(text).strip().removesuffix(";").removesuffix("；")
    try:
        return _strict(" ".join(_mended(body)))
    except (pyjson5.Json5Exception, ValueError, RecursionError) as exc:
        raise NotJsonError("not JSON") from exc


def _without_declaration(text: str) -> str:
    found = _DECLARATION.match(text)
    return text[found.end() :] if found else text


def _mended(body: str) -> Iterator[str]:
    """The tokens as strict JSON; a comma before a closing bracket is dropped, one only."""
    solid = [token for token in scan(body) if token.kind not in ("space", "remark")]
    before = ""
    for token, following in zip(solid, [*solid[1:], Token("", "")], strict=True):
        trailing = token.text == "," and before not in ("{", "[", ",", ":")
        if not (trailing and following.text in ("}", "]")):
            yield _mend(token, following.text == ":")
        before = token.text


def _mend(token: Token, is_key: bool) -> str:
    text = token.text
    if token.kind == "string":
        return json.dumps(pyjson5.decode(text))
    if token.kind == "wide":
        return json.dumps(text[1:-1])
    if token.kind == "mark":
        return text
    if is_key:
        return json.dumps(text)
    if _NOT_A_NUMBER.fullmatch(text):
        raise NotJsonError(f"{text} is not JSON")
    text = _PYTHON.get(text, text)
    return text if _LITERAL.match(text) else json.dumps(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which person is meant must not depend on which of two equal keys is kept."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJsonError("a key is given twice")
    return found


def _exact(number: str) -> Decimal:
    """The digits as sent: an amount must not pass through binary."""
    try:
        return Decimal(number)
    except ArithmeticError as exc:
        raise NotJsonError("a number no computer holds") from exc


def _no_constant(name: str) -> Any:
    raise NotJsonError(f"{name} is not JSON")


def _depth(value: Any) -> int:
    """Levels of nesting; iterative, since recursion is what a hostile depth would break."""
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [child for box in level for child in _children(box)]
    return deepest


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(cast(dict[str, Any], value).values())
    return list(cast(Iterable[Any], value)) if isinstance(value, list) else []
