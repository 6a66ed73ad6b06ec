"""Serves the office over TLS until told to stop, on a listener of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.device.authority import SERVER_CERT, SERVER_KEY
from yibao_face.sync.center.office.door.app import make_app
from yibao_face.sync.center.office.office import Office

_LAST_REQUESTS_S = 10.0


def tls_context(folder: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with the centre's server certificate; people have none of their own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(folder / SERVER_CERT, folder / SERVER_KEY)
    except (OSError, ssl.SSLError) as exc:
        raise CenterError(f"the certificates in {folder.name} cannot be used") from exc
    return context


async def serve_office(
    office: Office, where: tuple[str, int], ready: Callable[[int], None], stop: asyncio.Event
) -> None:
    """Serve at (address, port) until ``stop``; ``CenterError`` when the port is taken."""
    runner = web.AppRunner(make_app(office), access_log=None, shutdown_timeout=_LAST_REQUESTS_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, *where, ssl_context=tls_context(office.center.folder))
        try:
            await site.start()
        except OSError as exc:
            raise CenterError(f"port {where[1]} cannot be opened: {exc.strerror}") from exc
        ready(int(runner.addresses[0][1]))
        await stop.wait()
    finally:
        await runner.cleanup()
