"""What the windows need of the daemon they belong to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from yibao_face.daemon.agent.status import Sources, Status, status_of
from yibao_face.daemon.booth.board import Board, Phase
from yibao_face.daemon.booth.booth import Booth
from yibao_face.daemon.booth.counter import Counter
from yibao_face.daemon.booth.eye import Eye
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.door.client import Caller
from yibao_face.daemon.section import UiConfig

# Faults and counts may be told so much later: looking for them costs a little.
_STATUS_S = 2.0


@dataclass(slots=True)
class Host:
    """``quit``: what the tray's 退出 does. ``hello``: told to each new window process."""

    booth: Booth
    counter: Counter
    eye: Eye
    clock: Clock
    caller: Caller
    ui: UiConfig
    sources: Sources
    quit: Callable[[], None]
    hello: dict[str, Any]
    _known: Status | None = None
    _known_at_s: float = float("-inf")
    _known_phase: Phase = Phase.IDLE
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def board(self) -> Board:
        """What may be shown of the encounter."""
        return self.booth.board

    def status(self, phase: Phase) -> Status:
        """The state at a glance; looked for again every 2 s, and when ``phase`` changes."""
        with self._guard:
            old = time.monotonic() - self._known_at_s > _STATUS_S
            if self._known is None or old or phase is not self._known_phase:
                self._known = status_of(self.sources, phase)
                self._known_at_s, self._known_phase = time.monotonic(), phase
            return self._known
