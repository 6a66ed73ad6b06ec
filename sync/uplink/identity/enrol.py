"""A one-time code becomes a certificate, and a certificate a younger one."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from yibao_face.sync.uplink.api import IdentityError, Keys, NoAnswerError
from yibao_face.sync.uplink.identity.identity import (
    Identity,
    IdentityFolder,
    checked,
    read_ca,
    request_pem,
)
from yibao_face.sync.uplink.wire.answer import Issued, read_issued
from yibao_face.sync.uplink.wire.client import Client, Request

_TRIES = 3
_REQUEST_S = 30.0


@dataclass(frozen=True, slots=True)
class Application:
    """What a machine wants. ``ca_pem``: of the centre, given by hand; ``code``: one-time.

    ``device``: who the machine must become, empty where only the centre knows.
    """

    ca_pem: bytes
    code: str = field(repr=False)
    keys: Keys
    device: str = ""


def enrol(folder: IdentityFolder, client: Client, wanted: Application) -> Identity:
    """Use up a code for a certificate, checked before it is kept; the identity is then on disk.

    ``client``: without a certificate, for the centre of ``ca_pem``. A lost answer is asked for
    again with the same key, which gives the same certificate: now, and by the next call with this
    code. Raises an ``UplinkError``; what was kept before then stays in force.
    """
    spelled, authority = wanted.code.strip().upper(), read_ca(wanted.ca_pem)
    key = folder.drafted(f"enrol:{spelled}")
    body = {"code": spelled, "csr": request_pem(key), "keys": _told(wanted.keys)}
    issued = _asked(client, "/v1/enrol", body)
    identity = _sound(issued, key, authority)
    if wanted.device and identity.device != wanted.device:
        raise IdentityError(f"the code is for device {identity.device}, not {wanted.device}")
    folder.keep(key, identity)
    return identity


def renew(folder: IdentityFolder, client: Client, identity: Identity, keys: Keys) -> Identity:
    """A certificate for a new key in place of ``identity``, which is what ``client`` shows.

    Raises an ``UplinkError``; the old certificate then stays.
    """
    key = folder.drafted(f"renew:{identity.serial}")
    body = {"csr": request_pem(key), "keys": _told(keys)}
    younger = _sound(_asked(client, "/v1/renew", body), key, identity.ca_pem)
    if (younger.device, younger.institution) != (identity.device, identity.institution):
        raise IdentityError("the new certificate is for another machine")
    if younger.not_after_ms < identity.not_after_ms:
        raise IdentityError("the new certificate ends before the old one")
    folder.keep(key, younger)
    return younger


def _asked(client: Client, path: str, body: dict[str, Any]) -> Issued:
    request = Request("POST", path, json.dumps(body).encode(), deadline_s=_REQUEST_S)
    for left in range(_TRIES - 1, -1, -1):
        try:
            return read_issued(client.ask(request))
        except NoAnswerError:
            if not left:
                raise
    raise NoAnswerError("no answer")


def _sound(issued: Issued, key: ec.EllipticCurvePrivateKey, ca_pem: bytes) -> Identity:
    if read_ca(issued.ca.encode()) != ca_pem:
        raise IdentityError("the centre answers with another authority than that of ca.pem")
    identity = checked(key, issued.certificate.encode(), ca_pem)
    told = (issued.device, issued.institution, issued.not_after_ms)
    if told != (identity.device, identity.institution, identity.not_after_ms):
        raise IdentityError("the certificate is not what the centre's answer says it is")
    return identity


def _told(keys: Keys) -> dict[str, str]:
    return {
        "sign": base64.b64encode(keys.sign).decode(),
        "seal": base64.b64encode(keys.seal).decode(),
    }
