"""Serve a daemon with its console beside the HIS contract, on the same port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from aiohttp import web

from yibao_face.daemon.console.api import (
    account,
    counter,
    desk,
    encounter,
    machine,
    person,
    queue,
)
from yibao_face.daemon.console.console import Console, opened
from yibao_face.daemon.console.route import route_defs
from yibao_face.daemon.console.web.site import SITE
from yibao_face.daemon.door.server import serve
from yibao_face.daemon.wiring import Daemon

_ROOMS = (account, encounter, counter, desk, person, queue, machine)
ROUTES = tuple(route for room in _ROOMS for route in room.ROUTES)


def console_routes(console: Console) -> list[web.RouteDef]:
    """The page and everything it asks."""
    return [*SITE.routes(), *route_defs(console, ROUTES)]


async def serve_with_console(
    daemon: Daemon,
    ready: Callable[[int], None],
    stop: asyncio.Event,
    config_file: Path,
    more: Iterable[web.RouteDef] = (),
) -> None:
    """As ``serve``; without a page where the site turned it off. Records go up meanwhile."""
    daemon.link.start()
    if not daemon.config.console.enabled:
        await serve(daemon, ready, stop, more)
        return
    async with opened(daemon, config_file) as console:
        await serve(daemon, ready, stop, [*console_routes(console), *more])
