"""A frozen program as one file, the same bytes from the same folder."""

from __future__ import annotations

import hashlib
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from yibao_face.installer.bundle.squeeze import squeezing
from yibao_face.installer.command import PackageError
from yibao_face.installer.update.fault import UpdateError
from yibao_face.installer.update.release import Release
from yibao_face.installer.update.take.archive import Bounds, safe_link
from yibao_face.installer.update.version import Version


@dataclass(frozen=True, slots=True)
class About:
    """What is not seen by looking at a folder."""

    version: Version
    platform: str
    readable_from: Version

    @property
    def archive(self) -> str:
        """Name of the packed program."""
        return f"yibao-face-{self.version}-{self.platform}.tar.xz"


def pack(folder: Path, about: About, to: Path, *, preset: int = 6) -> Release:
    """Pack ``folder`` to ``to / about.archive``; what to sign. Raises ``PackageError``.

    What could not be unpacked at a counter is found here. ``preset``: xz's; 9 takes minutes and
    700 MB of memory, and makes the file smaller by a tenth.
    """
    archive = to / about.archive
    bounds = Bounds(1 << 62, 1 << 62)
    entries = size = 0
    try:
        with (
            squeezing(archive, preset) as file_,
            tarfile.open(fileobj=file_, mode="w", format=tarfile.PAX_FORMAT) as packed,
        ):
            for path in sorted(folder.rglob("*")):
                info = _entry(packed, path, folder, bounds)
                entries, size = entries + 1, size + info.size
                if info.isreg():
                    with path.open("rb") as file:
                        packed.addfile(info, file)
                else:
                    packed.addfile(info)
    except (OSError, UpdateError, tarfile.TarError) as exc:
        archive.unlink(missing_ok=True)
        raise PackageError(f"{folder.name} cannot be packed: {exc}") from exc
    if not entries:
        raise PackageError(f"{folder.name} is empty")
    with archive.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Release(
        about.version,
        about.platform,
        about.archive,
        sha256,
        archive.stat().st_size,
        max(size, 1),
        entries,
        about.readable_from,
    )


def _entry(packed: tarfile.TarFile, path: Path, folder: Path, bounds: Bounds) -> tarfile.TarInfo:
    info = packed.gettarinfo(path, path.relative_to(folder).as_posix())
    if info.islnk():
        # Two names of one file: a counter gets it twice.
        info.type, info.linkname, info.size = tarfile.REGTYPE, "", path.stat().st_size
    safe = bounds.path_of(info.name, folder=info.isdir())
    if info.issym():
        safe_link(safe, info.linkname)
    elif not info.isreg() and not info.isdir():
        raise PackageError(f"{safe} is no plain file, folder or link")
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    info.mode = 0o755 if info.isdir() or os.access(path, os.X_OK) else 0o644
    return info
