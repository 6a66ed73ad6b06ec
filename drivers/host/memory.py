"""Memory of two processes that has no name to leak: it is gone with the last of them.

Not ``multiprocessing.shared_memory``: up to Python 3.12 every process that opens a segment starts
a tracker, which removes the segment under the others when that process ends.
"""

from __future__ import annotations

import mmap
import os
import secrets
import sys
from typing import Self

GRANULE = mmap.ALLOCATIONGRANULARITY


class Memory:
    """Areas of it are mapped by where they begin and how long they are, in bytes.

    ``handle``: what the child process opens the same memory by.
    """

    def __init__(self, handle: int | str) -> None:
        self.handle = handle

    @classmethod
    def create(cls) -> Self:
        """Memory of no size yet."""
        if sys.platform == "win32":
            return cls(rf"Local\yibao-camera-{secrets.token_hex(16)}")
        import fcntl  # noqa: PLC0415  # not on Windows

        handle = os.memfd_create("yibao-camera", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        # A child that shrank it would end a process that reads it.
        fcntl.fcntl(handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        return cls(handle)

    @property
    def inherited(self) -> tuple[int, ...]:
        """Descriptors the child process must inherit."""
        return (self.handle,) if isinstance(self.handle, int) else ()

    def extend(self, end: int) -> None:
        """Make room up to byte ``end``; it never shrinks."""
        if isinstance(self.handle, int) and os.fstat(self.handle).st_size < end:
            os.ftruncate(self.handle, end)

    def map(self, begin: int, length: int) -> mmap.mmap:
        """See an area; ``begin`` is a multiple of ``GRANULE``.

        Raises ``ValueError`` or ``OSError`` where there is no such memory.
        """
        if isinstance(self.handle, int):
            return mmap.mmap(self.handle, length, offset=begin)
        return _named(f"{self.handle}-{begin}", length)

    def close(self) -> None:
        """Give the descriptor back; what is mapped stays until its last user drops it."""
        if isinstance(self.handle, int):
            os.close(self.handle)


def _named(name: str, length: int) -> mmap.mmap:
    """Windows' memory: an area of its own per beginning, for a named one cannot grow."""
    if sys.platform == "win32":
        return mmap.mmap(-1, length, tagname=name)
    raise ValueError("memory has names on Windows alone")
