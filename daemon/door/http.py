"""POST /stdcashFaceAuth (S0-04): bytes in, four keys out, whatever happens in between."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from aiohttp import web

from yibao_face.daemon.capture.attempt import Attempt, End
from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.encounter import Answer, Cause, Who
from yibao_face.daemon.counter import Counter
from yibao_face.daemon.door.clerk import clerk_routes
from yibao_face.daemon.door.guard import browser_guard
from yibao_face.daemon.service import Service, body_digest
from yibao_face.daemon.wire.charset import UTF8, known
from yibao_face.daemon.wire.reply import Reply, content_type, encode
from yibao_face.daemon.wire.request import MAX_BODY_BYTES, BadRequestError, parse_request

logger = logging.getLogger(__name__)

# Threads for calls: one holds the camera, the rest are told busy at once.
_WORKERS = 8
# A body beyond the limit is read to its end so that the refusal arrives; beyond this it is cut.
_DRAIN_BYTES = 64 * 1024 * 1024
# A HIS on this machine sends its call at once; one that does not has miscounted it.
_BODY_S = 10.0
AUTH_PATH = "/stdcashFaceAuth"


@dataclass(slots=True)
class Calls:
    """Calls under way, so that stopping can end them."""

    service: Service
    deadline_s: float
    workers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_WORKERS, thread_name_prefix="call")
    )
    under_way: set[Attempt] = field(default_factory=set[Attempt])

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one HIS call; whatever fails, a HIS never sees an error page (Q8)."""
        try:
            return await self._answer(request)
        except Exception:
            logger.exception("call failed")
            message = TABLE[Cause.INTERNAL].message
            return _respond(Reply(Answer.FAIL, message, "", Who.NOBODY), UTF8)

    async def _answer(self, request: web.Request) -> web.Response:
        attempt = Attempt(self.deadline_s)
        declared = known(request.charset) or known(request.headers.get("X-HCF-ACP"))
        try:
            body = await _read(request)
            parsed = parse_request(body, declared)
        except BadRequestError as exc:
            return _respond(self.service.refuse(exc), exc.charset)
        self.under_way.add(attempt)
        try:
            job = asyncio.get_running_loop().run_in_executor(
                self.workers, self.service.serve, parsed, body_digest(body), attempt
            )
            return _respond(await asyncio.shield(job), parsed.charset)
        except asyncio.CancelledError:
            # aiohttp cancels the handler of a caller who goes away.
            attempt.cancel(End.CALLER_GONE)
            raise
        finally:
            self.under_way.discard(attempt)

    async def stop(self, _app: web.Application) -> None:
        """End every call under way and wait for the camera to be free."""
        for attempt in tuple(self.under_way):
            attempt.cancel(End.STOPPING)
        await asyncio.to_thread(self.workers.shutdown, wait=True)


def build_app(config: Config, service: Service, counter: Counter, token: str) -> web.Application:
    """The daemon's HTTP door. ``token``: what the clerk's window must know."""
    calls = Calls(service, config.encounter.deadline_s)
    app = web.Application(
        middlewares=[browser_guard(config.door.origins)], client_max_size=2 * MAX_BODY_BYTES
    )
    app.router.add_post(AUTH_PATH, calls.answer)
    app.router.add_route("*", AUTH_PATH, _wrong_method)
    app.router.add_routes(clerk_routes(counter, token))
    app.router.add_get("/health", _health)
    app.on_shutdown.append(calls.stop)
    return app


async def _read(request: web.Request) -> bytes:
    """The body; one byte more than allowed where it is longer, the rest read and dropped."""
    kept = bytearray()
    total = 0
    try:
        async with asyncio.timeout(_BODY_S):
            async for chunk in request.content.iter_chunked(64 * 1024):
                total += len(chunk)
                kept += chunk[: MAX_BODY_BYTES + 1 - len(kept)]
                if total > _DRAIN_BYTES:
                    break
    except TimeoutError as exc:
        raise BadRequestError("入参没有发完，请HIS检查Content-Length") from exc
    return bytes(kept)


def _respond(reply: Reply, charset: str) -> web.Response:
    body = encode(reply, charset)
    return web.Response(body=body, headers={"Content-Type": content_type(charset)})


async def _wrong_method(_request: web.Request) -> web.Response:
    return _respond(Reply(Answer.FAIL, "请用POST方式调用", "", Who.NOBODY), UTF8)


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
