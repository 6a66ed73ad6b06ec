"""Read what HIS vendors send for JSON: strict first, then as the document writes it (Q1).

The document's own samples carry a C declaration around the object, single quotes, full-width
quotes and colons, a trailing comma, and a Chinese remark where a value should be
(``0 或者 1, (0 是出院, 1: 在院)``). One pass over the text, outside strings only, turns these
into what JSON5 knows; pyjson5 does the rest. Nothing is guessed inside a string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, cast

import pyjson5

# Nested deeper than any request of the interface: exp_content is the second level.
MAX_DEPTH = 8

# Bounded on purpose: nested `\s*` over a long run of spaces would take minutes.
_DECLARATION = re.compile(
    r"\s{0,99}(?:const\s{1,9})?char\s{0,9}\*?\s{0,9}\w{1,40}\s{0,9}(?:\[\s{0,9}\])?\s{0,9}=\s{0,99}(?=\{)"
)
_NOT_A_NUMBER = re.compile(r"[+-]?(?:nan|infinity)", re.IGNORECASE)
_FULL_WIDTH = str.maketrans("，：｛｝［］“”‘’", ",:{}[]\"\"''")
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<wide>“[^”\n]*”|‘[^’\n]*’)
      | (?P<remark>\([^()]*\)|（[^（）]*）|//[^\n]*|/\*.*?\*/|```[^\n]*)
      | (?P<mark>[{}\[\],:，：｛｝［］])
      | (?P<space>\s+)
      | (?P<bare>(?:(?!//|/\*)[^"'“”‘’(){}\[\],:，：（）｛｝［］\s])+
          (?:[^\S\n]+(?:(?!//|/\*)[^"'“”‘’(){}\[\],:，：（）｛｝［］\s])+)*)""",
    re.VERBOSE | re.DOTALL,
)
_LITERAL = re.compile(r"(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)\Z")


class NotJsonError(ValueError):
    """Neither JSON nor anything near it."""


def parse(text: str) -> tuple[dict[str, Any], bool]:
    """The object in ``text``, and whether leniency was needed. Raises ``NotJsonError``."""
    try:
        found = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_exact
        )
        lenient = False
    except (ValueError, RecursionError):
        found = _parse_leniently(text)
        lenient = True
    if not isinstance(found, dict):
        raise NotJsonError("not an object")
    found = cast(dict[str, Any], found)
    if _depth(found) > MAX_DEPTH:
        raise NotJsonError("nested too deeply")
    return found, lenient


def _parse_leniently(text: str) -> Any:
    body = _without_declaration(text).strip().removesuffix(";")
    try:
        tokens = list(_mended(body))
        _refuse_repeated_keys(tokens)
        return pyjson5.decode("".join(tokens), maxdepth=MAX_DEPTH)
    except (pyjson5.Json5Exception, ValueError, RecursionError) as exc:
        raise NotJsonError("not JSON") from exc


def _without_declaration(text: str) -> str:
    found = _DECLARATION.match(text)
    return text[found.end() :] if found else text


def _mended(body: str) -> Iterator[str]:
    at = 0
    while at < len(body):
        token = _TOKEN.match(body, at)
        if token is None:
            raise NotJsonError(f"unexpected character at {at}")
        at = token.end()
        yield _mend(token.lastgroup or "", token.group())


def _refuse_repeated_keys(tokens: list[str]) -> None:
    """pyjson5 keeps the last of two equal keys; which person is meant must not depend on that."""
    open_objects: list[set[str]] = []
    solid = [text for text in tokens if not text.isspace()]
    for text, following in zip(solid, [*solid[1:], ""], strict=True):
        if text == "{":
            open_objects.append(set())
        elif text == "}" and open_objects:
            open_objects.pop()
        elif following == ":" and open_objects:
            key = pyjson5.decode(text)
            if key in open_objects[-1]:
                raise NotJsonError("a key is given twice")
            open_objects[-1].add(key)


def _mend(kind: str, text: str) -> str:
    if kind == "wide":
        return json.dumps(text[1:-1], ensure_ascii=False)
    if kind == "remark":
        return " "
    if kind == "mark":
        return text.translate(_FULL_WIDTH)
    if kind == "bare" and _NOT_A_NUMBER.fullmatch(text):
        raise NotJsonError(f"{text} is not JSON")
    if kind == "bare" and not _LITERAL.match(text):
        return json.dumps(text, ensure_ascii=False)
    return text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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
