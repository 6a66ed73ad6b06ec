"""The centre's certificate authority: one root, one server certificate, one per device.

Keys are P-256. A device's certificate names it three times alike: CN (device), OU (institution)
and a URI of both; it can be used as a TLS client only.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from yibao_face.sync.center.api import Caller, CenterError, RefusedError

ROOT_CERT, ROOT_KEY = "ca.pem", "ca-key.pem"
SERVER_CERT, SERVER_KEY = "server.pem", "server-key.pem"
DEVICE_DAYS = 365
_ROOT_DAYS, _SERVER_DAYS = 3650, 825
_MAX_CSR_CHARS = 16_384
# Clocks at counters may be a day off: a certificate just made must not lie in their future.
_BACKDATED = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Issued:
    """A device's certificate as PEM, and whom it names."""

    caller: Caller
    pem: str


@dataclass(frozen=True, slots=True)
class Request:
    """A sound certificate request. ``key_sha256``: hex digest of its public key (SPKI, DER)."""

    key: ec.EllipticCurvePublicKey
    key_sha256: str


class Authority:
    """Opened from the centre's data folder; ``CenterError`` without its files."""

    def __init__(self, folder: Path) -> None:
        try:
            root = (folder / ROOT_CERT).read_bytes()
            key = serialization.load_pem_private_key((folder / ROOT_KEY).read_bytes(), None)
            self._root = x509.load_pem_x509_certificate(root)
        except (OSError, ValueError) as exc:
            raise CenterError(f"no centre in {folder.name}: run `yibao-face center init`") from exc
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise CenterError(f"{ROOT_KEY} is not a P-256 key")
        self._key = key
        self.root_pem = root.decode()

    def device_certificate(
        self, request: Request, device: str, institution: str, days: int = DEVICE_DAYS
    ) -> Issued:
        """A certificate for the key of ``request``, valid for ``days``."""
        name = _name(
            (NameOID.COMMON_NAME, device), (NameOID.ORGANIZATIONAL_UNIT_NAME, institution)
        )
        uri = x509.UniformResourceIdentifier(device_uri(device, institution))
        builder = _leaf(request.key, name, self._root, days)
        builder = builder.add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        made = builder.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        not_after_ms = int(made.not_valid_after_utc.timestamp() * 1000)
        caller = Caller(device, institution, f"{made.serial_number:x}", not_after_ms)
        return Issued(caller, made.public_bytes(serialization.Encoding.PEM).decode())


def device_uri(device: str, institution: str) -> str:
    """The name of a machine at an institution."""
    return f"urn:yibao-face:{institution}:{device}"


def read_request(pem: object) -> Request:
    """A PKCS#10 request as PEM text, its signature checked; raises ``RefusedError``.

    The names it asks for are not looked at: the enrolment code says who this is.
    """
    if not isinstance(pem, str) or len(pem) > _MAX_CSR_CHARS:
        raise RefusedError(422, "csr", "csr is not PEM text")
    try:
        csr = x509.load_pem_x509_csr(pem.encode())
        key, sound = csr.public_key(), csr.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, InvalidSignature) as exc:
        raise RefusedError(422, "csr", "csr is not a certificate request") from exc
    if not sound or not isinstance(key, ec.EllipticCurvePublicKey):
        raise RefusedError(422, "csr", "csr is not signed by a P-256 key of its own")
    if not isinstance(key.curve, ec.SECP256R1):
        raise RefusedError(422, "csr", "the key is not of the curve P-256")
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, form))
    return Request(key, digest.finalize().hex())


def make_authority(folder: Path, hosts: Sequence[str]) -> None:
    """Root and server certificate for these names and addresses; ``CenterError`` if one exists."""
    if (folder / ROOT_KEY).exists() or (folder / ROOT_CERT).exists():
        raise CenterError(f"{folder.name} holds a centre already; its certificates stay")
    root_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _root(root_key)
    server = _server(server_key, root, root_key, hosts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, key in ((SERVER_KEY, server_key), (ROOT_KEY, root_key)):
            _write_secret(folder / file, key)
        for file, made in ((SERVER_CERT, server), (ROOT_CERT, root)):
            (folder / file).write_bytes(made.public_bytes(serialization.Encoding.PEM))
    except OSError as exc:
        raise CenterError(f"{folder.name} cannot be set up: {exc.strerror}") from exc


def _root(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name((NameOID.COMMON_NAME, "yibao-face centre"))
    builder = _builder(key.public_key(), name, name, _ROOT_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    ski = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(ski, critical=False).sign(key, hashes.SHA256())


def _server(
    key: ec.EllipticCurvePrivateKey,
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
    hosts: Sequence[str],
) -> x509.Certificate:
    builder = _leaf(key.public_key(), _name((NameOID.COMMON_NAME, hosts[0])), root, _SERVER_DAYS)
    names = x509.SubjectAlternativeName([_host(host) for host in hosts])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    builder = builder.add_extension(names, critical=False).add_extension(usage, critical=True)
    return builder.sign(root_key, hashes.SHA256())


def _leaf(
    key: ec.EllipticCurvePublicKey, name: x509.Name, root: x509.Certificate, days: int
) -> x509.CertificateBuilder:
    root_ski = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    aki = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_ski)
    ski = x509.SubjectKeyIdentifier.from_public_key(key)
    return (
        _builder(key, name, root.subject, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(aki, critical=False)
        .add_extension(ski, critical=False)
    )


def _builder(
    key: ec.EllipticCurvePublicKey, name: x509.Name, issuer: x509.Name, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_secret(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(pem)
