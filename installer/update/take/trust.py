"""What the vendor signed: The Update Framework's client, by its own library (ADR)."""

# The libraries put their public names together at run time, in __all__.
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuf.api.exceptions import (
    DownloadError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
)
from tuf.api.metadata import Metadata, TargetFile
from tuf.ngclient import Updater, UpdaterConfig
from urllib3.exceptions import HTTPError

from yibao_face.installer.update.fault import NotGenuineError, SourceError, UpdateError
from yibao_face.installer.update.place import Place, sync_folder
from yibao_face.installer.update.release import (
    MAX_RELEASE_BYTES,
    Release,
    parse_release,
    release_name,
)
from yibao_face.installer.update.take.source import METADATA, TARGETS, Local, Remote
from yibao_face.installer.update.version import Version

logger = logging.getLogger(__name__)

_ROLES = ("timestamp", "snapshot", "targets")
_CONFIG = UpdaterConfig(
    max_delegations=1, snapshot_max_length=256_000, targets_max_length=2_000_000
)
# What the library may let through where metadata is no metadata at all.
_STRANGE: tuple[type[Exception], ...] = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RecursionError,
)

_BROKEN: tuple[type[Exception], ...] = (DownloadError, HTTPError)
_UNREADABLE: tuple[type[Exception], ...] = (OSError, RepositoryError, *_STRANGE)
_REFUSED: tuple[type[Exception], ...] = (RepositoryError, *_BROKEN, *_STRANGE)


class Trust:
    """One look at one source. ``seen``: role → newest version ever verified here."""

    def __init__(self, place: Place, source: Local | Remote, seen: Mapping[str, int]) -> None:
        self._place, self._source, self._seen = place, source, seen
        try:
            root = place.trust.read_bytes()
            place.metadata.mkdir(exist_ok=True)
            base = source.base
            self._tuf = Updater(
                str(place.metadata),
                f"{base}{METADATA}/",
                target_base_url=f"{base}{TARGETS}/",
                fetcher=source,
                config=_CONFIG,
                bootstrap=root,
            )
        except _UNREADABLE as exc:
            raise NotGenuineError(f"the vendor's root.json here cannot be used: {exc}") from exc

    def refresh(self) -> dict[str, int]:
        """Verify the source's metadata; its versions by role. On disk when this returns."""
        try:
            self._tuf.refresh()
            found = self._versions()
        except _REFUSED as exc:
            raise _told(exc, "metadata") from exc
        for role, version in found.items():
            if version < self._seen.get(role, 0):
                # The library's own copies were lost or put back; ours were not.
                raise NotGenuineError(f"its {role} is older than one that was seen here")
        for path in self._place.metadata.rglob("*.json"):
            _sync(path)
        sync_folder(self._place.metadata)
        return found

    def release(self, platform: str, version: Version | None = None) -> Release:
        """What is offered for ``platform``; raises an ``UpdateError``."""
        name = release_name(platform, version)
        target = self._target(name)
        if target.length > MAX_RELEASE_BYTES:
            raise NotGenuineError(f"{name} is longer than {MAX_RELEASE_BYTES} bytes")
        data = bytearray()
        for chunk in self._stream(target, name):
            data += chunk
        self._check(target, bytes(data), name)
        release = parse_release(bytes(data))
        archive = self._target(release.archive)
        if archive.length != release.size_bytes or archive.hashes["sha256"] != release.sha256:
            raise NotGenuineError(f"{name} and {release.archive} do not belong together")
        return release

    def fetch(self, release: Release, to: Path) -> None:
        """Copy the archive, verified, to ``to``; on disk when this returns. ``OSError``: disk."""
        target = self._target(release.archive)
        digest = hashlib.sha256()
        with to.open("wb") as file:
            for chunk in self._stream(target, release.archive):
                file.write(chunk)
                digest.update(chunk)
            file.flush()
            os.fsync(file.fileno())
            if file.tell() != target.length:
                raise SourceError(f"{release.archive} is cut off")
        if digest.hexdigest() != release.sha256:
            raise NotGenuineError(f"{release.archive} is not the file that was signed")

    def _target(self, name: str) -> TargetFile:
        try:
            found = self._tuf.get_targetinfo(name)
        except _REFUSED as exc:
            raise _told(exc, name) from exc
        if found is None:
            raise NotGenuineError(f"{name} is not in the update")
        if "sha256" not in found.hashes:
            raise NotGenuineError(f"{name} is signed without its SHA-256")
        return found

    def _stream(self, target: TargetFile, name: str) -> Iterator[bytes]:
        """The file, cut off with an error beyond its length, whatever the other side sends."""
        left = target.length
        try:
            url = f"{self._source.base}{TARGETS}/{target.hashes['sha256']}.{name}"
            for chunk in self._source.fetch(url):
                left -= len(chunk)
                if left < 0:
                    raise NotGenuineError(f"{name} is longer than what was signed")
                yield chunk
        except _BROKEN as exc:
            raise _told(exc, name) from exc

    def _check(self, target: TargetFile, data: bytes, name: str) -> None:
        try:
            target.verify_length_and_hashes(data)
        except LengthOrHashMismatchError as exc:
            raise NotGenuineError(f"{name} is not the file that was signed") from exc

    def _versions(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for role in _ROLES:
            copy = Metadata[Any].from_file(str(self._place.metadata / f"{role}.json"))
            found[role] = copy.signed.version
        return found


def _told(exc: Exception, name: str) -> UpdateError:
    """One of ours for one of the library's."""
    logger.info("%s: %r", name, exc)
    if isinstance(exc, ExpiredMetadataError):
        return NotGenuineError(f"the update has expired: {exc} (or this computer's date is wrong)")
    if isinstance(exc, DownloadLengthMismatchError):
        return NotGenuineError(f"{name} is longer than it may be")
    if isinstance(exc, _BROKEN):
        return SourceError(f"{name} cannot be read: {exc}")
    return NotGenuineError(f"{name}: {exc}")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
