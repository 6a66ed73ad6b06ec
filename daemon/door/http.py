"""The doors HIS programs knock at: bytes in, the keys of the interface out, whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import aiohttp
from aiohttp import web

from yibao_face.daemon.booth.board import Phase
from yibao_face.daemon.booth.eye import camera_view
from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.encounter import LOCAL, Cause
from yibao_face.daemon.desk.attendance import Attendance, reply_of
from yibao_face.daemon.door.clerk import clerk_routes
from yibao_face.daemon.door.desk import desk_routes
from yibao_face.daemon.door.guard import Answering, browser_guard, declares_plain_text
from yibao_face.daemon.door.joint import Calls
from yibao_face.daemon.door.plain import plain_errors, refusal, respond
from yibao_face.daemon.door.proof import keep_whole, signed_replies
from yibao_face.daemon.service import Service, body_digest
from yibao_face.daemon.wire.attendance import parse_attendance
from yibao_face.daemon.wire.charset import UTF8, known
from yibao_face.daemon.wire.reply import AttendanceReply
from yibao_face.daemon.wire.request import MAX_BODY_BYTES, BadRequestError, parse_request
from yibao_face.daemon.wiring import Daemon
from yibao_face.models.api import ModelError

logger = logging.getLogger(__name__)

# A body beyond the limit is read to its end so that the refusal arrives; beyond this it is cut.
_DRAIN_BYTES = 64 * 1024 * 1024
# A HIS on this machine sends its call at once; one that does not has miscounted it.
_BODY_S = 10.0
AUTH_PATH = "/stdcashFaceAuth"
HEALTH_PATH = "/health"
ATTENDANCE_PATH = "/hisCallAtten"
_HIS = frozenset({AUTH_PATH.lower(), ATTENDANCE_PATH.lower()})
_TEXT_PLAIN = "请HIS把请求头Content-Type设为application/json"
_OWN = frozenset({"counter", "desk", "health", "ui"})


@dataclass(frozen=True, slots=True)
class Given:
    """A call as it came. ``declared``: charset; ``plain``: came as ``text/plain``.

    ``caller``: the machine that asks, ``LOCAL`` or its name among those that may.
    """

    body: bytes
    declared: str | None
    caller: str
    plain: bool = False


@dataclass(frozen=True, slots=True)
class HisDoor:
    """Both interfaces of the document. ``forced``: the charset a site says its HIS speaks (Q9).

    ``text_plain``: whether a site lets its HIS send that Content-Type.
    """

    service: Service
    attendance: Attendance
    calls: Calls
    forced: str | None
    text_plain: bool = False

    async def authenticate(self, request: web.Request) -> web.Response:
        """``POST /stdcashFaceAuth`` (S0-04)."""
        try:
            given = await _given(request)
        except BadRequestError as exc:
            return respond(self.service.refuse(exc, LOCAL), exc.charset)
        return await self.settle(given)

    async def settle(self, given: Given) -> web.Response:
        """A settlement, however it came."""
        try:
            parsed = parse_request(given.body, given.declared, self.forced)
            self._check_type(given, parsed.charset)
        except BadRequestError as exc:
            return respond(self.service.refuse(exc, given.caller), exc.charset)
        numbers = (parsed.id_number, parsed.person_number)
        key = (AUTH_PATH, parsed.institution_code, parsed.deal_no, *numbers)
        work = partial(self.service.serve, parsed, body_digest(given.body))
        return respond(await self.calls.run(key, work, given.caller), parsed.charset)

    async def attend(self, request: web.Request) -> web.Response:
        """``POST /hisCallAtten``: ``HisCallAtten`` by HTTP, an extension of ours (Q12)."""
        try:
            given = await _given(request)
        except BadRequestError as exc:
            return _unsigned(exc, LOCAL)
        return await self.sign(given)

    async def sign(self, given: Given) -> web.Response:
        """A sign-in or sign-out, however it came."""
        try:
            parsed = parse_attendance(given.body, given.declared, self.forced)
            self._check_type(given, parsed.charset)
        except BadRequestError as exc:
            return _unsigned(exc, given.caller)
        key = (ATTENDANCE_PATH, parsed.institution_code, parsed.id_number, parsed.action)
        work = partial(self.attendance.serve, parsed, body_digest(given.body))
        return respond(await self.calls.run(key, work, given.caller), parsed.charset)

    def _check_type(self, given: Given, charset: str) -> None:
        """After parsing: told in the charset the caller was seen to speak."""
        if given.plain and not self.text_plain:
            raise BadRequestError(_TEXT_PLAIN, charset)

    async def lost(self, request: web.Request) -> web.Response:
        """A path or method nobody serves: served where it is plain what was meant."""
        path = request.path.rstrip("/").lower()
        served = {AUTH_PATH.lower(): self.authenticate, ATTENDANCE_PATH.lower(): self.attend}
        if path not in served:
            return refusal(f"接口地址有误，请用POST方式调用{AUTH_PATH}")
        if request.method != "POST":
            return refusal("请用POST方式调用")
        return await _safely(served[path])(request)


# The door of an application, for calls that come in by another way.
HIS_DOOR = web.AppKey("his-door", HisDoor)


def build_app(
    config: Config, daemon: Daemon, token: str, more: Iterable[web.RouteDef] = ()
) -> web.Application:
    """The daemon's HTTP door. ``token``: what the clerk's window must know. ``more``: routes."""
    calls = Calls(config.encounter.deadline_s)
    door = HisDoor(
        daemon.service,
        daemon.attendance,
        calls,
        known(config.door.charset),
        config.door.text_plain,
    )
    app = web.Application(
        middlewares=[
            browser_guard(config.door.origins, _HIS),
            signed_replies(daemon.reply_signer),
            plain_errors(_OWN, door.lost),
        ],
        client_max_size=2 * MAX_BODY_BYTES,
    )
    app[HIS_DOOR] = door
    app.router.add_post(AUTH_PATH, _safely(door.authenticate))
    app.router.add_post(ATTENDANCE_PATH, _safely(door.attend))
    app.router.add_routes(clerk_routes(daemon.counter, daemon.service.booth, token))
    app.router.add_routes(desk_routes(daemon.desk, calls, token))
    app.router.add_get(HEALTH_PATH, _health_of(daemon))
    app.router.add_routes(more)

    async def stop(_app: web.Application) -> None:
        await calls.stop()

    app.on_shutdown.append(stop)
    return app


def _safely(answer: Answering) -> Answering:
    """Whatever fails, a HIS never sees an error page (Q8)."""

    async def safe(request: web.Request) -> web.Response:
        try:
            return await answer(request)
        except Exception:
            logger.exception("call failed")
            return broken(request.path)

    return safe


def broken(path: str) -> web.Response:
    """What a HIS is told where we failed ourselves."""
    if path.lower().startswith(ATTENDANCE_PATH.lower()):
        return respond(reply_of(Cause.INTERNAL), UTF8)
    return refusal(TABLE[Cause.INTERNAL].message)


def _unsigned(exc: BadRequestError, caller: str) -> web.Response:
    logger.info("attendance call refused: %s, asked by %s", Cause.BAD_REQUEST.value, caller)
    prefix = reply_of(Cause.BAD_REQUEST).msg.split()[0]
    return respond(AttendanceReply(1, f"{prefix} {exc.advice}"), exc.charset)


async def _given(request: web.Request) -> Given:
    body = await _read(request)
    declared = known(request.charset) or known(request.headers.get("X-HCF-ACP"))
    return Given(body, declared, LOCAL, declares_plain_text(request))


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
    except (
        aiohttp.ClientError,
        aiohttp.http.HttpProcessingError,
        web.HTTPException,
        web.RequestPayloadError,
    ) as exc:
        raise BadRequestError("入参没有发全，请HIS检查HTTP报文的编码和长度") from exc
    body = bytes(kept)
    if total == len(body):
        keep_whole(request, body)
    return body


def _health_of(daemon: Daemon) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Whether it serves, how its camera is and how it stands with the centre.

    ``camera`` is null for a recording, ``lan`` where that is off. ``busy``: somebody is before
    it, or not on disk yet; ``able``: the networks can be used. An update waits for the one and
    looks for the other.
    """
    booth, program = daemon.service.booth, version("yibao-face")

    async def health(_request: web.Request) -> web.Response:
        known = daemon.eye.health()
        centre = await asyncio.to_thread(daemon.link.view)
        body = {
            "status": "ok",
            "version": program,
            "busy": booth.occupied or booth.board.look().phase is Phase.JUDGED,
            "able": not isinstance(daemon.models, ModelError),
            "camera": known and camera_view(known),
            "centre": centre,
            "lan": daemon.lan.view(),
        }
        return web.json_response(body)

    return health
