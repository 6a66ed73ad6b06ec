"""Key, certificate and authority of this machine, in one file that is replaced whole.

The P-256 key is made here and never leaves: only its public half is sent, in a certificate
request. It lies encrypted under a secret of the caller (the daemon derives it from its device
key, which Windows binds to the machine), in a file of mode 0600. Every renewal makes a new key:
one that was copied once is of no use for longer than its certificate. Only where the answer to a
request was lost, it is asked for again with the same key, which therefore is kept in a draft.
"""

from __future__ import annotations

import hashlib
import json
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from yibao_face.sync.api import DEVICE_ID, INSTITUTION
from yibao_face.sync.uplink.api import IdentityError
from yibao_face.sync.uplink.identity.file import read_secret, replace_secret, stamp_of

_FILE, _DRAFT = "identity.pem", "draft.json"
_LEAST_SECRET_CHARS = 32
_PEM_END = b"-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Identity:
    """A machine bound to an institution. Times: Unix ms. ``ca_pem``: of its one centre."""

    device: str
    institution: str
    serial: str
    not_before_ms: int
    not_after_ms: int
    certificate_pem: bytes = field(repr=False)
    ca_pem: bytes = field(repr=False)

    @property
    def renew_from_ms(self) -> int:
        """From when on a third of its lifetime is left."""
        return self.not_after_ms - (self.not_after_ms - self.not_before_ms) // 3

    @property
    def centre(self) -> str:
        """Short name of the authority: other centre, other name."""
        return hashlib.sha256(_one_certificate(self.ca_pem).tbs_certificate_bytes).hexdigest()[:16]


class IdentityFolder:
    """``folder``: of the link's own files. ``secret``: 32 characters or more, ASCII."""

    def __init__(self, folder: Path, secret: str) -> None:
        if len(secret) < _LEAST_SECRET_CHARS or not secret.isascii():
            raise IdentityError("the secret of the link is too short")
        self._folder, self._secret = folder, secret.encode()
        self._file, self._draft = folder / _FILE, folder / _DRAFT

    @property
    def stamp(self) -> tuple[int, int, int]:
        """Changes when the identity does, also by another process."""
        return stamp_of(self._file)

    def load(self) -> Identity | None:
        """The identity, ``None`` before the first enrolment; ``IdentityError``: damaged."""
        data = read_secret(self._file)
        if data is None:
            return None
        certificates = [part + _PEM_END for part in data.split(_PEM_END)[:-1]]
        if len(certificates) != 2:
            raise IdentityError(f"{_FILE} is damaged: enrol again")
        own, ca = (part[part.index(b"-----BEGIN CERT") :] for part in certificates)
        return checked(self._key(data), own, ca)

    def keep(self, key: ec.EllipticCurvePrivateKey, identity: Identity) -> None:
        """Let ``identity`` take the place of what was there; ``IdentityError``."""
        parts = (self._sealed(key), identity.certificate_pem, identity.ca_pem)
        replace_secret(self._file, b"".join(part.strip() + b"\n" for part in parts))
        self._draft.unlink(missing_ok=True)

    def drafted(self, purpose: str) -> ec.EllipticCurvePrivateKey:
        """The key for a request, the same one as long as its answer has not come.

        ``purpose``: tells requests apart; only its digest is kept. ``IdentityError``.
        """
        digest = hashlib.sha256(purpose.encode()).hexdigest()
        data = read_secret(self._draft)
        if data is not None:
            try:
                draft = cast(dict[str, Any], json.loads(data))
                if draft["purpose"] == digest:
                    return self._key(str(draft["key"]).encode())
            except (ValueError, KeyError, TypeError, IdentityError):
                pass  # a draft that cannot be read has led to nothing yet
        key = ec.generate_private_key(ec.SECP256R1())
        body = {"purpose": digest, "key": self._sealed(key).decode()}
        replace_secret(self._draft, json.dumps(body).encode())
        return key

    def context(self, ca_pem: bytes, *, known: bool) -> ssl.SSLContext:
        """TLS to the one centre of ``ca_pem``; ``known``: showing the certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
        try:
            context.load_verify_locations(cadata=ca_pem.decode("ascii"))
            if known:
                context.load_cert_chain(self._file, password=self._secret)
        except (OSError, ValueError) as exc:
            raise IdentityError(f"{_FILE} cannot be used: enrol again") from exc
        return context

    def _key(self, pem: bytes) -> ec.EllipticCurvePrivateKey:
        try:
            key = serialization.load_pem_private_key(pem, self._secret)
        except (ValueError, TypeError) as exc:
            raise IdentityError(f"the key in {_FILE} is not of this machine: enrol again") from exc
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise IdentityError(f"the key in {_FILE} is not a P-256 key")
        return key

    def _sealed(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        form = serialization.PrivateFormat.PKCS8
        sealing = serialization.BestAvailableEncryption(self._secret)
        return key.private_bytes(serialization.Encoding.PEM, form, sealing)


def read_ca(pem: bytes) -> bytes:
    """The one certificate of an authority, as PEM again; ``IdentityError``."""
    certificate = _one_certificate(pem)
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, x509.ExtensionNotFound) as exc:
        raise IdentityError("the file of the centre is no certificate of an authority") from exc
    if not basic.ca:
        raise IdentityError("the file of the centre is no certificate of an authority")
    return certificate.public_bytes(serialization.Encoding.PEM)


def request_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate request. The centre looks at no name in it, so it holds none of a machine."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "device")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def checked(key: ec.EllipticCurvePrivateKey, pem: bytes, ca_pem: bytes) -> Identity:
    """The identity a certificate of this key and this authority gives; ``IdentityError``."""
    certificate, authority = _one_certificate(pem), _one_certificate(ca_pem)
    if certificate.public_key() != key.public_key():
        raise IdentityError("the certificate is not for the key of this machine")
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature) as exc:
        raise IdentityError("the certificate is not of the centre whose ca.pem was given") from exc
    device, institution = _named(certificate)
    return Identity(
        device,
        institution,
        f"{certificate.serial_number:x}",
        _ms(certificate.not_valid_before_utc.timestamp()),
        _ms(certificate.not_valid_after_utc.timestamp()),
        certificate.public_bytes(serialization.Encoding.PEM),
        authority.public_bytes(serialization.Encoding.PEM),
    )


def _named(certificate: x509.Certificate) -> tuple[str, str]:
    """Device and institution; the names must agree, and it must be good for a client."""
    try:
        [device] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        [unit] = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        found = certificate.extensions
        san = found.get_extension_for_class(x509.SubjectAlternativeName).value
        usage = found.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, x509.ExtensionNotFound) as exc:
        raise IdentityError("the certificate names no device") from exc
    names = str(device.value), str(unit.value)
    uris = san.get_values_for_type(x509.UniformResourceIdentifier)
    agreed = uris == [f"urn:yibao-face:{names[1]}:{names[0]}"]
    if not (agreed and DEVICE_ID.fullmatch(names[0]) and INSTITUTION.fullmatch(names[1])):
        raise IdentityError("the certificate names no device")
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        raise IdentityError("the certificate is not for a client")
    return names


def _one_certificate(pem: bytes) -> x509.Certificate:
    try:
        [certificate] = x509.load_pem_x509_certificates(pem)
    except ValueError as exc:
        raise IdentityError("one certificate as PEM was expected") from exc
    return certificate


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
