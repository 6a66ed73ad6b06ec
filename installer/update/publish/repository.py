"""The vendor's repository: TUF metadata and packed programs in a folder any web server can serve.

``metadata/`` N.root.json, N.targets.json, N.snapshot.json, timestamp.json · ``targets/``
``SHA256.name``. The same files in an uncompressed zip are an update file for a stick.
"""

# The libraries put their public names together at run time, in __all__.
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.exceptions import Error as SecureError
from securesystemslib.signer import CryptoSigner, Key
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from yibao_face.installer.command import PackageError
from yibao_face.installer.update.release import Release, parse_release, release_name
from yibao_face.installer.update.version import Version

ROLES = ("root", "targets", "snapshot", "timestamp")


@dataclass(frozen=True, slots=True)
class Days:
    """How long what is signed holds. A counter without a network lives on ``timestamp``."""

    targets: int = 365
    snapshot: int = 365
    timestamp: int = 180


@dataclass(frozen=True, slots=True)
class Signers:
    """Keys for each role but root, as many as its threshold asks for."""

    targets: Sequence[CryptoSigner]
    snapshot: Sequence[CryptoSigner]
    timestamp: Sequence[CryptoSigner]


def make_root(
    keys: Mapping[str, Sequence[Key]],
    thresholds: Mapping[str, int],
    days: int,
    before: Metadata[Any] | None = None,
) -> Metadata[Any]:
    """Unsigned root metadata of the next version, in which ``keys`` hold every role."""
    roles = {name: Role([], thresholds[name]) for name in ROLES}
    version = before.signed.version + 1 if before else 1
    root = Root(version, None, _until(days), {}, roles, consistent_snapshot=True)
    for name in ROLES:
        if len(keys[name]) < thresholds[name]:
            raise PackageError(f"{name} asks for more keys than it has")
        for key in keys[name]:
            root.add_key(key, name)
    return Metadata(root)


def sign_file(path: Path, signer: CryptoSigner) -> None:
    """Add the signature of one holder of a key to the metadata in ``path``."""
    try:
        found = _load(path)
        found.sign(signer, append=True)
        found.to_file(str(path))
    except (RepositoryError, SecureError, OSError) as exc:
        raise PackageError(f"{path.name} cannot be signed: {exc}") from exc


