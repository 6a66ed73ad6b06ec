"""What a code held before the scanner is. It names a kind of token, never a person by guessing.

Only the ID number speaks for itself. What the 医保 e-certificate or a social-security card stands
for is decoded by the 医保 platform; here they are tokens to hand on (S0-29, S3-09).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum, unique

from yibao_face.daemon.wire.value import is_right_id

# 28 digits: marker of the issuer, random digits, province, extension; nothing to check them by.
_CERTIFICATE = re.compile(r"[0-9]{28}", re.ASCII)
# The number printed on a social-security card (one letter or digit, then 8), as a barcode.
_SOCIAL_CARD = re.compile(r"[A-Z][0-9A-Z]{8}", re.ASCII)


@unique
class CodeKind(StrEnum):
    """What the text is by its form."""

    ID_NUMBER = "id-number"
    CERTIFICATE = "e-certificate"
    SOCIAL_CARD = "social-security-card"
    OPAQUE = "opaque"


# mdtrt_cert_type of the HIS call (S0-29).
CERTIFICATE_TYPES = {
    CodeKind.CERTIFICATE: "01",
    CodeKind.ID_NUMBER: "02",
    CodeKind.SOCIAL_CARD: "03",
    CodeKind.OPAQUE: "04",
}


@dataclass(frozen=True, slots=True)
class Code:
    """A scanned text and what it is by its form; an ID number in capitals."""

    kind: CodeKind
    text: str = field(repr=False)

    @property
    def certificate_type(self) -> str:
        """``mdtrt_cert_type``: 01 e-certificate, 02 ID card, 03 social-security card, 04 other."""
        return CERTIFICATE_TYPES[self.kind]


def read_code(text: str) -> Code:
    """The code ``text`` is; what has no form we know is kept as it is.

    Payment codes have 18 digits too: a number counts only with a birthday and check digit.
    """
    bare = text.strip()
    if is_right_id(bare.upper()):
        return Code(CodeKind.ID_NUMBER, bare.upper())
    if _CERTIFICATE.fullmatch(bare):
        return Code(CodeKind.CERTIFICATE, bare)
    if _SOCIAL_CARD.fullmatch(bare):
        return Code(CodeKind.SOCIAL_CARD, bare)
    return Code(CodeKind.OPAQUE, bare)
