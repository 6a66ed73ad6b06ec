"""Ends the programs that run from an installation, so that its files can be replaced.

They are asked first: an encounter under way is finished, or cancelled after a while.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from yibao_face.daemon.config import Config
from yibao_face.daemon.door.client import ClientError, caller_of
from yibao_face.installer.update.swap.lock import Held as Lock
from yibao_face.installer.update.swap.lock import encounter_file, take

if sys.platform == "win32":
    import ctypes

# Between looks at the encounter's lock.
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds. ``finish_s``: for an encounter under way to end by itself, before it is
    cancelled; ``stop_s``: from the order to stop to the end of the programs, before they are
    ended; ``end_s``: for what is being ended.
    """

    finish_s: float = 60.0
    stop_s: float = 25.0
    end_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Halted:
    """``found``: programs that ran; ``asked``: whether a daemon took the order; ``ended``: how
    many had to be ended.
    """

    found: int
    asked: bool
    ended: int


def halt(
    root: Path, config: Config | None, *, again: bool = False, patience: Patience | None = None
) -> Halted:
    """Let every program below ``root`` end, but this one and who called it.

    ``config``: of the daemon that is asked first, ``None`` where it cannot be read. No encounter
    begins meanwhile. ``again``: an updater asks, who has the counter to itself; the launchers stay
    and start what the pointer names.
    """
    bounds = patience or Patience()
    kept = {parent.pid for parent in psutil.Process().parents()} | {psutil.Process().pid}
    below = [(one, file) for one, file in _below(root) if one.pid not in kept]
    # Launchers first, as they start what ended again.
    below.sort(key=lambda found: len(found[1].parts))
    lie = len(root.parts) + 1
    told = [one for one, file in below if not (again and len(file.parts) == lie)]
    if not told:
        return Halted(0, asked=False, ended=0)
    with ExitStack() as held:
        if config is not None:
            idle = _idle(config.data, 0.0 if again else bounds.finish_s)
            if idle is not None:
                held.enter_context(idle)
        asked = config is not None and _ask(config, again=again)
        left = psutil.wait_procs(told, bounds.stop_s)[1] if asked else told
        ended = _end([one for one in told if one in left], bounds.end_s)
    return Halted(len(told), asked, ended)


def _idle(data: Path, wait_s: float) -> Lock | None:
    """The counter to itself, as an updater takes it; ``None`` where somebody is still there."""
    until_s = time.monotonic() + wait_s
    while True:
        try:
            lock = take(encounter_file(data))
        except OSError:
            return None  # no such folder: no daemon serves from it
        if lock is not None or time.monotonic() >= until_s:
            return lock
        time.sleep(_LOOK_S)


def _ask(config: Config, *, again: bool) -> bool:
    try:
        caller_of(config, clerk=True).stop(again=again)
    except ClientError:
        return False
    return True


def _end(programs: list[psutil.Process], wait_s: float) -> int:
    """A result is on disk before its answer leaves, so nothing is lost; a call under way gets no
    answer, which is no pass."""
    for one in programs:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.terminate()
    for one in psutil.wait_procs(programs, wait_s)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    return len(programs)


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
