"""A HIS never sees an HTTP error page: what is not HTTP at all gets the four keys too (Q8)."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from yibao_face.daemon.core.encounter import Answer, Who
from yibao_face.daemon.wire.charset import UTF8
from yibao_face.daemon.wire.reply import AttendanceReply, Reply, content_type, encode

logger = logging.getLogger(__name__)


def respond(reply: Reply | AttendanceReply, charset: str) -> web.Response:
    """``reply`` in the caller's charset."""
    return web.Response(
        body=encode(reply, charset), headers={"Content-Type": content_type(charset)}
    )


def refusal(advice: str) -> web.Response:
    """Code 0 with ``advice``, for calls that never became one."""
    return respond(Reply(Answer.FAIL, advice, "", Who.NOBODY), UTF8)


class _PlainHandler(web.RequestHandler):
    """Answers malformed HTTP as everything else is answered; logs no byte of it."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        del message  # it may quote what was sent
        logger.warning("call is not HTTP as we know it: %d %s", status, type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        response = refusal("HTTP报文有误，请HIS检查请求行、请求头和Content-Length")
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """A body that is not in its Content-Encoding is a caller's fault, and answered by now."""
        if isinstance(kw.get("exc_info"), web.RequestPayloadError):
            logger.warning("the rest of a call cannot be read: connection closed")
            return
        super().log_exception(*args, **kw)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """An ``Expect`` aiohttp does not know it refuses (417) before any middleware is asked."""
        if isinstance(resp, web.HTTPExpectationFailed):
            resp = refusal("HTTP报文有误，请HIS去掉请求头Expect")
            resp.force_close()
        return await super().finish_response(request, resp, start_time)


class _PlainServer(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _PlainHandler(self, loop=self._loop, **self._kwargs)


class PlainRunner(web.AppRunner):
    """An application served by handlers of ours: aiohttp has no setting for its error page."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _PlainServer(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            **made._kwargs,  # pyright: ignore[reportPrivateUsage]  # its settings, nowhere public
        )


def plain_errors(own: frozenset[str], lost: Handler) -> Middleware:
    """Middleware: a path nobody serves, or a method it does not take, ends in ``lost``.

    ``own``: first path parts of our own windows, which may see HTTP errors.
    """

    @web.middleware
    async def plain(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            if request.path.removeprefix("/").split("/")[0] in own:
                raise
            return await lost(request)

    return plain
