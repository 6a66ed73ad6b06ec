"""Signs what is handed out, with a key that lies outside of the checkout.

``YIBAO_FACE_SIGN_CERT`` and ``…_KEY`` name PEM files, ``…_TIME`` a time-stamp server (RFC 3161).
Without them nothing is signed, and that is said.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from yibao_face.installer.command import ROOT, PackageError, run, say
from yibao_face.installer.windows.wine import tool

_PREFIX = "YIBAO_FACE_SIGN_"


def sign(files: Iterable[Path], environment: Mapping[str, str] = os.environ) -> bool:
    """Sign each file in its place; whether there is a key. Raises ``PackageError``."""
    certificate, key = (environment.get(f"{_PREFIX}{name}", "") for name in ("CERT", "KEY"))
    if not (certificate and key):
        say("not signed: YIBAO_FACE_SIGN_CERT and YIBAO_FACE_SIGN_KEY name no key")
        return False
    if ROOT in Path(key).resolve().parents:
        raise PackageError("the signing key lies in the checkout: keep it elsewhere")
    stamp = environment.get(f"{_PREFIX}TIME", "")
    if not stamp:
        say("signed without a time stamp: the signature ends with the certificate")
    for file in files:
        part = file.with_name(f"{file.name}.signed")
        part.unlink(missing_ok=True)
        words = ["sign", "-certs", certificate, "-key", key, "-h", "sha256", "-n", "yibao-face"]
        words += ["-ts", stamp] if stamp else []
        run([tool("osslsigncode"), *words, "-in", file, "-out", part])
        part.replace(file)
    return True
