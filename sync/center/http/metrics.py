"""``GET /metrics`` on a port of its own, for a collector on this machine."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import web

from yibao_face.sync.center.api import CenterError, StoreDownError
from yibao_face.sync.center.center import Center
from yibao_face.sync.center.sight import look

_HOST = "127.0.0.1"
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics_text(center: Center) -> bytes:
    """All metrics at this moment; ``StoreDownError``. Asks the database, so it may wait."""
    sight = look(center.database, center.clock())
    free = shutil.disk_usage(center.folder).free
    return center.metrics.text(sight, free, center.database.connections)


@asynccontextmanager
async def metrics_site(center: Center, port: int) -> AsyncGenerator[int, None]:
    """Serve them on the loopback address, without TLS, until the block ends; the port.

    ``CenterError`` when it is taken.
    """

    async def metrics(_request: web.Request) -> web.Response:
        try:
            body = await asyncio.to_thread(metrics_text, center)
        except StoreDownError:
            return web.Response(status=503, text="the database failed\n")
        return web.Response(body=body, headers={"Content-Type": _TYPE})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, _HOST, port).start()
        except OSError as exc:
            raise CenterError(f"port {port} cannot be opened: {exc.strerror}") from exc
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
