"""A thread that looks whether the service lives: it tells systemd, and ends what only seems to.

A process that hangs is worse than one that is gone: whoever started it starts it again.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from yibao_face.daemon.life.crash import CrashFolder, stacks
from yibao_face.daemon.life.notify import ALIVE, READY, STOPPING, notify, watchdog_s

# As after a failure: systemd's Restart=on-failure and a task's recovery start it again.
EXIT_HUNG = 70
_TICK_S = 5.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """In seconds. ``loop_s``: without a sign of the door's loop; ``encounter_s``: of one
    encounter; ``stop_s``: from the order to stop to the end of the process."""

    loop_s: float = 60.0
    encounter_s: float = 360.0
    stop_s: float = 20.0
    tick_s: float = _TICK_S


class Pulse:
    """``encounter``: id of the one under way, empty without. ``end``: how to end at once.

    Counts its own ticks, not seconds: a machine that slept has not hung.
    """

    def __init__(
        self,
        encounter: Callable[[], str],
        crash: CrashFolder,
        bounds: Bounds | None = None,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._encounter, self._crash, self._end = encounter, crash, end
        self._bounds = bounds or Bounds()
        watched_s = watchdog_s()
        every_s = self._bounds.tick_s
        self._tick_s = min(every_s, watched_s / 3) if watched_s else every_s
        self._over = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._silent = self._stopping = self._same = 0
        self._last = ""
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def follow(self, loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
        """Watch this loop, and the end once ``stop`` is set."""
        self._loop, self._stop = loop, stop

    def ready(self) -> None:
        """It serves."""
        notify(READY)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join(self._tick_s)

    def _run(self) -> None:
        while not self._over.wait(self._tick_s):
            wrong = self._look()
            if wrong:
                stacks(self._crash, "hang", wrong)
                self._end(EXIT_HUNG)
                return

    def _look(self) -> str:
        """What is wrong; empty where nothing is."""
        if self._stop is not None and self._stop.is_set():
            if not self._stopping:
                notify(STOPPING)
            self._stopping += 1
            return "stop overdue" if self._after(self._stopping, self._bounds.stop_s) else ""
        encounter = self._encounter()
        self._same = self._same + 1 if encounter and encounter == self._last else 0
        self._last = encounter
        if self._after(self._same, self._bounds.encounter_s):
            return "encounter without end"
        self._ask()
        if self._after(self._silent, self._bounds.loop_s):
            return "door does not answer"
        notify(ALIVE)
        return ""

    def _ask(self) -> None:
        """Let the loop say that it runs; each tick without its word counts."""
        if self._loop is None:
            return
        self._silent += 1

        def heard() -> None:
            self._silent = 0

        try:
            self._loop.call_soon_threadsafe(heard)
        except RuntimeError:
            self._loop = None  # closed: the process is about to end

    def _after(self, ticks: int, bound_s: float) -> bool:
        return ticks * self._tick_s > bound_s
