"""One agent on a machine: a locked file for those of one data folder, the port for all others.

The system frees the lock with the process, however it ends: nothing stale is ever left.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Self

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class Seat:
    """The right to serve from one data folder, until ``close``."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def close(self) -> None:
        """Let the next one in."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def lock_file(data: Path) -> Path:
    """What is locked."""
    return data / "agent.lock"


def take_seat(data: Path) -> Seat | None:
    """The seat of ``data``, ``None`` while another process has it. ``OSError``: no such folder."""
    handle = os.open(lock_file(data), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(handle)
    except OSError:
        os.close(handle)
        return None
    return Seat(handle)


if sys.platform == "win32":

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