@dataclass(frozen=True, slots=True)
class Repository:
    """The folder. Raises ``PackageError``."""

    folder: Path

    @property
    def metadata(self) -> Path:
        """What is signed."""
        return self.folder / "metadata"

    @property
    def targets(self) -> Path:
        """What is signed for."""
        return self.folder / "targets"

    def publish_root(self, path: Path) -> int:
        """Take in signed root metadata, if it follows on the one before; its version."""
        try:
            root = _load(path)
            root.verify_delegate("root", root)
            before = self.root_before(root.signed.version)
            if before is not None:
                before.verify_delegate("root", root)
        except RepositoryError as exc:
            raise PackageError(f"{path.name} is not signed as it must be: {exc}") from exc
        self.metadata.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, self.metadata / f"{root.signed.version}.root.json")
        return int(root.signed.version)

    def newest_root(self) -> Metadata[Any] | None:
        """The root that is published, ``None`` while none is."""
        return self._newest("root") if any(self.metadata.glob("*.root.json")) else None

    def root_before(self, version: int) -> Metadata[Any] | None:
        """Root ``version - 1``, ``None`` for the first."""
        if version == 1:
            return None
        path = self.metadata / f"{version - 1}.root.json"
        try:
            return _load(path)
        except RepositoryError as exc:
            raise PackageError(f"{path.name} is missing: roots come one by one") from exc

    def add(self, release: Release, archive: Path, signers: Signers, days: Days) -> None:
        """Publish ``release``: its packed program and what describes it, signed."""
        targets = self._newest("targets", Metadata(Targets(expires=_until(days.targets))))
        body = json.dumps(release.body(), sort_keys=True).encode()
        named = release_name(release.platform, release.version)
        if named in targets.signed.targets:
            raise PackageError(f"{release.version} for {release.platform} is published already")
        self.targets.mkdir(parents=True, exist_ok=True)
        for name in (named, release_name(release.platform)):
            targets.signed.targets[name] = self._put(name, body)
        shutil.copyfile(archive, self.targets / f"{release.sha256}.{release.archive}")
        targets.signed.targets[release.archive] = TargetFile(
            release.size_bytes, {"sha256": release.sha256}, release.archive
        )
        self._bump(targets, days.targets)
        self._sign(targets, signers.targets, self._numbered(targets))
        self.refresh(signers, days)

    def refresh(self, signers: Signers, days: Days) -> None:
        """Sign snapshot and timestamp anew, of the newest targets: they hold for longer again."""
        targets = self._newest("targets")
        snapshot = self._newest("snapshot", Metadata(Snapshot(expires=_until(days.snapshot))))
        snapshot.signed.meta["targets.json"] = _meta_of(self._numbered(targets))
        self._bump(snapshot, days.snapshot)
        self._sign(snapshot, signers.snapshot, self._numbered(snapshot))
        file = self.metadata / "timestamp.json"
        first = Timestamp(expires=_until(days.timestamp))
        stamp = _load(file) if file.exists() else Metadata[Any](first)
        stamp.signed.snapshot_meta = _meta_of(self._numbered(snapshot))
        self._bump(stamp, days.timestamp)
        self._sign(stamp, signers.timestamp, file)

    def release(self, platform: str, version: Version | None = None) -> Release:
        """What is published for ``platform``."""
        targets = self._newest("targets")
        name = release_name(platform, version)
        found = targets.signed.targets.get(name)
        if found is None:
            raise PackageError(f"{name} is not published")
        return parse_release((self.targets / f"{found.hashes['sha256']}.{name}").read_bytes())

    def stick(self, release: Release, to: Path) -> None:
        """Write ``release`` and all metadata as one update file."""
        names = (release_name(release.platform, v) for v in (None, release.version))
        targets = self._newest("targets")
        files = [*sorted(self.metadata.glob("*.json"))]
        files += [
            self.targets / f"{targets.signed.targets[name].hashes['sha256']}.{name}"
            for name in (*names, release.archive)
        ]
        with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as file:
            for path in files:
                info = zipfile.ZipInfo(path.relative_to(self.folder).as_posix())
                with file.open(info, "w", force_zip64=True) as entry, path.open("rb") as source:
                    shutil.copyfileobj(source, entry)

    def manifest(self, releases: Sequence[Release], mirror: str) -> dict[str, Any]:
        """Payload of the centre's ``update-manifest`` for one version on several platforms."""
        [version] = {str(release.version) for release in releases}
        files = [
            {"name": r.archive, "sha256": r.sha256, "size_bytes": r.size_bytes} for r in releases
        ]
        return {"release": version, "files": files} | ({"mirror": mirror} if mirror else {})

    def _put(self, name: str, data: bytes) -> TargetFile:
        digest = hashlib.sha256(data).hexdigest()
        (self.targets / f"{digest}.{name}").write_bytes(data)
        return TargetFile(len(data), {"sha256": digest}, name)

    def _newest(self, role: str, first: Metadata[Any] | None = None) -> Metadata[Any]:
        numbers = [int(p.name.split(".")[0]) for p in self.metadata.glob(f"[0-9]*.{role}.json")]
        if not numbers:
            if first is None:
                raise PackageError(f"no {role} is published yet")
            return first
        return _load(self.metadata / f"{max(numbers)}.{role}.json")

    def _numbered(self, found: Metadata[Any]) -> Path:
        return self.metadata / f"{found.signed.version}.{found.signed.type}.json"

    def _bump(self, found: Metadata[Any], days: int) -> None:
        if found.signatures:
            found.signed.version += 1
        found.signed.expires = _until(days)

    def _sign(self, found: Metadata[Any], signers: Sequence[CryptoSigner], to: Path) -> None:
        found.signatures.clear()
        for signer in signers:
            found.sign(signer, append=True)
        try:
            self._root().verify_delegate(found.signed.type, found)
        except RepositoryError as exc:
            raise PackageError(f"these keys do not do for {found.signed.type}: {exc}") from exc
        found.to_file(str(to))

    def _root(self) -> Metadata[Any]:
        return self._newest("root")


def _load(path: Path) -> Metadata[Any]:
    return Metadata[Any].from_file(str(path))


def _meta_of(path: Path) -> MetaFile:
    data = path.read_bytes()
    version = Metadata[Any].from_bytes(data).signed.version
    return MetaFile(version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})


def _until(days: int) -> datetime:
    return (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)
