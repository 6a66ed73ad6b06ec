"""Where versions live, and how a file is put on disk so that a power failure leaves old or new.

``ROOT/app-1.2.3/`` programs · ``ROOT/current`` or ``ROOT/current.txt`` which one runs ·
``ROOT/update/`` what the updater knows. Only an administrator may write there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from yibao_face.installer.update.version import Version

PART = ".part"
_GONE = ".gone"
# How long a file may be held by who reads it, as a virus scanner does with every new one.
_HELD_S, _LOOK_S = 10.0, 0.1


@dataclass(frozen=True, slots=True)
class Place:
    """The folders below ``root``."""

    root: Path

    @property
    def own(self) -> Path:
        """What belongs to the updater."""
        return self.root / "update"

    @property
    def state(self) -> Path:
        """What is known across restarts."""
        return self.own / "state.json"

    @property
    def lock(self) -> Path:
        """Held by the one updater that runs."""
        return self.own / "update.lock"

    @property
    def trust(self) -> Path:
        """The vendor's root metadata, as installed."""
        return self.own / "root.json"

    @property
    def metadata(self) -> Path:
        """The newest metadata that was verified."""
        return self.own / "metadata"

    @property
    def download(self) -> Path:
        """The archive on its way in."""
        return self.own / f"archive{PART}"

    @property
    def scratch(self) -> Path:
        """Data folder a new program is tested with."""
        return self.own / "scratch"

    @property
    def keeper(self) -> Path:
        """Names the version that undoes a switch that was cut off; the launcher reads it."""
        return self.own / "keeper"

    def app(self, version: Version) -> Path:
        """Folder of ``version``."""
        return self.root / version.folder

    def versions(self) -> list[Version]:
        """Those that are wholly there, oldest first."""
        found: list[Version] = []
        for path in self.root.iterdir():
            with contextlib.suppress(ValueError):
                found.append(Version.of_folder(path.name))
        return sorted(found)

    def sweep(self, keep: Iterable[Version]) -> list[str]:
        """Remove parts and all versions but ``keep``; names of what could not be removed yet."""
        kept = {version.folder for version in keep}
        left: list[str] = []
        for path in [*self.root.iterdir(), self.download]:
            name = path.name
            rest = name.endswith((PART, _GONE)) and (
                name.startswith("app-") or path == self.download
            )
            if rest or (_is_app(name) and name not in kept):
                left += [] if _removed(path) else [name]
        return left


def _is_app(name: str) -> bool:
    try:
        Version.of_folder(name)
    except ValueError:
        return False
    return True


def _removed(path: Path) -> bool:
    """Out of the way at once, then emptied; a program that still runs on Windows stays."""
    try:
        if path.is_dir() and not path.is_symlink():
            if _is_app(path.name):
                path = path.rename(path.with_name(f"{path.name}{_GONE}"))
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` wholly or not at all, on disk before this returns; ``OSError``."""
    part = path.with_name(f"{path.name}{PART}")
    try:
        with part.open("wb") as file:
            open_to_all(file.fileno(), 0o644)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        put(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)


if sys.platform == "win32":

    def put(source: Path, target: Path) -> None:
        """Rename ``source`` to ``target``, over a file that is there; ``OSError``.

        Windows refuses while somebody reads either without leave to replace it: tried for 10 s.
        """
        until_s = time.monotonic() + _HELD_S
        while True:
            try:
                os.replace(source, target)  # noqa: PTH105  # of a link, too
                return
            except PermissionError:
                if time.monotonic() >= until_s:
                    raise
            time.sleep(_LOOK_S)

    def open_to_all(_handle: int, _mode: int) -> None:
        """Who may read is inherited from the folder there."""

else:

    def put(source: Path, target: Path) -> None:
        """Rename ``source`` to ``target``, over a file that is there; ``OSError``."""
        os.replace(source, target)  # noqa: PTH105  # of a link, too

    def open_to_all(handle: int, mode: int) -> None:
        """Whatever the administrator's umask: the daemon runs as somebody else."""
        os.fchmod(handle, mode)


def sync_folder(folder: Path) -> None:
    """Names in ``folder`` are on disk when this returns. Windows writes them through by itself."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
