"""Whom a verified client certificate names, and the codes that lead to one."""

from __future__ import annotations

import secrets
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from yibao_face.sync.api import DEVICE_ID, INSTITUTION
from yibao_face.sync.center.api import Caller, RefusedError
from yibao_face.sync.center.device.authority import device_uri

# 32 letters and digits that are not mistaken for each other when they are read out.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GROUPS, _GROUP = 5, 5


def new_code() -> str:
    """A one-time code of 125 random bits, such as ``K7Q2M-…-XW9FT``."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


@lru_cache(maxsize=4096)
def caller_of(der: bytes) -> Caller:
    """The machine named by a certificate that TLS has verified; raises ``RefusedError``."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        device = _one(certificate.subject, NameOID.COMMON_NAME)
        institution = _one(certificate.subject, NameOID.ORGANIZATIONAL_UNIT_NAME)
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = san.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound) as exc:
        raise RefusedError(403, "no-device", "the certificate names no device") from exc
    named = DEVICE_ID.fullmatch(device) and INSTITUTION.fullmatch(institution)
    if not named or uris != [device_uri(device, institution)]:
        raise RefusedError(403, "no-device", "the certificate names no device")
    not_after_ms = int(certificate.not_valid_after_utc.timestamp() * 1000)
    return Caller(device, institution, f"{certificate.serial_number:x}", not_after_ms)


def _one(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    [found] = name.get_attributes_for_oid(oid)
    return str(found.value)
