"""Starts the process of the windows, and starts it again whenever it ends or hangs."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from io import FileIO
from typing import Any, cast

from yibao_face.daemon.agent.host import Host
from yibao_face.daemon.agent.window.conversation import Conversation
from yibao_face.daemon.ui.protocol import NO_DISPLAY, NO_QT

logger = logging.getLogger(__name__)

# A packed program understands the same words. -P: the working folder is nobody's package.
_WINDOWS = ("-P", "-m", "yibao_face.daemon.ui")
# A display that is gone comes back with the next login, a bug with the same data: seldom then.
_PAUSES_S = (0.2, 1.0, 3.0, 10.0, 30.0)
# What ran so long was well: its end is the first one again.
_WELL_S = 60.0
_LOOK_S = 1.0
_STOP_S = 3.0
_FINAL = {
    NO_QT: "no windows: PySide6 is not installed (pip install 'yibao-face[ui]')",
    NO_DISPLAY: "no windows: this session has no display",
}


class Keeper:
    """``start`` once, ``close`` once. The daemon goes on whatever becomes of the windows.

    ``command``: of other windows than ours.
    """

    def __init__(self, host: Host, command: Sequence[str] = ()) -> None:
        self._host, self._command = host, tuple(command) or (sys.executable, *_WINDOWS)
        self._stop = threading.Event()
        self._now: Conversation | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._run, "windows"), (self._watch, "windows-watch"))
        ]

    @property
    def conversation(self) -> Conversation | None:
        """With the present process, while there is one."""
        return self._now

    @property
    def pid(self) -> int | None:
        """Of the present process."""
        process = self._process
        return None if process is None else process.pid

    def start(self) -> None:
        """Start the windows; returns at once."""
        for thread in self._threads:
            thread.start()

    def tell(self, body: dict[str, Any]) -> bool:
        """Send ``body`` to the windows; whether there are any."""
        now = self._now
        if now is not None:
            now.tell(body)
        return now is not None

    def close(self) -> None:
        """End the windows."""
        self._stop.set()
        now, process = self._now, self._process
        if now is not None:
            now.close()
        if process is not None:
            _end(process)
        for thread in self._threads:
            thread.join(_STOP_S)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            began_s = time.monotonic()
            code = self._once()
            if self._stop.is_set() or code in _FINAL:
                break
            failures = 0 if time.monotonic() - began_s > _WELL_S else failures + 1
            pause_s = _PAUSES_S[min(max(failures - 1, 0), len(_PAUSES_S) - 1)]
            logger.warning("windows ended (%s), started again in %.1f s", code, pause_s)
            self._stop.wait(pause_s)

    def _once(self) -> int | None:
        """One process from start to end; its exit code, ``None`` where it did not start."""
        try:
            process = _started(self._command)
        except OSError as exc:
            logger.warning("windows cannot be started: %s", exc)
            return None
        self._process = process
        pipes = cast(FileIO, process.stdin), cast(FileIO, process.stdout)
        conversation = self._now = Conversation(self._host, *pipes)
        try:
            if not self._stop.is_set():
                conversation.listen()
        finally:
            self._now = self._process = None
            conversation.close()
            code = _end(process)
            pipes[1].close()
        if code in _FINAL:
            logger.warning("%s", _FINAL[code])
        return code

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_S):
            now, process = self._now, self._process
            if now is not None and process is not None and now.is_stuck:
                logger.warning("windows do not answer: ended")
                process.kill()


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    flags = 0
    if sys.platform == "win32":
        # No console window of its own.
        flags = subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(  # noqa: S603  # ourselves
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        creationflags=flags,
    )


def _end(process: subprocess.Popen[bytes]) -> int:
    """Let ``process`` go: its stdin has ended, which it hears; by force where it does not."""
    try:
        return process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
