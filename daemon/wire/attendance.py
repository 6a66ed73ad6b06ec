"""A call of ``HisCallAtten`` / ``POST /hisCallAtten``: a practitioner signs in or out (S0-42)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yibao_face.daemon.wire.body import Finding, read_body, texts_of
from yibao_face.daemon.wire.field import ATTENDANCE_FIELDS, ATTENDANCE_IDENTITY


@dataclass(frozen=True, slots=True)
class AttendanceRequest:
    """One parsed call. ``fields``: those of the table by code, as text; ``extra``: what else."""

    id_number: str
    name: str
    institution_code: str
    institution_name: str
    charset: str
    fields: Mapping[str, str] = field(repr=False)
    extra: Mapping[str, Any] = field(repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def action(self) -> str:
        """``in``, ``out``, or empty where the call leaves it open or says what we do not know."""
        if any(found.field == "action" for found in self.findings):
            return ""
        return self.fields["action"]


def parse_attendance(
    body: bytes, declared_charset: str | None = None, forced_charset: str | None = None
) -> AttendanceRequest:
    """Parse ``body`` (S0-43); raises ``BadRequestError`` whose advice names the field or fault.

    ``declared_charset`` is the header's, ``forced_charset`` the site's setting and wins (Q9);
    ``LookupError`` when the site's is no charset of ours.
    """
    sent = read_body(body, declared_charset, forced_charset)
    texts = texts_of(sent, ATTENDANCE_FIELDS, ATTENDANCE_IDENTITY)
    fields = texts.fields
    return AttendanceRequest(
        fields["ID"].upper(),
        fields["name"],
        fields["fixmedins_code"],
        fields["fixmedins_name"],
        sent.charset,
        fields,
        texts.extra,
        (*sent.findings, *texts.findings),
    )
