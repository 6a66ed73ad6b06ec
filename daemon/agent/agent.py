"""Serve as ``yibao-face serve`` does, with the windows beside it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version

from aiohttp import web

from yibao_face.daemon.agent.host import Host
from yibao_face.daemon.agent.keeper import Keeper
from yibao_face.daemon.agent.status import Sources
from yibao_face.daemon.door.client import Caller, ClientError, caller_of
from yibao_face.daemon.door.guard import bearer_matches, refused
from yibao_face.daemon.door.server import serve, stop_on_signals, token_file
from yibao_face.daemon.wiring import Daemon

logger = logging.getLogger(__name__)

SHOW_PATH = "/agent/show"


@dataclass(slots=True)
class Agent:
    """A daemon and its windows; ``run`` once. ``windows``: ``False`` runs as ``serve`` does."""

    daemon: Daemon
    windows: bool = True
    keeper: Keeper | None = None

    async def run(self, ready: Callable[[int], None]) -> None:
        """Serve until told to stop; ``ready`` gets the bound port."""
        stop = asyncio.Event()
        stop_on_signals(stop)
        loop = asyncio.get_running_loop()

        def quit_() -> None:
            loop.call_soon_threadsafe(stop.set)

        def bound(port: int) -> None:
            ready(port)
            if self.windows:
                self._open(port, quit_)

        try:
            await serve(self.daemon, bound, stop, [web.post(SHOW_PATH, self._show)])
        finally:
            if self.keeper is not None:
                await asyncio.to_thread(self.keeper.close)

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
    sources = Sources(daemon.eye, daemon.models)
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
