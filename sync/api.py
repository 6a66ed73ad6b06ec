"""What is written down about one encounter, and how writing may fail."""

from __future__ import annotations

from dataclasses import dataclass


class StoreError(Exception):
    """A result could not be written or read; it must not be answered as a pass."""


@dataclass(frozen=True, slots=True)
class Result:
    """One ended encounter. ``id``: UUIDv7, made before the camera opens; dedup key of the centre.

    ``request_sha256``: of the body as received. ``person``: keyed digest, never a number.
    ``scores``, ``models``, ``thresholds``: JSON objects. ``evidence_sha256``: the matched frame.
    ``sealed_request``: the parsed call, encrypted under the device key, for the centre.
    ``demo``: made from recordings; never counts anywhere.
    """

    id: str
    at_unix_ms: int
    request_sha256: str
    institution: str
    deal_no: str
    person: str
    code: int
    who: int
    cause: str
    certificate_no: str
    scores: str
    models: str
    thresholds: str
    evidence_sha256: str
    camera: str
    consent: str
    findings: str
    sealed_request: bytes
    demo: bool
