"""A record as it travels to the centre: one flat JSON object, checked field by field.

All fields of ``Record`` (``sealed_request`` in base64), ``seq`` from 1 without holes per device,
``prev`` and ``hash`` (64 lower-case hex digits, see ``chain``) and ``schema``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, cast

from yibao_face.sync.api import FIELDS, Link, Record
from yibao_face.sync.chain import SCHEMA, SHA256, body_of, canonical, next_hash
from yibao_face.sync.strict import finite_json, strict_json

MAX_TEXT_CHARS = 262_144
MAX_SEALED_BYTES = 1_048_576
_MAX_INTEGER = 2**53 - 1
_KEYS = frozenset({*FIELDS, "seq", "prev", "hash", "schema"})
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_KIND = re.compile(r"[a-z][a-z0-9-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")
_HASH_OR_NOTHING = re.compile(r"(?:[0-9a-f]{64})?")
_SHORT = 256


class WireError(Exception):
    """The object is no record; the message names the field, never its value."""


def to_wire(record: Record, link: Link) -> dict[str, Any]:
    """The JSON object of ``record`` at its place in the chain."""
    return {**body_of(record, link.seq), "prev": link.prev.hex(), "hash": link.hash.hex()}


def from_wire(body: object, algorithm: str = SHA256) -> Record:
    """The record in a decoded JSON object; raises ``WireError`` for anything but one.

    All keys and no others, types, ranges, and that ``hash`` is that of ``prev`` and the content.
    That ``prev`` is the hash of the record before is the caller's to compare.
    """
    return linked_from_wire(body, algorithm)[0]


def linked_from_wire(body: object, algorithm: str = SHA256) -> tuple[Record, Link]:
    """As ``from_wire``, with the record's place in the chain."""
    if not isinstance(body, dict):
        raise WireError("a record is a JSON object")
    given = cast(dict[str, Any], body)
    _known_schema(given)
    if given.keys() != _KEYS:
        raise WireError(_wrong_keys(given))
    for name, check in _CHECKS.items():
        if not check(given[name]):
            raise WireError(f"{name} is not as agreed")
    values: dict[str, Any] = {n: given[n] for n in FIELDS}
    values["sealed_request"] = _unsealed(given)
    record = Record(**values)
    link = Link(given["seq"], bytes.fromhex(given["prev"]), bytes.fromhex(given["hash"]))
    if next_hash(link.prev, canonical(body_of(record, link.seq)), algorithm) != link.hash:
        raise WireError("hash is not that of prev and the content")
    return record, link


def parse_wire(line: bytes, algorithm: str = SHA256) -> tuple[Record, Link]:
    """As ``linked_from_wire``, of JSON text in UTF-8; the same key twice is refused."""
    try:
        body = strict_json(line)
    except (ValueError, RecursionError) as exc:
        raise WireError("not strict JSON in UTF-8") from exc
    return linked_from_wire(body, algorithm)


def _known_schema(given: Mapping[str, Any]) -> None:
    schema = given.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        told = schema if type(schema) is int and abs(schema) < 10_000 else "?"
        raise WireError(f"schema {told} is not {SCHEMA}")


def _wrong_keys(given: Mapping[str, Any]) -> str:
    missing = sorted(_KEYS - given.keys())
    # Names of unknown keys are not ours: they may hold anything.
    return f"{missing[0]} is missing" if missing else f"{len(given) - len(_KEYS)} unknown keys"


def _unsealed(given: Mapping[str, Any]) -> bytes:
    """Decoded; spare bits at the end would be a second spelling."""
    text = given["sealed_request"]
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as exc:
        raise WireError("sealed_request is not base64") from exc
    if base64.b64encode(data).decode() != text:
        raise WireError("sealed_request is not the one base64 form")
    return data


def _integer(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _text(limit: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= limit and _storable(value)


def _like(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _storable(text: str) -> bool:
    """Whole UTF-8, and no NUL, which PostgreSQL cannot hold."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _json(kind: type, *, empty: bool = False) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        if not _text(MAX_TEXT_CHARS)(value):
            return False
        if empty and not value:
            return True
        try:
            return isinstance(finite_json(value), kind)
        except (ValueError, RecursionError):
            return False

    return check


def _day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "id": _like(_ID),
    "kind": _like(_KIND),
    "at_unix_ms": _integer(0, (1 << 48) - 1),
    "day": _day,
    "request_sha256": _like(_HASH_OR_NOTHING),
    "institution": _text(_SHORT),
    "deal_no": _text(_SHORT),
    "person": _text(_SHORT),
    "code": _integer(-1000, 1000),
    "who": _integer(-1000, 1000),
    "cause": _text(_SHORT),
    "rule": _text(_SHORT),
    "certificate_no": _text(_SHORT),
    "certificate": _json(dict, empty=True),
    "scores": _json(dict),
    "models": _json(dict),
    "thresholds": _json(dict),
    "evidence_sha256": _like(_HASH_OR_NOTHING),
    "camera": _text(4 * _SHORT),
    "consent": _text(_SHORT),
    "consent_text": _text(_SHORT),
    "findings": _json(list),
    "detail": _json(dict),
    "sealed_request": _text(MAX_SEALED_BYTES * 4 // 3 + 4),
    "demo": _flag,
    "seq": _integer(1, _MAX_INTEGER),
    "prev": _like(_HASH),
    "hash": _like(_HASH),
}
