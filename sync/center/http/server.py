"""Serves the centre over TLS until told to stop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.center import Center
from yibao_face.sync.center.device.authority import ROOT_CERT, SERVER_CERT, SERVER_KEY
from yibao_face.sync.center.http.app import make_app

_KEEPALIVE_S = 75.0
LAST_REQUESTS_S = 10.0


def tls_context(folder: Path) -> ssl.SSLContext:
    """As ``own_context``; a client certificate, where shown, must be of this authority."""
    context = own_context(folder)
    # Optional, as /v1/enrol has to work without: every other route asks for it (see ``known``).
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    with _usable(folder):
        context.load_verify_locations(folder / ROOT_CERT)
    return context


def own_context(folder: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with the centre's server certificate; callers need none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with _usable(folder):
        context.load_cert_chain(folder / SERVER_CERT, folder / SERVER_KEY)
    return context


@contextmanager
def _usable(folder: Path) -> Generator[None, None, None]:
    try:
        yield
    except (OSError, ssl.SSLError) as exc:
        raise CenterError(f"the certificates in {folder.name} cannot be used") from exc


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
        shutdown_timeout=LAST_REQUESTS_S,
    )
    await listen(runner, (host, port), tls_context(center.folder), ready, stop, share=share)


async def listen(  # noqa: PLR0913  # what is served where, and what to tell whom
    runner: web.AppRunner,
    where: tuple[str, int],
    context: ssl.SSLContext,
    ready: Callable[[int], None],
    stop: asyncio.Event,
    *,
    share: bool = False,
) -> None:
    """Run ``runner`` at (address, port) over TLS until ``stop``; see ``serve``."""
    await runner.setup()
    try:
        site = web.TCPSite(runner, *where, ssl_context=context, reuse_port=share or None)
        try:
            await site.start()
        except OSError as exc:
            raise CenterError(f"port {where[1]} cannot be opened: {exc.strerror}") from exc
        ready(int(runner.addresses[0][1]))
        await stop.wait()
    finally:
        await runner.cleanup()
