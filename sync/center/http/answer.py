"""How a refusal looks: one JSON form for every status, and one log line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from yibao_face.sync.center.api import Caller, RefusedError, StoreDownError
from yibao_face.sync.center.log import warning
from yibao_face.sync.center.metric import Metrics

CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)
_DOWN_RETRY_S = 5
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def refusals(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Turn what the handlers raise into answers."""
    try:
        return await handler(request)
    except RefusedError as exc:
        return _refusal(request, exc)
    except StoreDownError as exc:
        return _refusal(request, RefusedError(503, "store", str(exc), _DOWN_RETRY_S))
    except web.HTTPRequestEntityTooLarge:
        return _refusal(request, RefusedError(413, "too-large", "the body is too large"))
    except web.HTTPException as exc:
        return _refusal(request, RefusedError(exc.status, "http", exc.reason))


def _refusal(request: web.Request, exc: RefusedError) -> web.Response:
    caller = request.get(CALLER)
    warning(
        "refused",
        route=request.match_info.route.name,
        device=caller.device if caller else None,
        status=exc.status,
        code=exc.code,
    )
    request.app[METRICS].refused(request.match_info.route.name, exc.code)
    headers = {} if exc.retry_after_s is None else {"Retry-After": str(exc.retry_after_s)}
    body = {"error": exc.code, "message": str(exc)}
    return web.json_response(body, status=exc.status, headers=headers)
