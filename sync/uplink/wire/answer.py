"""What the centre answers, read strictly: whatever else comes back counts as no answer.

A centre that knows more than this device adds keys; a younger one may lack ``evidence``. Nothing
that is read here is believed further than these types and ranges.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from yibao_face.sync.strict import strict_json
from yibao_face.sync.uplink.api import Letter, NoAnswerError

MAX_ANSWER_BYTES = 4 * 1024 * 1024
NEW, DUP, CONFLICT, REJECT = _STATUSES = ("new", "dup", "conflict", "reject")
_MAX_INTEGER = 2**53 - 1
_MAX_BUDGET, _MAX_GAPS, _MAX_LETTERS = 200, 100, 20
_MAX_REASON_CHARS = 1000
_MAX_PEM_CHARS = 32_768
_WORD = re.compile(r"[a-z][a-z-]{0,31}")
_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one record: ``NEW``, ``DUP``, ``CONFLICT`` or ``REJECT`` for a ``reason``."""

    id: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Slot:
    """When evidence may be sent: from ``after_ms`` (centre's clock), ``bytes_per_s`` at most."""

    after_ms: int = 0
    bytes_per_s: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """``results``: one per record sent, in order. ``slot``: ``None`` where nothing is said."""

    now_ms: int
    budget: int
    results: tuple[Result, ...]
    gaps: tuple[tuple[int, int], ...]
    slot: Slot | None


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate the centre made. ``certificate``, ``ca``: PEM."""

    device: str
    institution: str
    certificate: str
    ca: str
    not_after_ms: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """Letters with their places, ascending; ``cursor``: the place of the last."""

    now_ms: int
    cursor: int
    letters: tuple[tuple[int, Letter], ...]


def read_batch_answer(data: bytes, sent: Sequence[str]) -> BatchAnswer:
    """The answer to a batch of the records with the ids ``sent``; ``NoAnswerError``."""
    body = _object(data)
    results = tuple(_result(item) for item in _list(body, "results", len(sent)))
    if [result.id for result in results] != [*sent]:
        raise NoAnswerError("the answer is not about the records that were sent")
    return BatchAnswer(
        _integer(body, "now_ms"),
        _integer(body, "budget", most=_MAX_BUDGET),
        results,
        tuple(_gap(item) for item in _list(body, "gaps", _MAX_GAPS)),
        _slot(body.get("evidence")),
    )


def read_issued(data: bytes) -> Issued:
    """The answer to ``/v1/enrol`` and ``/v1/renew``; ``NoAnswerError``."""
    body = _object(data)
    return Issued(
        _text(body, "device", 64),
        _text(body, "institution", 32),
        _text(body, "certificate", _MAX_PEM_CHARS),
        _text(body, "ca", _MAX_PEM_CHARS),
        _integer(body, "not_after_ms"),
    )


def read_pulled(data: bytes, cursor: int) -> Pulled:
    """The answer to a question for letters behind ``cursor``; ``NoAnswerError``."""
    body = _object(data)
    letters = tuple(_letter(item) for item in _list(body, "documents", _MAX_LETTERS))
    places = [cursor, *(place for place, _ in letters)]
    if any(later <= earlier for earlier, later in pairwise(places)):
        raise NoAnswerError("the letters are not in the order of their places")
    return Pulled(_integer(body, "now_ms"), _integer(body, "cursor"), letters)


def read_kept(data: bytes) -> int:
    """The centre's clock in the answer to a piece of evidence; ``NoAnswerError``."""
    body = _object(data)
    if body.get("status") not in (NEW, DUP):
        raise NoAnswerError("status is not as agreed")
    return _integer(body, "now_ms")


def read_refusal(data: bytes) -> str:
    """The word of a refusal; ``unknown`` for a body that is none: some proxy spoke."""
    try:
        word = _object(data).get("error")
    except NoAnswerError:
        return _UNKNOWN
    return word if isinstance(word, str) and _WORD.fullmatch(word) else _UNKNOWN


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(strict_json(data))
    except (ValueError, RecursionError) as exc:
        raise NoAnswerError("the answer is not strict JSON") from exc


def _mapping(item: object) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise NoAnswerError("a JSON object was expected")
    return cast(dict[str, Any], item)


def _integer(body: Mapping[str, Any], name: str, least: int = 0, most: int = _MAX_INTEGER) -> int:
    value = body.get(name)
    if type(value) is not int or not least <= value <= most:
        raise NoAnswerError(f"{name} is not as agreed")
    return value


def _text(body: Mapping[str, Any], name: str, most: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise NoAnswerError(f"{name} is not as agreed")
    return value


def _list(body: Mapping[str, Any], name: str, most: int) -> Sequence[Any]:
    value = _items(body.get(name))
    if value is None or len(value) > most:
        raise NoAnswerError(f"{name} is not as agreed")
    return value


def _items(value: object) -> Sequence[Any] | None:
    return cast(Sequence[Any], value) if isinstance(value, list) else None


def _result(item: object) -> Result:
    body = _mapping(item)
    if body.get("status") not in _STATUSES:
        raise NoAnswerError("the status of a record is not as agreed")
    return Result(_text(body, "id", 64), body["status"], _text(body, "reason", _MAX_REASON_CHARS))


def _gap(item: object) -> tuple[int, int]:
    ends = _items(item) or []
    if len(ends) != 2 or any(type(end) is not int for end in ends):
        raise NoAnswerError("a gap is not two numbers")
    first, last = ends
    if not 1 <= first <= last <= _MAX_INTEGER:
        raise NoAnswerError("a gap is not as agreed")
    return first, last


def _slot(item: object) -> Slot | None:
    if item is None:
        return None
    body = _mapping(item)
    return Slot(_integer(body, "after_ms"), _integer(body, "bytes_per_s", least=1))


def _letter(item: object) -> tuple[int, Letter]:
    body = _mapping(item)
    kind, envelope = body.get("kind"), body.get("envelope")
    if not isinstance(kind, str) or not _KIND.fullmatch(kind) or not isinstance(envelope, str):
        raise NoAnswerError("a letter is not as agreed")
    name, version = _text(body, "name", 256), _integer(body, "version", least=1)
    return _integer(body, "place", least=1), Letter(kind, name, version, _utf8(envelope))


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise NoAnswerError("a letter holds half a surrogate pair") from exc
