"""Serves the centre over TLS until told to stop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.center import Center
from yibao_face.sync.center.device.authority import ROOT_CERT, SERVER_CERT, SERVER_KEY
from yibao_face.sync.center.http.app import make_app

_KEEPALIVE_S = 75.0
_LAST_REQUESTS_S = 10.0


def tls_context(folder: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer; a client certificate, where shown, must be of this centre's authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Optional, as /v1/enrol has to work without: every other route asks for it (see ``known``).
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    try:
        context.load_cert_chain(folder / SERVER_CERT, folder / SERVER_KEY)
        context.load_verify_locations(folder / ROOT_CERT)
    except (OSError, ssl.SSLError) as exc:
        raise CenterError(f"the certificates in {folder.name} cannot be used") from exc
    return context


async def serve(  # noqa: PLR0913  # where, and what to tell whom
    center: Center,
    host: str,
    port: int,
    ready: Callable[[int], None],
    stop: asyncio.Event,
    *,
    share: bool = False,
) -> None:
    """Serve until ``stop``; ``ready`` is told the port. ``CenterError`` when it is taken.

    ``share``: other processes may open the same port; the kernel deals connections out.
    """
    # Unpacking is ours: it has to stop at a limit.
    runner = web.AppRunner(
        make_app(center),
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=_KEEPALIVE_S,
        shutdown_timeout=_LAST_REQUESTS_S,
    )
    await runner.setup()
    try:
        site = web.TCPSite(
            runner, host, port, ssl_context=tls_context(center.folder), reuse_port=share or None
        )
        try:
            await site.start()
        except OSError as exc:
            raise CenterError(f"port {port} cannot be opened: {exc.strerror}") from exc
        ready(int(runner.addresses[0][1]))
        await stop.wait()
    finally:
        await runner.cleanup()
