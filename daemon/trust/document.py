"""Documents the centre signs (policy, round task): opened only when nothing was changed.

An envelope has one form only, the one ``sign_document`` writes: the keys in that order, no blank
between them, UTF-8. Any other bytes are refused, so a document has one digest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias, cast

from yibao_face.daemon.trust.signature import (
    SM2,
    BadSignatureError,
    SignatureError,
    Signer,
    Verifier,
    has_sm2,
    key_id_of,
    verifier,
)
from yibao_face.sync.strict import no_number, once

MAX_DOCUMENT_BYTES = 1024 * 1024
_CONTEXT = b"yibao-face document v1\n"
_MAX_VERSION = 2**53 - 1
_MAX_KEYS = 100
_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TEXTS = ("kind", "payload", "key_id", "algorithm", "signature")
_SEALS = ("key_id", "algorithm", "signature")

CentreKeys: TypeAlias = Mapping[str, Verifier]


class DocumentError(Exception):
    """The document cannot be used; the message says why."""


class UnsignedError(DocumentError):
    """It carries no signature."""


class TamperedError(DocumentError):
    """Its bytes are not those that were signed."""


class UnknownKeyError(DocumentError):
    """It is signed with a key that is none of the centre's."""


class AlgorithmError(DocumentError):
    """It is signed in a way this program cannot verify."""


class RevokedKeyError(DocumentError):
    """It is signed with a key the centre has revoked."""


class WrongKindError(DocumentError):
    """It is genuine, but a document of another kind."""


class KeysError(DocumentError):
    """The file of the centre's keys cannot be used."""


@dataclass(frozen=True, slots=True)
class Document:
    """A genuine document. ``payload``: decoded JSON, fractions as ``Decimal``.

    ``version``: 1 .. 2**53 - 1. ``sha256``: hex digest of the whole envelope as it was read.
    ``key_id``: of the centre's key that signed it.
    """

    kind: str
    version: int
    payload: Any
    sha256: str
    key_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class _Envelope:
    kind: str
    version: int
    payload: str = field(repr=False)
    key_id: str
    algorithm: str
    signature: str = field(repr=False)

    def signed(self) -> bytes:
        """The bytes the signature is over."""
        head = f"{self.kind}\n{self.version}\n"
        return _CONTEXT + head.encode() + self.payload.encode()

    def written(self) -> bytes:
        """The one form of the file."""
        body = {
            "kind": self.kind,
            "version": self.version,
            "payload": self.payload,
            "key_id": self.key_id,
            "algorithm": self.algorithm,
            "signature": self.signature,
        }
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def open_document(data: bytes, kind: str, keys: CentreKeys) -> Document:
    """Verify ``data`` and decode its payload; raises a ``DocumentError`` for any doubt."""
    envelope = _envelope(data)
    try:
        if envelope.written() != data:
            raise TamperedError("the envelope is not in the form in which it was signed")
        signature = _unbase64(envelope.signature)
        _verifier(envelope, keys).verify(signature, envelope.signed())
    except (BadSignatureError, ValueError) as exc:
        raise TamperedError("the signature does not fit the content") from exc
    if envelope.kind != kind:
        raise WrongKindError(f"the document is of kind {envelope.kind}, not {kind}")
    payload = strict_json(envelope.payload)
    digest = hashlib.sha256(data).hexdigest()
    return Document(kind, envelope.version, payload, digest, envelope.key_id)


def heading_of(data: bytes) -> tuple[str, int]:
    """Kind and version an envelope gives itself, nothing verified; raises a ``DocumentError``."""
    envelope = _envelope(data)
    return envelope.kind, envelope.version


def sign_document(kind: str, version: int, payload: str, signer: Signer) -> bytes:
    """The envelope of a JSON text; ``DocumentError`` for one that nobody could open."""
    if not _KIND.fullmatch(kind) or not 1 <= version <= _MAX_VERSION:
        raise DocumentError("kind or version is out of range")
    strict_json(payload)
    try:
        bare = _Envelope(kind, version, payload, signer.key_id, signer.algorithm, "")
        signature = base64.b64encode(signer.sign(bare.signed())).decode()
        data = _Envelope(
            kind, version, payload, signer.key_id, signer.algorithm, signature
        ).written()
    except UnicodeEncodeError as exc:
        raise DocumentError("the payload holds half a surrogate pair") from exc
    if len(data) > MAX_DOCUMENT_BYTES:
        raise DocumentError(f"the document is longer than {MAX_DOCUMENT_BYTES} bytes")
    return data


