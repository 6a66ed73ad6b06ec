"""One record of a batch: taken as it is, or rejected with a reason that repeats no value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from yibao_face.sync.api import FIELDS, Link, Record
from yibao_face.sync.chain import SCHEMA, SHA256
from yibao_face.sync.wire import WireError, linked_from_wire

_KEYS = frozenset({*FIELDS, "seq", "prev", "hash", "schema"})
_MAX_EXT_KEYS = 16
_MAX_EXT_CHARS = 16_384
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_CHINA_MS = 8 * 3600 * 1000
_DAY_MS = 24 * 3600 * 1000

# Schema N and, from the first raise on, N-1: how its records are read into today's ``Record``.
SCHEMAS: dict[int, Callable[[object, str], tuple[Record, Link]]] = {SCHEMA: linked_from_wire}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A sound record. ``ext``: unknown fields as JSON text, ``{}`` without any.

    ``part``: days from 1970 to the day in China on which its id was made.
    """

    record: Record
    link: Link
    ext: str
    part: int


class UnsoundError(WireError):
    """The record cannot be taken; ``id``: as far as it is known, else empty."""

    def __init__(self, id_: str, reason: str) -> None:
        super().__init__(reason)
        self.id = id_


def read_record(body: object, schema: int, institution: str, algorithm: str = SHA256) -> Incoming:
    """The record in a decoded JSON object of a batch of ``schema``; raises ``UnsoundError``."""
    if not isinstance(body, dict):
        raise UnsoundError("", "a record is a JSON object")
    given = cast(dict[str, Any], body)
    id_ = told_id(given)
    if not _UUID7.fullmatch(id_):
        raise UnsoundError("", "id is no UUIDv7")
    if given.get("schema") != schema:
        raise UnsoundError(id_, "schema is not that of the batch")
    try:
        ext = _ext(given)
        own = {key: value for key, value in given.items() if key in _KEYS}
        record, link = SCHEMAS[schema](own, algorithm)
    except WireError as exc:
        raise UnsoundError(id_, str(exc)) from exc
    if record.institution not in ("", institution):
        raise UnsoundError(id_, "institution is not the certificate's")
    return Incoming(record, link, ext, day_part(id_))


def told_id(given: dict[str, Any]) -> str:
    """The id a record claims, empty where it is no text."""
    id_ = given.get("id")
    return id_ if isinstance(id_, str) else ""


def day_part(uuid7: str) -> int:
    """Days from 1970 to the day in China in which a UUIDv7 was made."""
    return day_of_ms(int(uuid7[:8] + uuid7[9:13], 16))


def day_of_ms(at_ms: int) -> int:
    """Days from 1970 to the day in China that holds a Unix time."""
    return (at_ms + _CHINA_MS) // _DAY_MS


def _ext(given: dict[str, Any]) -> str:
    unknown = {key: value for key, value in given.items() if key not in _KEYS}
    if not unknown:
        return "{}"
    # ASCII: neither a NUL nor half a surrogate pair reaches the database.
    text = json.dumps(unknown, ensure_ascii=True, separators=(",", ":"))
    if len(unknown) > _MAX_EXT_KEYS or len(text) > _MAX_EXT_CHARS:
        raise WireError("too many unknown fields")
    return text
