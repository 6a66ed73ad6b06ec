"""Unpacks a program: bounded, into a folder of its own, nothing that leads out of it.

A packed program is a tar, its entries plain files, folders and symbolic links that stay inside.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import sys
import tarfile
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from yibao_face.installer.update.fault import NotGenuineError
from yibao_face.installer.update.place import open_to_all, sync_folder
from yibao_face.installer.update.release import Release

_CHUNK_BYTES = 1024 * 1024
_MAX_NAME_BYTES = 1024
# What Windows takes for a device or a stream, whatever folder it is in.
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_BROKEN = (tarfile.TarError, lzma.LZMAError, EOFError, ValueError, OverflowError, IndexError)


class ArchiveError(NotGenuineError):
    """The packed program cannot be unpacked as what it says it is."""


@dataclass(slots=True)
class Bounds:
    """What was unpacked so far, against what was signed."""

    bytes_left: int
    entries_left: int
    _taken: dict[str, bool] = field(default_factory=dict[str, bool])

    def path_of(self, name: str, *, folder: bool) -> PurePosixPath:
        """The safe relative path of the entry ``name``; ``ArchiveError``.

        Every name once, whatever its letters' case, and none below what is no folder.
        """
        self.entries_left -= 1
        if self.entries_left < 0:
            raise ArchiveError("it holds more files than were signed")
        path = safe_path(name)
        for above in path.parents[:-1]:
            if not self._taken.setdefault(_key(above), True):
                raise ArchiveError(f"{name!r} lies below what is no folder")
        key = _key(path)
        if key in self._taken and not (folder and self._taken[key]):
            raise ArchiveError(f"{name!r} is there twice")
        self._taken[key] = folder
        return path

    def take(self, size_bytes: int) -> None:
        """``size_bytes`` more; ``ArchiveError`` where that is more than was signed."""
        self.bytes_left -= size_bytes
        if size_bytes < 0 or self.bytes_left < 0:
            raise ArchiveError("it is larger than was signed")


def _key(path: PurePosixPath) -> str:
    """Two names that are one on a disk of Windows have one key."""
    return unicodedata.normalize("NFC", str(path)).casefold()


def safe_path(name: str) -> PurePosixPath:
    """``name`` as a path that stays inside on Linux and on Windows; ``ArchiveError``."""
    parts = name.removesuffix("/").split("/")
    if len(name.encode("utf-8", "surrogatepass")) > _MAX_NAME_BYTES:
        raise ArchiveError("a name is too long")
    for part in parts:
        if part in ("", ".", "..") or _UNFIT.search(part) or part[-1] in ". ":
            raise ArchiveError(f"{name!r} is no name of a file inside")
        if _RESERVED.fullmatch(part) or any("\ud800" <= c <= "\udfff" for c in part):
            raise ArchiveError(f"{name!r} is no name of a file inside")
    return PurePosixPath(*parts)


def safe_link(path: PurePosixPath, to: str) -> str:
    """Where the link at ``path`` leads, if that stays inside; ``ArchiveError``."""
    depth = len(path.parents) - 1
    for part in to.split("/"):
        depth += -1 if part == ".." else 1
        if depth < 0 or part in ("", ".") or (part != ".." and _UNFIT.search(part)):
            raise ArchiveError(f"the link {path} leads out")
    return to


def unpack(archive: Path, release: Release, to: Path) -> None:
    """Unpack ``archive`` to the new folder ``to``; all of it on disk when this returns.

    Raises ``ArchiveError``; ``OSError`` where the disk does not do. Parts are left in ``to``.
    """
    if to.exists():
        shutil.rmtree(to)
    to.mkdir(mode=0o755)
    bounds = Bounds(release.unpacked_bytes, release.entries)
    links: list[tuple[Path, str]] = []
    try:
        with tarfile.open(archive, "r:*") as packed:
            while (member := packed.next()) is not None:
                _put(packed, member, to, bounds, links)
    except _BROKEN as exc:
        raise ArchiveError(f"it cannot be unpacked: {exc}") from exc
    for path, target in links:
        # Last: nothing can have been written through them.
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    for folder, _, _ in os.walk(to):
        Path(folder).chmod(0o755)
        sync_folder(Path(folder))


def _put(
    packed: tarfile.TarFile,
    member: tarfile.TarInfo,
    to: Path,
    bounds: Bounds,
    links: list[tuple[Path, str]],
) -> None:
    path = bounds.path_of(member.name, folder=member.isdir())
    target = to.joinpath(*path.parts)
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif member.issym() and sys.platform != "win32":
        links.append((target, safe_link(path, member.linkname)))
    elif member.isreg() and not member.issparse():
        bounds.take(member.size)
        source = packed.extractfile(member)
        if source is None:
            raise ArchiveError(f"{member.name!r} has no content")
        _write(source, target, member)
    else:
        raise ArchiveError(f"{member.name!r} is no plain file, folder or link")


def _write(source: IO[bytes], target: Path, member: tarfile.TarInfo) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o755 if member.mode & 0o100 else 0o644
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
    with os.fdopen(handle, "wb") as file:
        open_to_all(handle, mode)
        left = member.size
        while left > 0 and (chunk := source.read(min(left, _CHUNK_BYTES))):
            file.write(chunk)
            left -= len(chunk)
        if left:
            raise ArchiveError(f"{member.name!r} is cut off")
        file.flush()
        os.fsync(file.fileno())


_BINARY: int = getattr(os, "O_BINARY", 0)


def room_needed(release: Release) -> int:
    """Bytes the disk must have free: archive, program, and what blocks of files waste."""
    return release.size_bytes + release.unpacked_bytes + release.entries * 4096 + 16 * 1024 * 1024
