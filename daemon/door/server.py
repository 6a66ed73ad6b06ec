"""Bind the port and serve until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Iterable

from aiohttp import web

from yibao_face.daemon.door.http import HIS_DOOR, build_app
from yibao_face.daemon.door.plain import PlainRunner
from yibao_face.daemon.door.remote import answering
from yibao_face.daemon.door.stop import stop_route
from yibao_face.daemon.door.token import token_file, write_token
from yibao_face.daemon.wiring import Daemon

# How long calls under way may take to notice that the daemon stops.
_SHUTDOWN_S = 3.0


class PortTakenError(Exception):
    """Another program listens on the port HIS programs call."""


async def serve(
    daemon: Daemon,
    ready: Callable[[int], None],
    stop: asyncio.Event,
    more: Iterable[web.RouteDef] = (),
) -> None:
    """Serve until ``stop``; ``ready`` gets the bound port. Raises ``PortTakenError``.

    ``more``: routes beside those of every daemon.
    """
    # The port first: a second daemon must fail before it takes the first one's token away.
    with contextlib.closing(_bound(daemon.config.door.host, daemon.config.door.port)) as sock:
        token = write_token(token_file(daemon.config.data))
        app = build_app(daemon.config, daemon, token, [*more, stop_route(stop, token)])
        # A caller who goes away cancels its handler: the camera must not stay on for nobody.
        runner = PlainRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=_SHUTDOWN_S
        )
        await runner.setup()
        # Around the rest: who calls from another machine is told as well that the daemon stops.
        async with _lan(daemon, app):
            try:
                await web.SockSite(runner, sock).start()
                ready(int(sock.getsockname()[1]))
                await stop.wait()
            finally:
                await runner.cleanup()


@contextlib.asynccontextmanager
async def _lan(daemon: Daemon, app: web.Application) -> AsyncGenerator[None, None]:
    """Calls of other machines are taken meanwhile, where the site wants it."""
    served = daemon.lan.serve(answering(app[HIS_DOOR], daemon.reply_signer))
    listening = asyncio.get_running_loop().create_task(served)
    try:
        yield
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


def stop_on_signals(stop: asyncio.Event) -> None:
    """Let SIGINT and SIGTERM end ``serve`` in order; on Windows SIGBREAK."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        # Windows' loop has no signal handlers, and Ctrl-C ends asyncio.run itself. A console that
        # is closed, a log-off and a shutdown arrive as SIGBREAK.
        signal.signal(signal.SIGBREAK, lambda *_: loop.call_soon_threadsafe(stop.set))
        return
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    if sys.platform == "win32":
        # There SO_REUSEADDR would let another program take the port over while we hold it.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as exc:
        sock.close()
        if exc.errno in (errno.EADDRINUSE, errno.EACCES):
            raise PortTakenError(f"port {port} is taken by another program") from exc
        raise
    return sock
