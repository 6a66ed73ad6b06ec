"""The envelope of ``POST /v1/batch``: what must be right before any record is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from yibao_face.sync.api import DEVICE_ID, INSTITUTION
from yibao_face.sync.center.api import Caller, RefusedError
from yibao_face.sync.center.ingest.head import Head
from yibao_face.sync.center.ingest.record import SCHEMAS
from yibao_face.sync.chain import SHA256, SM3

_REQUIRED = ("schema", "device", "boot_id", "sent_ms", "seq_from", "head", "records")
_MAX_INTEGER = 2**53 - 1
_BOOT = re.compile(r"[0-9A-Za-z-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9A-Za-z+/=]{0,128}")


@dataclass(frozen=True, slots=True)
class Batch:
    """A sound envelope. ``records``: decoded JSON, not yet looked at.

    ``institution``: as claimed, ``None`` where left out. ``head``: the device's word on its last
    record; a stick carries none. ``algorithm``: hash of the device's chain. ``health``: as it came
    (see ``read_health``). ``body``: the whole envelope as it was decoded, for who hands it on;
    empty where nobody does.
    """

    schema: int
    device: str
    institution: str | None
    boot_id: str
    sent_ms: int
    seq_from: int
    head: Head | None
    records: list[Any]
    algorithm: str = SHA256
    health: Any = None
    body: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)


def read_batch(body: object, most: int) -> Batch:
    """The envelope with at most ``most`` records; raises ``RefusedError``. Unknown keys pass."""
    given = _object(body, "the body")
    missing = [name for name in _REQUIRED if name not in given]
    if missing:
        raise RefusedError(422, "field", f"{missing[0]} is missing")
    _check(given, _FIELDS)
    if given["schema"] not in SCHEMAS:
        raise RefusedError(422, "schema", f"schema must be one of {[*SCHEMAS]}")
    algorithm = given.get("algorithm") or SHA256
    head, records = _head(given["head"], algorithm), given["records"]
    if len(records) > most:
        raise RefusedError(413, "too-many", f"a batch has at most {most} records")
    return Batch(
        given["schema"],
        given["device"],
        given.get("institution"),
        given["boot_id"],
        given["sent_ms"],
        given["seq_from"],
        head,
        records,
        algorithm,
        given.get("health"),
        given,
    )


def with_records(batch: Batch, records: list[Any]) -> Batch:
    """The envelope of ``batch`` around other records."""
    return replace(batch, records=records, body={**batch.body, "records": records})


def check_caller(batch: Batch, caller: Caller) -> None:
    """Raise ``RefusedError`` when the batch is not that of the machine that sends it."""
    if batch.device != caller.device:
        raise RefusedError(403, "wrong-device", "device is not that of the certificate")
    if batch.institution not in (None, caller.institution):
        raise RefusedError(403, "wrong-institution", "institution is not the certificate's")


def _head(body: object, algorithm: str) -> Head:
    given = _object(body, "head")
    _check(given, _HEAD)
    at_ms, signature = given.get("at_ms") or 0, given.get("signature") or ""
    return Head(given["seq"], bytes.fromhex(given["hash"]), at_ms, signature, algorithm)


def _object(body: object, name: str) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise RefusedError(422, "field", f"{name} is not a JSON object")
    return cast(dict[str, Any], body)


def _check(given: Mapping[str, Any], fields: Mapping[str, Callable[[Any], bool]]) -> None:
    for name, check in fields.items():
        if not check(given.get(name)):
            raise RefusedError(422, "field", f"{name} is not as agreed")


def _integer(low: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= _MAX_INTEGER


def _like(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_FIELDS: dict[str, Callable[[Any], bool]] = {
    "schema": _integer(1),
    "device": _like(DEVICE_ID),
    "institution": lambda value: value is None or _like(INSTITUTION)(value),
    "boot_id": _like(_BOOT),
    "sent_ms": _integer(0),
    "seq_from": _integer(1),
    "records": lambda value: isinstance(value, list),
    "algorithm": lambda value: value in (None, SHA256, SM3),
}
_HEAD: dict[str, Callable[[Any], bool]] = {
    "seq": _integer(0),
    "hash": _like(_HASH),
    "at_ms": lambda value: value is None or _integer(0)(value),
    "signature": lambda value: value is None or _like(_SIGNATURE)(value),
}
