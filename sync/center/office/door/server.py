"""Serves the office over TLS until told to stop, on a listener of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from yibao_face.sync.center.http.server import LAST_REQUESTS_S, listen, own_context
from yibao_face.sync.center.office.door.app import make_app
from yibao_face.sync.center.office.office import Office


async def serve_office(
    office: Office, where: tuple[str, int], ready: Callable[[int], None], stop: asyncio.Event
) -> None:
    """Serve at (address, port) until ``stop``; ``CenterError`` when the port is taken."""
    runner = web.AppRunner(make_app(office), access_log=None, shutdown_timeout=LAST_REQUESTS_S)
    # People have no certificate of their own.
    await listen(runner, where, own_context(office.center.folder), ready, stop)
