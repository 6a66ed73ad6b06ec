"""Serve as ``yibao-face serve`` does, with the windows beside it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from aiohttp import web

from yibao_face.daemon.agent.host import Host
from yibao_face.daemon.agent.status import Link, Sources
from yibao_face.daemon.agent.waiting import Waiting
from yibao_face.daemon.agent.window.keeper import Keeper
from yibao_face.daemon.console.serve import serve_with_console
from yibao_face.daemon.door.client import Caller, ClientError, caller_of
from yibao_face.daemon.door.guard import bearer_matches, refused
from yibao_face.daemon.door.server import stop_on_signals
from yibao_face.daemon.door.stop import Stop
from yibao_face.daemon.door.token import token_file
from yibao_face.daemon.link.link import NONE
from yibao_face.daemon.wiring import Daemon
from yibao_face.installer.update.site import default_root
from yibao_face.sync.uplink.api import State

logger = logging.getLogger(__name__)

SHOW_PATH = "/agent/show"


@dataclass(slots=True)
class Agent:
    """A daemon and its windows; ``run`` once. ``windows``: ``False`` runs as ``serve`` does.

    ``follow``: told of the loop and of what ends it.
    """

    daemon: Daemon
    config_file: Path
    windows: bool = True
    keeper: Keeper | None = None
    follow: Callable[[asyncio.AbstractEventLoop, asyncio.Event], None] | None = None

    async def run(self, ready: Callable[[int], None]) -> int:
        """Serve until told to stop; ``ready`` gets the bound port. The exit code."""
        stop = Stop()
        stop_on_signals(stop)
        loop = asyncio.get_running_loop()
        if self.follow is not None:
            self.follow(loop, stop)

        def quit_() -> None:
            loop.call_soon_threadsafe(stop.set)

        def bound(port: int) -> None:
            ready(port)
            if self.windows:
                self._open(port, quit_)

        try:
            own = [web.post(SHOW_PATH, self._show)]
            await serve_with_console(self.daemon, bound, stop, self.config_file, own)
        finally:
            if self.keeper is not None:
                await asyncio.to_thread(self.keeper.close)
        return stop.exit_code

    def _open(self, port: int, quit_: Callable[[], None]) -> None:
        self.keeper = Keeper(host_of(self.daemon, port, quit_))
        self.keeper.start()

    async def _show(self, request: web.Request) -> web.Response:
        """A second start asks the first to show itself; only who may answer prompts may ask."""
        token = token_file(self.daemon.config.data).read_text("ascii")
        if not bearer_matches(request, token):
            return refused("token missing or wrong", 401)
        shown = self.keeper is not None and self.keeper.tell({"t": "show"})
        return web.json_response({"shown": shown})


def host_of(daemon: Daemon, port: int, quit_: Callable[[], None]) -> Host:
    """What the windows of ``daemon``, bound to ``port``, need of it."""
    config = daemon.config
    bound = replace(config, door=replace(config.door, port=port))
    caller = caller_of(bound, clerk=True)
    hello = {
        "ui": asdict(config.ui),
        "address": f"http://{config.door.host}:{port}",
        "version": version("yibao-face"),
        "voice": str(config.data / "voice"),
    }
    booth = daemon.service.booth

    def link() -> Link | None:
        standing = daemon.link.view()
        if standing["state"] == NONE:
            return None
        return Link(standing["state"] == State.ONLINE, standing["waiting"])

    waiting = Waiting(version("yibao-face"), default_root(), config.data)
    sources = Sources(daemon.eye, daemon.models, link, waiting.version)
    return Host(
        booth,
        daemon.counter,
        daemon.eye,
        booth.clock,
        caller,
        config.ui,
        sources,
        quit_,
        hello,
    )


def ask_to_show(caller: Caller) -> bool:
    """Ask the agent that serves already to show itself; whether it could be asked."""
    try:
        caller.show(SHOW_PATH)
    except ClientError as exc:
        logger.info("the agent that serves was not asked: %s", exc)
        return False
    return True
