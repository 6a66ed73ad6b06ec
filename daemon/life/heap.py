"""Memory of the C library that lives as long as the process: how little of it a daemon holds.

glibc gives each thread a heap of its own and every heap keeps what was freed in it; frames and
tensors come and go in a dozen threads. Elsewhere (Windows, musl) large blocks go back to the
system at once: nothing is done there.
"""

from __future__ import annotations

import ctypes
import sys

_M_ARENA_MAX = -8


def share_one_heap() -> bool:
    """Let all threads that begin from here on share one heap; whether there is such a choice.

    Python's own lock lets one of them allocate at a time anyway.
    """
    found = _glibc()
    return found is not None and bool(found.mallopt(_M_ARENA_MAX, 1))


def give_back() -> bool:
    """Give what is free in the heap back to the system; whether anything was."""
    found = _glibc()
    return found is not None and bool(found.malloc_trim(0))


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    # musl has neither.
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
