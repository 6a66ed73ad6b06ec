"""Who may knock: programs of this machine, no web page that was not asked in."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

Answering = Callable[[web.Request], Awaitable[web.Response]]
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


def browser_guard(origins: tuple[str, ...]) -> Middleware:
    """Middleware that refuses (403) other host names (DNS rebinding) and pages not listed."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        # HTTP/1.0 clients send none; a browser always does, so rebinding cannot hide behind it.
        host = request.headers.get("Host")
        if host is not None and not is_local_host(host):
            return refused("unknown host name", 403)
        if not _is_welcome(request, origins):
            return refused("web pages may not call this service", 403)
        return await handler(request)

    return guard


def is_local_host(header: str) -> bool:
    """Whether a Host header names this machine, with any port."""
    name, colon, port = header.rpartition(":")
    if not colon or not port.isdigit():
        name = header
    return name.lower() in _LOCAL_HOSTS


def with_token(token: str, handler: Answering) -> Answering:
    """``handler`` for callers who know the daemon's token; 401 for others."""

    async def guarded(request: web.Request) -> web.Response:
        if not bearer_matches(request, token):
            return refused("token missing or wrong", 401)
        return await handler(request)

    return guarded


def refused(reason: str, status: int) -> web.Response:
    """An HTTP error for a window of ours; a HIS never gets one."""
    body = json.dumps({"error": reason}, ensure_ascii=False)
    return web.Response(text=body, status=status, content_type="application/json")


def bearer_matches(request: web.Request, token: str) -> bool:
    """Whether the caller knows the daemon's token."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    # Bytes beyond ASCII arrive as lone surrogates, which plain UTF-8 refuses.
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())


def _is_welcome(request: web.Request, origins: tuple[str, ...]) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin in origins
    return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
