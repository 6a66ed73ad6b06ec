"""What is written down about one thing that happened, and how writing may fail."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

# Whose records they are: the name of a machine, the code of an institution.
DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
INSTITUTION = re.compile(r"[A-Za-z0-9]{1,32}")


class StoreError(Exception):
    """A record could not be written or read; it must not be answered as a pass."""


@dataclass(frozen=True, slots=True)
class Record:
    """One ended encounter, or one act at the desk.

    ``id``: UUIDv7, made before the camera opens; dedup key of the centre. ``kind``: record type;
    ``day``: date in China (``YYYY-MM-DD``). ``request_sha256``: of the body as received.
    ``person``: keyed digest, never a number. ``code``: 0 nobody passes, 1 passed, 2 no check
    needed, whatever number the interface of the kind answers with. ``rule``: of the policy, for
    code 2. ``certificate``: the signed statement behind ``certificate_no``, as JSON.
    ``scores``, ``models``, ``thresholds``, ``detail``: JSON objects; ``findings``: a JSON list.
    ``evidence_sha256``: the matched frame. ``consent``: version of the text the person agreed to;
    ``consent_text``: version in force then (S0-49). ``sealed_request``: what names somebody,
    encrypted under the device key, for the centre. ``demo``: from recordings; never counts.
    """

    id: str
    kind: str
    at_unix_ms: int
    day: str
    request_sha256: str
    institution: str
    deal_no: str
    person: str
    code: int
    who: int
    cause: str
    rule: str
    certificate_no: str
    certificate: str
    scores: str
    models: str
    thresholds: str
    evidence_sha256: str
    camera: str
    consent: str
    consent_text: str
    findings: str
    detail: str
    sealed_request: bytes
    demo: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A record's place in the chain of its device: ``seq`` from 1, hashes of 32 bytes.

    ``prev``: hash of the record before (32 zero bytes for the first); ``hash``: its own.
    """

    seq: int
    prev: bytes
    hash: bytes


FIELDS = tuple(f.name for f in fields(Record))
_VALUES = attrgetter(*FIELDS)


def values_of(record: Record) -> tuple[Any, ...]:
    """What is in it, in the order of ``FIELDS``. Not ``astuple``, which copies deeply."""
    return tuple(_VALUES(record))


@dataclass(frozen=True, slots=True)
class Brief:
    """What lists are made of: a record without what it was decided with and its sealed part."""

    id: str
    kind: str
    at_unix_ms: int
    day: str
    institution: str
    deal_no: str
    person: str
    code: int
    cause: str
    certificate_no: str
    detail: str


@dataclass(frozen=True, slots=True)
class Query:
    """Which records: every set field must agree. Days are inclusive.

    ``but_cause``: any cause but this. ``let_go``: code 1 or 2 only. ``demo``: of the demo, or
    of the counter. ``newest``: last written first; ``limit``: at most so many, from the one
    after the first ``offset``.
    """

    kinds: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    but_cause: str | None = None
    institution: str | None = None
    deal_no: str | None = None
    person: str | None = None
    certificate_no: str | None = None
    first_day: str | None = None
    last_day: str | None = None
    since_ms: int | None = None
    let_go: bool = False
    demo: bool | None = None
    newest: bool = False
    limit: int | None = None
    offset: int = 0
