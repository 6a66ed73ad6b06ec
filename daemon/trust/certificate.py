"""``cp_no`` and the signed statement behind it: who passed, where, for which settlement, when."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from yibao_face.daemon.core.identity import certificate_no, check_mark
from yibao_face.daemon.trust.signature import SignatureError, Signer, verifier

_CONTEXT = b"yibao-face certificate v1\n"


class CertificateError(Exception):
    """A certificate is not genuine, or not readable; the message says which."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate vouches for. ``person``: keyed digest. ``at_ms``: Unix milliseconds."""

    institution: str
    deal_no: str
    person: str
    code: int
    type: int
    cause: str
    rule: str
    at_ms: int
    demo: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """``no``: at most 30 characters for the HIS; ``text``: the signed statement, as JSON."""

    no: str
    text: str


def issue(record_id: str, facts: Facts, signer: Signer) -> Certificate:
    """Sign ``facts`` under the number of ``record_id``.

    The number ends in a mark over the facts: one typed beside another settlement shows at once.
    """
    no = _number(record_id, facts)
    statement = json.dumps(
        {"cp_no": no, "record": record_id, **_said(facts)},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    body = {
        "statement": statement,
        "algorithm": signer.algorithm,
        "key_id": signer.key_id,
        "signature": base64.b64encode(signer.sign(_CONTEXT + statement.encode())).decode(),
    }
    return Certificate(no, json.dumps(body, ensure_ascii=False))


def verify(text: str, public_keys: Mapping[str, bytes]) -> tuple[str, Facts]:
    """The number and facts of a genuine certificate; ``CertificateError`` else. Needs no network.

    ``public_keys``: key id → raw public key of the daemons that are trusted.
    """
    body = _object(text, "certificate")
    statement, key_id, algorithm, signature = (
        _text(body, key) for key in ("statement", "key_id", "algorithm", "signature")
    )
    if key_id not in public_keys:
        raise CertificateError("signed by a key that is not known")
    try:
        signed = _CONTEXT + statement.encode()
        raw = base64.b64decode(signature, validate=True)
        verifier(algorithm, public_keys[key_id]).verify(raw, signed)
    except (SignatureError, ValueError) as exc:  # no base64, or no text UTF-8 can hold
        raise CertificateError("signature does not fit the statement") from exc
    return _stated(_object(statement, "statement"))


def _stated(said: dict[str, Any]) -> tuple[str, Facts]:
    try:
        facts = Facts(**{f.name: said[f.name] for f in fields(Facts)})
        no, record = str(said["cp_no"]), str(said["record"])
        genuine = no == _number(record, facts)
    except (KeyError, ValueError, TypeError) as exc:
        raise CertificateError("statement lacks a fact") from exc
    if not genuine:
        raise CertificateError("number does not belong to the statement")
    return no, facts


def _number(record_id: str, facts: Facts) -> str:
    seal = json.dumps(_said(facts), ensure_ascii=False, sort_keys=True).encode()
    return certificate_no(record_id) + check_mark(hashlib.sha256(seal).digest())


def _said(facts: Facts) -> dict[str, Any]:
    return {f.name: getattr(facts, f.name) for f in fields(facts)}


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise CertificateError(f"{what} is not JSON") from exc
    if not isinstance(found, dict):
        raise CertificateError(f"{what} is not an object")
    return cast(dict[str, Any], found)


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise CertificateError(f"certificate has no {key}")
    return value
