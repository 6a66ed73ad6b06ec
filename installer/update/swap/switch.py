"""Which version runs: a symbolic link, or a file with one name that the launcher reads.

Both ways are laid ready before anything is changed, so that to go back needs no room on the
disk: one rename, which is there wholly or not at all. (A junction of Windows can only be taken
away and made again: with the power off in between nothing would start.)
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from typing import Protocol

from yibao_face.installer.update.fault import UpdateError
from yibao_face.installer.update.place import put, replace_file, sync_folder
from yibao_face.installer.update.version import Version

MAX_POINTER_BYTES = 64


class SwitchError(UpdateError):
    """It cannot be told which version runs."""


@unique
class Way(StrEnum):
    """What is laid ready."""

    ON = "on"
    BACK = "back"


class Switch(Protocol):
    """``current`` names the version that is started next."""

    def current(self) -> Version:
        """Raises ``SwitchError``."""
        ...

    def lay(self, way: Way, version: Version) -> None:
        """Lay ``way`` ready; on disk when this returns. ``OSError``."""
        ...

    def go(self, way: Way) -> None:
        """Go a way that was laid; on disk when this returns. ``OSError``, and nothing changed."""
        ...

    def clear(self) -> None:
        """Take away what was laid and not gone."""
        ...


@dataclass(frozen=True, slots=True)
class _Rename:
    """A name in ``root`` that others are renamed over."""

    root: Path
    name: str

    def _ready(self, way: Way) -> Path:
        return self.root / f"{self.name}.{way.value}"

    def go(self, way: Way) -> None:
        """See ``Switch``."""
        put(self._ready(way), self.root / self.name)
        sync_folder(self.root)

    def clear(self) -> None:
        """See ``Switch``."""
        for way in Way:
            self._ready(way).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Symlink(_Rename):
    """``ROOT/current`` → ``app-1.2.3``."""

    name: str = "current"

    def current(self) -> Version:
        """See ``Switch``."""
        try:
            return Version.of_folder(str((self.root / self.name).readlink()))
        except (OSError, ValueError) as exc:
            raise SwitchError(f"{self.name} is no link to a version: {exc}") from exc

    def lay(self, way: Way, version: Version) -> None:
        """See ``Switch``."""
        ready = self._ready(way)
        ready.unlink(missing_ok=True)
        ready.symlink_to(version.folder, target_is_directory=True)
        sync_folder(self.root)


@dataclass(frozen=True, slots=True)
class Pointer(_Rename):
    """``ROOT/current.txt``, one line: ``app-1.2.3``."""

    name: str = "current.txt"

    def current(self) -> Version:
        """See ``Switch``."""
        try:
            with (self.root / self.name).open("rb") as file:
                text = file.read(MAX_POINTER_BYTES).decode("ascii")
            return Version.of_folder(text.strip())
        except (OSError, ValueError) as exc:
            raise SwitchError(f"{self.name} names no version: {exc}") from exc

    def lay(self, way: Way, version: Version) -> None:
        """See ``Switch``."""
        replace_file(self._ready(way), f"{version.folder}\n".encode("ascii"))


def switch_of(root: Path, kind: str) -> Switch:
    """The switch of a site: ``symlink`` or ``pointer``."""
    if kind == "symlink" and sys.platform != "win32":
        return Symlink(root)
    return Pointer(root)
