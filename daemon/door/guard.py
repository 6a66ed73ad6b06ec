"""Who may knock: programs of this machine, no web page that was not asked in."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from yibao_face.daemon.wire.origin import (
    Headers,
    by_name,
    is_from_browser,
    is_json,
    is_plain_text,
    objection,
    own_objection,
)

Answering = Callable[[web.Request], Awaitable[web.Response]]
# Private Network Access as Chrome tried it, and its first draft under the name Local Network
# Access; what Chrome enforces since 142 asks the user instead and needs no header.
_NETWORKS = ("Private-Network", "Local-Network")
_PREFLIGHT_S = 600


def browser_guard(
    origins: tuple[str, ...], open_paths: frozenset[str], own_root: str = "/ui"
) -> Middleware:
    """Middleware that refuses (403) other host names (DNS rebinding) and pages not listed.

    ``open_paths``, in lower case: those of the HIS, whose answers a listed page may read (CORS).
    ``own_root``: of our own page, which calls what lies below it; no listed page may.
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = by_name(request.headers.items())
        own = request.path == own_root or request.path.startswith(f"{own_root}/")
        reason = own_objection(headers) if own else objection(headers, origins)
        if reason is not None:
            return refused(reason, 403)
        # Its only value is a listed one by now.
        origin = headers.get("origin", ("",))[0]
        if not origin or request.path.rstrip("/").lower() not in open_paths:
            return await _answered(request, handler, headers)
        if request.method == "OPTIONS":
            return _preflight(origin, headers)
        response = await _answered(request, handler, headers)
        response.headers.update(_readable_by(origin))
        return response

    return guard


async def _answered(
    request: web.Request, handler: Handler, headers: Headers
) -> web.StreamResponse:
    if is_from_browser(headers):
        if request.method == "OPTIONS":
            return refused("web pages may not call this service", 403)
        # A form or a script without leave can post other types, and never asks before.
        if request.method == "POST" and not is_json(headers):
            return refused("a web page must post Content-Type: application/json", 403)
    return await handler(request)


def _preflight(origin: str, headers: Headers) -> web.Response:
    """What a listed page may send."""
    allowed = {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "content-type",
        "Access-Control-Max-Age": str(_PREFLIGHT_S),
    }
    for network in _NETWORKS:
        if headers.get(f"access-control-request-{network.lower()}") == ("true",):
            allowed[f"Access-Control-Allow-{network}"] = "true"
    return web.Response(status=204, headers={**_readable_by(origin), **allowed})


def _readable_by(origin: str) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def declares_plain_text(request: web.Request) -> bool:
    """Whether the body comes as ``text/plain``, which a page can send without a preflight."""
    return is_plain_text(by_name(request.headers.items()))


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