def strict_json(text: str) -> Any:
    """Decode JSON that can be read in one way only; raises ``DocumentError``.

    The same key twice, NaN and infinity are refused; fractions become ``Decimal``.
    """
    try:
        return json.loads(
            text, parse_float=Decimal, parse_constant=no_number, object_pairs_hook=once
        )
    except (ValueError, ArithmeticError, RecursionError) as exc:
        raise DocumentError("the content is not strict JSON") from exc


def parse_keys(data: bytes) -> CentreKeys:
    """The centre's public keys by key id; raises ``KeysError``."""
    body = _json_object(data, KeysError("the file of the centre's keys is not a JSON object"))
    if len(body) > _MAX_KEYS:
        raise KeysError(f"the centre has more than {_MAX_KEYS} keys")
    return {key_id: _key(key_id, entry) for key_id, entry in body.items()}


def load_keys(path: Path) -> CentreKeys:
    """``parse_keys`` of a file; without the file no key is known and no document opens."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_DOCUMENT_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise KeysError(f"{path.name} cannot be read") from exc
    return parse_keys(data)


def keys_text(signers: Iterable[Signer]) -> str:
    """What ``parse_keys`` reads, for the public keys of ``signers``."""
    body = {
        s.key_id: {
            "algorithm": s.algorithm,
            "public_key": base64.b64encode(s.public_key()).decode(),
        }
        for s in signers
    }
    return json.dumps(body, indent=1, sort_keys=True) + "\n"


def _envelope(data: bytes) -> _Envelope:
    body = _json_object(data, DocumentError("the document is not a JSON object"))
    if not all(body.get(name) for name in _SEALS):
        raise UnsignedError("the document is not signed")
    if set(body) != {*_TEXTS, "version"}:
        raise DocumentError("the envelope has not the keys of a signed document")
    if not all(isinstance(body[name], str) for name in _TEXTS):
        raise DocumentError("the envelope holds a value of a wrong type")
    version = body["version"]
    if type(version) is not int or not 1 <= version <= _MAX_VERSION:
        raise DocumentError("the envelope's version is not a whole number from 1 on")
    envelope = _Envelope(**cast(dict[str, Any], body))
    if not _KIND.fullmatch(envelope.kind):
        raise DocumentError("the envelope's kind is no name")
    return envelope


def _verifier(envelope: _Envelope, keys: CentreKeys) -> Verifier:
    if envelope.algorithm == SM2 and not has_sm2():
        raise AlgorithmError("the document is signed with sm2, which nothing here can verify")
    known = keys.get(envelope.key_id)
    if known is None:
        raise UnknownKeyError("the document is signed with a key that is not the centre's")
    if known.algorithm != envelope.algorithm:
        raise TamperedError("the envelope names another algorithm than its key has")
    return known


def _key(key_id: str, entry: object) -> Verifier:
    if not isinstance(entry, dict) or set(cast(dict[str, object], entry)) != {
        "algorithm",
        "public_key",
    }:
        raise KeysError(f"key {key_id[:16]!r} needs algorithm and public_key, nothing else")
    body = cast(dict[str, object], entry)
    try:
        public_key = _unbase64(str(body["public_key"]))
        made = verifier(str(body["algorithm"]), public_key)
    except (SignatureError, ValueError) as exc:
        raise KeysError(f"key {key_id[:16]!r}: {exc}") from exc
    if key_id != key_id_of(public_key):
        raise KeysError(f"key {key_id[:16]!r} is not named after its own public key")
    return made


def _unbase64(text: str) -> bytes:
    """Decode; ``ValueError`` also for spare bits at the end, which would be a second spelling."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("not the one base64 form")
    return data


def _json_object(data: bytes, error: DocumentError) -> dict[str, object]:
    if len(data) > MAX_DOCUMENT_BYTES:
        raise DocumentError(f"the document is longer than {MAX_DOCUMENT_BYTES} bytes")
    try:
        body = strict_json(data.decode())
    except (UnicodeDecodeError, DocumentError) as exc:
        raise error from exc
    if not isinstance(body, dict):
        raise error
    return cast(dict[str, object], body)
