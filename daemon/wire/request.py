"""A HIS call as bytes → a typed request, or one message that names what to mend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from yibao_face.daemon.wire.body import (
    MAX_BODY_BYTES,
    BadRequestError,
    Finding,
    TooLargeError,
    read_body,
    texts_of,
)
from yibao_face.daemon.wire.field import FIELDS, IDENTITY
from yibao_face.daemon.wire.tolerant import NotJsonError, parse
from yibao_face.daemon.wire.value import amount_of, deal_institution, moment_of

__all__ = [
    "MAX_BODY_BYTES",
    "AuthRequest",
    "BadRequestError",
    "Finding",
    "TooLargeError",
    "amount_of",
    "moment_of",
    "parse_request",
]


@dataclass(frozen=True, slots=True)
class AuthRequest:
    """One parsed call. ``fields``: all 26 by code, as text; ``extra``: what else was sent."""

    id_number: str
    person_number: str
    name: str
    deal_no: str
    institution_code: str
    charset: str
    fields: Mapping[str, str] = field(repr=False)
    expansion: Mapping[str, Any] = field(repr=False)
    extra: Mapping[str, Any] = field(repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def amount(self) -> Decimal | None:
        """Total fee in yuan (S0-31); ``None`` where it is missing or odd: nothing rests on it."""
        if any(found.field == "medfee_sumamt" for found in self.findings):
            return None
        return amount_of(self.fields["medfee_sumamt"])

    @property
    def begins(self) -> datetime | None:
        """Start of the visit, China's zone (S0-30); ``None`` where it is missing or no moment."""
        if any(found.field == "begntime" for found in self.findings):
            return None
        return moment_of(self.fields["begntime"])


def parse_request(
    body: bytes, declared_charset: str | None = None, forced_charset: str | None = None
) -> AuthRequest:
    """Parse ``body``; raises ``BadRequestError`` whose advice names the field or the fault.

    ``declared_charset`` is the header's, ``forced_charset`` the site's setting and wins (Q9);
    ``LookupError`` when the site's is no charset of ours.
    """
    sent = read_body(body, declared_charset, forced_charset)
    texts = texts_of(sent, FIELDS, IDENTITY)
    fields = texts.fields
    if not fields["id"] and not fields["psn"]:
        raise BadRequestError("证件号码(id)和个人编号(psn)不能同时为空", sent.charset)
    expansion, odd = _expansion(sent.members.get("exp_content"))
    return AuthRequest(
        fields["id"].upper(),
        fields["psn"],
        fields["name"],
        fields["deal_no"],
        fields["fixmedins_code"],
        sent.charset,
        fields,
        expansion,
        texts.extra,
        (*sent.findings, *texts.findings, *_joint_findings(fields), *odd),
    )


def _joint_findings(fields: Mapping[str, str]) -> tuple[Finding, ...]:
    """What only two fields together show (S0-12, S0-22)."""
    found: list[Finding] = []
    named, institution = deal_institution(fields["deal_no"]), fields["fixmedins_code"]
    if named is not None and len(institution) == len(named) and named != institution:
        found.append(Finding("deal_no", "deal-institution"))
    if fields["psn"] and not fields["insuplc_admdvs"]:
        found.append(Finding("insuplc_admdvs", "missing"))
    return tuple(found)


def _expansion(value: Any) -> tuple[Mapping[str, Any], tuple[Finding, ...]]:
    """``exp_content`` as an object, a string that holds one, or nothing (Q4)."""
    if isinstance(value, dict):
        return cast(dict[str, Any], value), ()
    if value is None or isinstance(value, bool) or not str(value).strip():
        return {}, ()
    inner = _object_in(value)
    return inner or {}, () if inner is not None else (Finding("exp_content", "not-an-object"),)


def _object_in(value: Any) -> Mapping[str, Any] | None:
    if not isinstance(value, str):
        return None
    try:
        return parse(value)[0]
    except NotJsonError:
        return None
