"""``GET /metrics`` and ``GET /health`` on a port of its own, for a collector on this machine."""

from __future__ import annotations

import asyncio
import math
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from sqlalchemy import select

from yibao_face.sync.center.api import CenterError, RefusedError, StoreDownError, UnixMs
from yibao_face.sync.center.bus.api import Bus
from yibao_face.sync.center.center import Center
from yibao_face.sync.center.metric import Metrics
from yibao_face.sync.center.sight import look
from yibao_face.sync.center.store.database import Database
from yibao_face.sync.center.store.tables import PROGRESS

_HOST = "127.0.0.1"
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the centre, as far as it is watched. ``bus``: ``None`` where it has none."""

    folder: Path
    database: Database
    metrics: Metrics
    clock: UnixMs
    bus: Bus | None = None


def part_of(center: Center) -> Part:
    """What takes records in."""
    bus = center.relay.bus if center.relay else None
    return Part(center.folder, center.database, center.metrics, center.clock, bus)


def metrics_text(part: Part) -> bytes:
    """All metrics at this moment; ``StoreDownError``. Asks the database, so it may wait."""
    sight = look(part.database, part.clock())
    free = shutil.disk_usage(part.folder).free
    if part.bus is not None:
        messages = _waiting(part.bus)
        part.metrics.bus(math.nan if messages is None else messages)
    return part.metrics.text(sight, free, part.database.connections)


def health_of(part: Part) -> dict[str, str]:
    """``status`` and each thing the process cannot work without: ``ok`` or ``down``."""
    found = {"database": _said(up=_is_up(part.database))}
    if part.bus is not None:
        found["bus"] = _said(up=_waiting(part.bus) is not None)
    return {"status": _said(up="down" not in found.values()), **found}


@asynccontextmanager
async def metrics_site(part: Part, port: int) -> AsyncGenerator[int, None]:
    """Serve both on the loopback address, without TLS, until the block ends; the port.

    ``CenterError`` when it is taken.
    """

    async def metrics(_request: web.Request) -> web.Response:
        try:
            body = await asyncio.to_thread(metrics_text, part)
        except (StoreDownError, RefusedError):
            return web.Response(status=503, text="the database failed\n")
        return web.Response(body=body, headers={"Content-Type": _TYPE})

    async def health(_request: web.Request) -> web.Response:
        found = await asyncio.to_thread(health_of, part)
        return web.json_response(found, status=200 if found["status"] == "ok" else 503)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/health", health)
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


def _is_up(database: Database) -> bool:
    try:
        with database.reading() as db:
            # A table, as SQLite answers a constant without looking at its file.
            db.execute(select(PROGRESS.c.device).limit(1)).first()
    except (StoreDownError, RefusedError):
        # The other one: it answers, but what it holds is damaged.
        return False
    return True


def _waiting(bus: Bus) -> int | None:
    """Messages nobody has written yet; ``None`` while the bus does not answer."""
    try:
        return bus.waiting()
    except StoreDownError:
        return None


def _said(*, up: bool) -> str:
    return "ok" if up else "down"
