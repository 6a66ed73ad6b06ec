"""The console of a daemon: what its routes work with, and its beginning and end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.session import Pace, Sessions
from yibao_face.daemon.console.access.staff import StaffBook
from yibao_face.daemon.console.check.live import Live
from yibao_face.daemon.console.check.log import LogTail
from yibao_face.daemon.door.joint import Calls
from yibao_face.daemon.gallery.vault import Vault
from yibao_face.daemon.wiring import Daemon

# PINs and faces tried at the login, by whomever: more is no clerk's hand.
_LOGINS, _LOGINS_S = 20, 60.0
_TICK_S = 1.0


@dataclass(frozen=True, slots=True)
class Console:
    """Collaborators of the routes. ``config_file``: where the wizard pins the camera."""

    daemon: Daemon
    staff: StaffBook
    sessions: Sessions
    logins: Pace
    live: Live
    log: LogTail
    calls: Calls
    config_file: Path

    @property
    def config(self) -> Config:
        """What the site set."""
        return self.daemon.config


def staff_book(config: Config, vault: Vault, clock: Clock) -> StaffBook:
    """The accounts of this data folder."""
    return StaffBook(config.data / "staff.db", vault, clock)


@contextlib.asynccontextmanager
async def opened(daemon: Daemon, config_file: Path) -> AsyncGenerator[Console, None]:
    """A console for ``daemon``; everybody is logged out when it closes."""
    config, ledger, tail = daemon.config, daemon.ledger, LogTail()
    console = Console(
        daemon,
        staff_book(config, ledger.vault, ledger.clock),
        Sessions(config.console.idle_min * 60),
        Pace(_LOGINS, _LOGINS_S),
        Live(daemon.eye.open),
        tail,
        Calls(config.encounter.deadline_s),
        config_file,
    )
    logging.getLogger().addHandler(tail)
    ticking = asyncio.create_task(_tick(console.live))
    try:
        yield console
    finally:
        ticking.cancel()
        logging.getLogger().removeHandler(tail)
        console.live.turn_off()
        await console.calls.stop()


async def _tick(live: Live) -> None:
    while True:
        await asyncio.sleep(_TICK_S)
        # It may have to wait for a frame that is being read.
        await asyncio.to_thread(live.expire)
