"""The windows without an encounter: what is shown is posted by a script instead (staged)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from yibao_face.daemon.agent.host import Host
from yibao_face.daemon.agent.status import Link, Sources
from yibao_face.daemon.agent.window.keeper import Keeper
from yibao_face.daemon.booth.board import Board, Visit
from yibao_face.daemon.booth.booth import Booth
from yibao_face.daemon.booth.counter import Counter, CounterSilentError, Prompt
from yibao_face.daemon.booth.eye import Eye
from yibao_face.daemon.booth.look import Scene
from yibao_face.daemon.capture.attempt import Attempt, EncounterEndedError
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.demo.window.drawn import DrawnCamera
from yibao_face.daemon.door.client import Caller
from yibao_face.daemon.section import UiConfig
from yibao_face.drivers.api import DeviceConfigError
from yibao_face.drivers.supervise.supervisor import Patience, Supervisor

_DEADLINE_S = 300.0


@dataclass(slots=True)
class Staged:
    """Real windows, a real pipe, a real board; ``link``, ``version``: as the tray is to tell."""

    keeper: Keeper
    board: Board
    counter: Counter
    link: Link | None = None
    version: str = ""

    def begin(self, visit: Visit, seconds: float = 30.0, needed: int = 5) -> None:
        """Somebody is asked before the camera."""
        self.counter.begin(visit.encounter)
        self.board.begin(visit, Attempt(_DEADLINE_S))
        self.board.gathers(needed, seconds)

    def ask(self, prompt: Prompt, attempt: Attempt) -> None:
        """Ask ``prompt`` until it is answered or ``attempt`` is over; returns at once."""

        def wait() -> None:
            with contextlib.suppress(EncounterEndedError, CounterSilentError):
                self.counter.ask(prompt, attempt)

        threading.Thread(target=wait, name="asked", daemon=True).start()

    def rest(self) -> None:
        """Nobody is there, and nothing is told."""
        self.board.clear()

    def end(self, encounter: str, cause: Cause) -> None:
        """It is over, and on disk."""
        self.board.judged()
        self.board.written(encounter, cause)


def _no_scene() -> Scene:
    raise DeviceConfigError("nothing is judged here")


@contextmanager
def staged(ui: UiConfig, fps: float = 30.0) -> Generator[Staged, None, None]:
    """The windows of ``ui`` on the display of this process's environment."""
    board, counter = Board(), Counter(5.0)
    patience = Patience(idle_s=-1.0, settle_s=0.0)
    with Supervisor(lambda: DrawnCamera(fps), patience) as supervisor:
        eye = Eye(supervisor.lease, supervisor)
        booth = Booth(_no_scene, Clock(), board)
        caller = Caller("127.0.0.1", 9)
        hello = {"ui": asdict(ui), "address": "http://127.0.0.1:51518", "version": "0.1.0"}
        sources = Sources(eye, None, lambda: made.link, lambda: made.version)
        host = Host(
            booth, counter, eye, Clock(), caller, ui, sources, lambda: None, {**hello, "voice": ""}
        )
        made = Staged(Keeper(host), board, counter)
        made.keeper.start()
        try:
            yield made
        finally:
            made.keeper.close()
            booth.close()
