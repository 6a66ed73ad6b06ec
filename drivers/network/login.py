"""The Authorization header a camera asks for: HTTP digest (RFC 2617, MD5) or basic."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable
from hashlib import md5

from yibao_face.drivers.network.address import Credentials

_FIELD = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')


def authorization(
    challenges: Iterable[str], who: Credentials, method: str, uri: str
) -> str | None:
    """Answer to the ``WWW-Authenticate`` values of a camera; ``None``: it asks for another way.

    Digest goes before basic, as FFmpeg has it.
    """
    asked = [text.strip() for text in challenges]
    for text in asked:
        kind, _, rest = text.partition(" ")
        if kind.lower() == "digest" and (answer := _digest(rest, who, method, uri)):
            return answer
    if any(text.lower().startswith("basic") for text in asked):
        login = f"{who.user}:{who.password}".encode()
        return "Basic " + base64.b64encode(login).decode()
    return None


def _digest(challenge: str, who: Credentials, method: str, uri: str) -> str | None:
    given = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(challenge)}
    realm, nonce = given.get("realm", ""), given.get("nonce", "")
    qops = [qop.strip() for qop in given.get("qop", "").split(",")]
    if given.get("algorithm", "MD5").upper() != "MD5" or not nonce or not {"", "auth"} & {*qops}:
        return None
    inner = _md5(f"{who.user}:{realm}:{who.password}"), nonce
    call = _md5(f"{method}:{uri}")
    said = {"username": who.user, "realm": realm, "nonce": nonce, "uri": uri}
    tail = ""
    if "auth" in qops:
        cnonce = secrets.token_hex(8)
        said["response"] = _md5(":".join([*inner, "00000001", cnonce, "auth", call]))
        said["cnonce"] = cnonce
        tail = ", qop=auth, nc=00000001"
    else:
        said["response"] = _md5(":".join([*inner, call]))
    if "opaque" in given:
        said["opaque"] = given["opaque"]
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in said.items()) + tail


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
