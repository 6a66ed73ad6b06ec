"""What a release says of itself, and which one the centre wants: strict JSON in, facts out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from yibao_face.installer.update.fault import NotGenuineError
from yibao_face.installer.update.version import Version

FORMAT = 1
MAX_RELEASE_BYTES = 64 * 1024
MAX_ARCHIVE_BYTES = 4 * 1024**3
MAX_UNPACKED_BYTES = 16 * 1024**3
MAX_ENTRIES = 100_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}")
_PLATFORM = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MIRROR = re.compile(r"https?://[!-~]{1,500}")


@dataclass(frozen=True, slots=True)
class Release:
    """One version for one platform, as signed. ``archive``: file name of its packed program.

    ``readable_from``: the oldest version that can read the data this one writes.
    """

    version: Version
    platform: str
    archive: str
    sha256: str
    size_bytes: int
    unpacked_bytes: int
    entries: int
    readable_from: Version

    def body(self) -> dict[str, Any]:
        """As it is written."""
        return {
            "format": FORMAT,
            "version": str(self.version),
            "platform": self.platform,
            "archive": self.archive,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "unpacked_bytes": self.unpacked_bytes,
            "entries": self.entries,
            "readable_from": str(self.readable_from),
        }


@dataclass(frozen=True, slots=True)
class Order:
    """The release the centre wants here, by its ``update-manifest``. ``files``: name → SHA-256.

    ``mirror``: where the update's repository is, empty: on a stick, or where the site says.
    """

    version: Version
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    mirror: str = ""


def release_name(platform: str, version: Version | None = None) -> str:
    """Target that describes ``version``, or the newest one, for ``platform``."""
    return f"{platform}.json" if version is None else f"{platform}-{version}.json"


def parse_release(data: bytes) -> Release:
    """Read what was signed; ``NotGenuineError`` where it is no release.

    Keys that are not known are a newer program's business: ``format`` changes where they matter.
    """
    body = _object(data)
    if body.get("format") != FORMAT or isinstance(body["format"], bool):
        raise NotGenuineError(f"the release is not of format {FORMAT}")
    return Release(
        _version(body, "version"),
        _text(body, "platform", _PLATFORM),
        _text(body, "archive", _NAME),
        _text(body, "sha256", _SHA256),
        _whole(body, "size_bytes", MAX_ARCHIVE_BYTES),
        _whole(body, "unpacked_bytes", MAX_UNPACKED_BYTES),
        _whole(body, "entries", MAX_ENTRIES),
        _version(body, "readable_from"),
    )


def order_of(payload: object) -> Order:
    """Read the payload of an ``update-manifest``; ``NotGenuineError`` where it is none."""
    if not isinstance(payload, dict):
        raise NotGenuineError("the manifest is no object")
    body = cast("dict[str, Any]", payload)
    rows = body.get("files")
    if not isinstance(rows, list) or not rows:
        raise NotGenuineError("files is missing")
    files: dict[str, str] = {}
    for row in cast("list[object]", rows):
        if not isinstance(row, dict):
            raise NotGenuineError("files holds what is no object")
        one = cast("dict[str, Any]", row)
        files[_text(one, "name", _NAME)] = _text(one, "sha256", _SHA256)
    mirror = _text(body, "mirror", _MIRROR) if "mirror" in body else ""
    return Order(_version(body, "release"), files, mirror)


def _object(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_RELEASE_BYTES:
        raise NotGenuineError(f"the release is longer than {MAX_RELEASE_BYTES} bytes")
    try:
        found = json.loads(data.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as exc:
        raise NotGenuineError("the release is no JSON") from exc
    if not isinstance(found, dict):
        raise NotGenuineError("the release is no object")
    return cast("dict[str, Any]", found)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _text(body: Mapping[str, Any], key: str, form: re.Pattern[str]) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise NotGenuineError(f"{key} is not as it should be")
    return value


def _whole(body: Mapping[str, Any], key: str, most: int) -> int:
    value = body.get(key)
    if type(value) is not int or not 1 <= value <= most:
        raise NotGenuineError(f"{key} is not a number from 1 to {most}")
    return value


def _version(body: Mapping[str, Any], key: str) -> Version:
    try:
        return Version.parse(str(body.get(key)))
    except ValueError as exc:
        raise NotGenuineError(f"{key}: {exc}") from exc
