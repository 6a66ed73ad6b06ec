"""Keys of the vendor, each in a file of its own outside the checkout."""

# The libraries put their public names together at run time, in __all__.
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, Key, SSlibKey

from yibao_face.installer.command import ROOT, PackageError

PASSWORD_VARIABLE = "YIBAO_FACE_KEY_PASSWORD"  # noqa: S105  # the name of it


def make_key(secret: Path, password: str) -> Path:
    """Write a new Ed25519 key to ``secret`` and its public half beside it; that one's path.

    ``password``: empty leaves it unencrypted. Raises ``PackageError``.
    """
    if secret.resolve().is_relative_to(ROOT):
        raise PackageError("keys are kept outside the checkout")
    signer = CryptoSigner.generate_ed25519()
    private = load_pem_private_key(signer.private_bytes, None)
    form: KeySerializationEncryption = NoEncryption()
    if password:
        form = BestAvailableEncryption(password.encode())
    data = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, form)
    handle = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    public = secret.with_suffix(".pub.json")
    body = {"keyid": signer.public_key.keyid, **signer.public_key.to_dict()}
    public.write_text(json.dumps(body, indent=1) + "\n", "utf-8")
    return public


def load_signer(secret: Path) -> CryptoSigner:
    """The key in ``secret``; asks for its password where it has one. Raises ``PackageError``."""
    try:
        data = secret.read_bytes()
        encrypted = b"ENCRYPTED" in data
        private = load_pem_private_key(data, _password(secret) if encrypted else None)
    except (OSError, ValueError, TypeError) as exc:
        raise PackageError(f"{secret.name} cannot be used: {exc}") from exc
    if not isinstance(private, Ed25519PrivateKey):
        raise PackageError(f"{secret.name} is no Ed25519 key")
    return CryptoSigner(private)


def load_public(path: Path) -> Key:
    """The public key in ``path``; raises ``PackageError``."""
    try:
        body = cast("dict[str, Any]", json.loads(path.read_text("utf-8")))
        key = SSlibKey.from_dict(body.pop("keyid"), body)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise PackageError(f"{path.name} is no public key: {exc}") from exc
    return key


def _password(secret: Path) -> bytes:
    given = os.environ.get(PASSWORD_VARIABLE)
    return (given if given is not None else getpass.getpass(f"{secret.name}: ")).encode()
