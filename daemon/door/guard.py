"""Who may knock: programs of this machine, no web page that was not asked in."""

from __future__ import annotations

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


def browser_guard(origins: tuple[str, ...]) -> Middleware:
    """Middleware that refuses (403) other host names (DNS rebinding) and pages not listed."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        # HTTP/1.0 clients send none; a browser always does, so rebinding cannot hide behind it.
        host = request.headers.get("Host")
        if host is not None and not is_local_host(host):
            return _forbidden("unknown host name")
        if not _is_welcome(request, origins):
            return _forbidden("web pages may not call this service")
        return await handler(request)

    return guard


def is_local_host(header: str) -> bool:
    """Whether a Host header names this machine, with any port."""
    name, colon, port = header.rpartition(":")
    if not colon or not port.isdigit():
        name = header
    return name.lower() in _LOCAL_HOSTS


def bearer_matches(request: web.Request, token: str) -> bool:
    """Whether the caller knows the daemon's token."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), token.encode())


def _is_welcome(request: web.Request, origins: tuple[str, ...]) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin in origins
    return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")


def _forbidden(reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=403)
