"""Which store of evidence an operator means: a folder, or ``s3://bucket/prefix?endpoint=…``."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit

from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.store.blob.api import Blob
from yibao_face.sync.center.store.blob.folder import FolderBlob

if TYPE_CHECKING:
    from yibao_face.sync.center.store.blob.s3 import S3Place

# Of the data folder of a centre.
EVIDENCE_FOLDER = "evidence"
_OPTIONS = {"endpoint", "region", "style", "ca", "credentials", "conditional"}
_STYLES = {"path": True, "virtual": False}
_SWITCH = {"on": True, "off": False}


def open_blob(place: str | None, folder: Path, free_bytes: int) -> Blob:
    """The store at ``place``; ``None``: ``folder``. ``CenterError`` without its secrets in it.

    A folder keeps ``free_bytes`` of its disk free.
    """
    own = folder_of(place, folder)
    if own is not None:
        return FolderBlob(own, free_bytes)
    # Here, as a centre with a folder has no need of the client.
    from yibao_face.sync.center.store.blob.s3 import S3Blob  # noqa: PLC0415  # as said above

    return S3Blob(s3_place(place or "", os.environ))


def folder_of(place: str | None, folder: Path) -> Path | None:
    """The folder ``open_blob`` would use; ``None`` for a bucket."""
    if place and "://" in place:
        return None
    return Path(place) if place else folder


def s3_place(place: str, environ: Mapping[str, str]) -> S3Place:
    """The bucket an address names, with keys from a file or the environment; ``CenterError``.

    Options: ``endpoint``, ``region``, ``style`` (``path`` or ``virtual``), ``ca`` (PEM file),
    ``credentials`` (file in AWS's form, else ``AWS_SHARED_CREDENTIALS_FILE``, else
    ``AWS_ACCESS_KEY_ID`` and so on), ``conditional`` (``on`` or ``off``).
    """
    from yibao_face.sync.center.store.blob.s3 import S3Place  # noqa: PLC0415  # see ``open_blob``

    parts, options = _split(place)
    endpoint = options.get("endpoint", "")
    if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
        raise CenterError("evidence: endpoint is no http:// or https:// address")
    key_id, secret, token = _keys(options.get("credentials"), environ)
    return S3Place(
        parts.netloc,
        parts.path.strip("/"),
        endpoint,
        options.get("region") or environ.get("AWS_REGION") or "us-east-1",
        key_id,
        secret,
        token,
        _text(Path(options["ca"])) if "ca" in options else "",
        _chosen(options, "style", _STYLES),
        _chosen(options, "conditional", _SWITCH),
    )


def _split(place: str) -> tuple[SplitResult, dict[str, str]]:
    try:
        parts = urlsplit(place)
        asked = parse_qsl(parts.query, strict_parsing=True) if parts.query else []
    except ValueError as exc:
        raise CenterError("evidence: the address cannot be read") from exc
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc:
        raise CenterError("evidence: not a folder, nor s3://bucket/prefix?endpoint=…")
    options = dict(asked)
    if unknown := options.keys() - _OPTIONS:
        # What is written there may be a secret: the options there are, are told instead.
        raise CenterError(f"evidence: {len(unknown)} options besides {sorted(_OPTIONS)}")
    return parts, options


def _chosen(options: Mapping[str, str], name: str, words: Mapping[str, bool]) -> bool:
    word = options.get(name, next(iter(words)))
    if word not in words:
        raise CenterError(f"evidence: {name} is one of {[*words]}")
    return words[word]


def _keys(file: str | None, environ: Mapping[str, str]) -> tuple[str, str, str]:
    file = file or environ.get("AWS_SHARED_CREDENTIALS_FILE")
    found = _profile(Path(file), environ.get("AWS_PROFILE", "default")) if file else environ
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    key_id, secret, token = (found.get(n if file else n.upper(), "") for n in names)
    if not key_id or not secret:
        told = "a file of credentials" if file else "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise CenterError(f"evidence: no keys in {told}")
    return key_id, secret, token


def _profile(file: Path, name: str) -> Mapping[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(_text(file))
        return parser[name]
    except (configparser.Error, KeyError) as exc:
        raise CenterError(f"evidence: {file.name} has no profile to use") from exc


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise CenterError(f"evidence: {file.name} cannot be read") from exc
