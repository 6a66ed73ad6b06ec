"""One updater at a time, and never in somebody's encounter: files that processes lock.

The system frees a lock with its process, however that ends: nothing stale is ever left.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Self

from yibao_face.installer.update.fault import InUseError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)


class Held:
    """A lock, until ``close``."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def close(self) -> None:
        """Let go."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def encounter_file(data: Path) -> Path:
    """What a daemon holds while somebody is before its camera."""
    return data / "encounter.lock"


def take(path: Path, mode: int = 0o644) -> Held | None:
    """The lock ``path``, ``None`` while another process has it; ``OSError``: no such folder.

    ``mode``: who may look at it, where it is made.
    """
    handle = _opened(path, mode)
    try:
        _lock(handle)
    except OSError:
        os.close(handle)
        return None
    return Held(handle)


def alone(path: Path) -> Held:
    """The lock of the one updater; raises ``InUseError``."""
    held = take(path)
    if held is None:
        raise InUseError("another update is under way")
    return held


def _opened(path: Path, mode: int) -> int:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK, mode)
    except FileExistsError:
        try:
            return os.open(path, os.O_RDWR | _NO_LINK)
        except PermissionError:
            # Enough to see whether an administrator's process holds it.
            return os.open(path, os.O_RDONLY | _NO_LINK)
    _give(handle, path.parent)
    return handle


if sys.platform == "win32":

    def _give(_handle: int, _folder: Path) -> None:
        """Who may use a file is inherited there."""

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:

    def _give(handle: int, folder: Path) -> None:
        """Of the folder's owner: a file of root's would shut the daemon out."""
        if os.geteuid() == 0:
            owner = folder.stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
