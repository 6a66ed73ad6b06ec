"""The order to stop, from a setup or an updater of this machine that knows the daemon's token."""

from __future__ import annotations

import asyncio

from aiohttp import web

from yibao_face.daemon.door.clerk import UNREADABLE
from yibao_face.daemon.door.guard import refused, with_token

STOP_PATH = "/daemon/stop"
# As sysexits.h has EX_TEMPFAIL: whoever keeps the program alive starts it anew.
EXIT_AGAIN = 75


class Stop(asyncio.Event):
    """What ends a daemon. ``again``: for another version, which is to be started now."""

    again = False

    @property
    def exit_code(self) -> int:
        """Of the process that was stopped."""
        return EXIT_AGAIN if self.again else 0


def stop_route(stop: asyncio.Event, token: str) -> web.RouteDef:
    """``POST /daemon/stop`` with ``{"again": bool}``: it answers, then ends in order.

    An encounter under way is cancelled, and its caller told so.
    """

    async def halt(request: web.Request) -> web.Response:
        try:
            again = (await request.json())["again"] is True
        except UNREADABLE as exc:
            return refused(f"order cannot be read: {type(exc).__name__}", 400)
        if isinstance(stop, Stop):
            stop.again = again
        stop.set()
        return web.json_response({"stopping": True})

    return web.post(STOP_PATH, with_token(token, halt))
