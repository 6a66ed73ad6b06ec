"""Ends the programs that run from an installation, so that its files can be replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil

_WAIT_S = 10.0


def halt(root: Path) -> int:
    """End every program below ``root`` but this one and who called it; how many were ended.

    Launchers first, as they start what ended again. A result is on disk before its answer leaves,
    so nothing is lost; a call under way gets no answer, which is no pass.
    """
    kept = {parent.pid for parent in psutil.Process().parents()} | {psutil.Process().pid}
    found = [one for one in _below(root) if one.pid not in kept]
    found.sort(key=lambda one: len(Path(one.exe()).parts))
    for one in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.terminate()
    _, left = psutil.wait_procs(found, _WAIT_S)
    for one in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    return len(found)


def _below(root: Path) -> Iterator[psutil.Process]:
    place = _plain(root)
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if place in map(_plain, Path(one.exe()).parents):
                yield one


def _plain(path: Path) -> str:
    return str(path).casefold().rstrip("\\/")
