"""Ends the programs that run from an installation, so that its files can be replaced."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

if sys.platform == "win32":
    import ctypes

_WAIT_S = 10.0


def halt(root: Path) -> int:
    """End every program below ``root`` but this one and who called it; how many were ended.

    Launchers first, as they start what ended again. A result is on disk before its answer leaves,
    so nothing is lost; a call under way gets no answer, which is no pass.
    """
    kept = {parent.pid for parent in psutil.Process().parents()} | {psutil.Process().pid}
    below = sorted(_below(root), key=lambda found: len(found[1].parts))
    ended = [one for one, _ in below if one.pid not in kept]
    for one in ended:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.terminate()
    _, left = psutil.wait_procs(ended, _WAIT_S)
    for one in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    return len(ended)


def _below(root: Path) -> Iterator[tuple[psutil.Process, Path]]:
    place = _plain(root)
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            program = Path(_program(one))
            if place in map(_plain, program.parents):
                yield one, program


def _plain(path: Path) -> str:
    return str(path).casefold().rstrip("\\/")


if sys.platform == "win32":
    _QUERY_LIMITED = 0x1000
    _MOST_CHARACTERS = 32_768

    def _program(one: psutil.Process) -> str:
        """Asked of Windows itself: psutil's own way needs what Wine does not have."""
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.OpenProcess.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(kernel32.OpenProcess(_QUERY_LIMITED, 0, one.pid))
        if not handle:
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            text = ctypes.create_unicode_buffer(_MOST_CHARACTERS)
            size = ctypes.c_uint32(_MOST_CHARACTERS)
            if not kernel32.QueryFullProcessImageNameW(handle, 0, text, ctypes.byref(size)):
                raise ctypes.WinError(ctypes.get_last_error())
            return text.value
        finally:
            kernel32.CloseHandle(handle)

else:

    def _program(one: psutil.Process) -> str:
        return str(one.exe())
