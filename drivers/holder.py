"""Which program has a device node open."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def holder_of(node: Path, proc: Path = _PROC) -> str:
    """Name of a program that has ``node`` open, another one than ours first; empty: not to be
    told, as for programs of other accounts.

    Only the program's name: command lines hold what is nobody's business.
    """
    wanted = str(node.resolve())
    processes = [entry for entry in proc.iterdir() if entry.name.isdigit()]
    processes.sort(key=lambda entry: entry.name == str(os.getpid()))
    for process in processes:
        if _has_open(process, wanted):
            return _name(process)
    return ""


def _has_open(process: Path, wanted: str) -> bool:
    try:
        return any(_target(link) == wanted for link in (process / "fd").iterdir())
    except OSError:  # of another account, or it just ended
        return False


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return ""
