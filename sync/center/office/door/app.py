"""The door of the office: every call goes the same way, from the cookie to the answer."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from yibao_face.sync.center.api import CenterError, RefusedError, StoreDownError
from yibao_face.sync.center.http.throttle import Buckets, Gate
from yibao_face.sync.center.ingest.body import strict_json
from yibao_face.sync.center.log import event, warning
from yibao_face.sync.center.office.door.field import read_body, read_query
from yibao_face.sync.center.office.door.guard import Guard
from yibao_face.sync.center.office.door.handler import HANDLERS
from yibao_face.sync.center.office.door.permission import Permission
from yibao_face.sync.center.office.door.table import CSV, MAX_CSV_CHARS, PREFIX, ROUTES, Route
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.people import audit
from yibao_face.sync.center.office.people.scope import Scope
from yibao_face.sync.center.office.people.session import (
    LIFE_MS,
    Session,
    session_of,
    sign_in,
)
from yibao_face.sync.center.office.work import Work
from yibao_face.sync.center.web.site import web_routes

_T = TypeVar("_T")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
COOKIE = "__Host-office"
_CSRF = "X-CSRF-Token"
_BODY_S = 60.0
_SMALL_BYTES, _LARGE_BYTES = 256 * 1024, 4 * MAX_CSV_CHARS
_WORKING, _WAITING = 4, 64
_DOWN_RETRY_S = 5
# What an administrator should see in the log of who tried; slips of the pen are not among them.
_TOLD = frozenset({403, 409})
# Calls a user whose password has to be changed may still make.
_BEFORE_CHANGE = frozenset({"session", "logout", "password"})
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class _Call:
    """One request on its way in."""

    request: web.Request
    route: Route
    source: str
    now_ms: int


class Door:
    """The handlers; one per process."""

    def __init__(self, office: Office) -> None:
        self._office, self._clock = office, office.center.clock
        self._threads = ThreadPoolExecutor(_WORKING + 2, "office")
        self._gate = Gate(_WORKING, _WAITING)
        limits, clock_s = office.limits, time.monotonic
        self._calls = Buckets(limits.calls_per_s, limits.call_burst, clock_s)
        self._logins = Buckets(limits.logins_per_s, limits.login_burst, clock_s)
        self._guard = Guard(limits, clock_s)
        self._work = Work(office)

    def table(self) -> list[web.RouteDef]:
        """All routes, by the names that stand in the log."""
        return [
            web.route(r.method, PREFIX + r.path, self._handler(r), name=r.name) for r in ROUTES
        ]

    async def running(self, _app: web.Application) -> AsyncGenerator[None, None]:
        """What has to run beside the handlers: figures kept up to date, faults looked for."""
        working = asyncio.create_task(self._work.run(self._threads))
        yield
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        # A round that has begun is ended before the database is closed.
        self._threads.shutdown()

    def _handler(self, route: Route) -> _Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            call = _Call(request, route, request.remote or "", self._clock())
            if route.permission is None:
                return await self._sign_in(call)
            return await self._act(call)

        return handle

    async def _sign_in(self, call: _Call) -> web.Response:
        self._guard.check(call.source)
        self._logins.spend(call.source)
        _check_origin(call.request)
        body = read_body(call.route.body, await _json(call))
        given = (body["name"], body["password"], call.source, call.now_ms)
        try:
            async with self._gate.turn():
                session = await self._thread(sign_in, self._office, *given)
        except RefusedError as exc:
            if exc.status in (401, 429) and self._guard.failed(call.source):
                warning("office shut out", source=call.source)
            raise
        self._guard.passed(call.source)
        event("office login", source=call.source)
        if body["token"]:
            return web.json_response({**session.shown(), "token": session.token})
        answer = web.json_response(session.shown())
        answer.set_cookie(
            COOKIE,
            session.token,
            max_age=LIFE_MS // 1000,
            path="/",
            secure=True,
            httponly=True,
            samesite="Strict",
        )
        return answer

    async def _act(self, call: _Call) -> web.StreamResponse:
        self._calls.spend(call.source)
        session = await self._session(call)
        try:
            ask = await self._asked(call, session)
            async with self._gate.turn():
                found = await self._thread(self._answer, ask, session)
        except RefusedError as exc:
            if call.route.writes and exc.status in _TOLD:
                await self._thread(self._refused, call, session)
            raise
        return _shown(call.route, found)

    async def _session(self, call: _Call) -> Session:
        kind, _, bearer = call.request.headers.get("Authorization", "").partition(" ")
        token = bearer if kind == "Bearer" else call.request.cookies.get(COOKIE, "")
        session = await self._thread(session_of, self._office, token, call.now_ms)
        if kind != "Bearer":
            _check_origin(call.request)
            sent = call.request.headers.get(_CSRF, "").encode("utf-8", "replace")
            if call.route.writes and not hmac.compare_digest(sent, session.csrf.encode()):
                raise RefusedError(403, "csrf", "页面已过期，请刷新后重试")
        return session

    async def _asked(self, call: _Call, session: Session) -> Ask:
        """The call, if the one who makes it may make it (S4-99)."""
        route, actor, query = call.route, session.actor, call.request.query
        if actor.must_change and route.name not in _BEFORE_CHANGE:
            raise RefusedError(403, "must-change", "请先修改密码")
        own = route.permission is Permission.SELF
        scope = Scope() if own or not route.permission else actor.scope(route.permission)
        if not scope and not own:
            raise RefusedError(403, "permission", "您没有使用此功能的权限")
        asked = read_query(route.query, {**query}, len(query))
        if asked.get("unmask"):
            # Whose names he may see may be fewer than whose rows he may see.
            scope = replace(scope, within=actor.scope(Permission.UNMASK))
        body = read_body(route.body, await _json(call)) if route.body else {}
        path = {name: _path_text(told) for name, told in call.request.match_info.items()}
        where = (path, call.source, call.now_ms, session.sha256)
        return Ask(route.name, actor, scope, body, asked, *where)

    def _answer(self, ask: Ask, session: Session) -> Any:
        if ask.what == "session":
            return session.shown()
        return HANDLERS[ask.what](self._office, ask)

    def _refused(self, call: _Call, session: Session) -> None:
        whom = (session.actor.name, call.route.name, call.request.path[:256], "", call.source)
        entry = audit.Entry(call.now_ms, *whom, result=audit.REFUSED)
        with self._office.writing() as db:
            audit.note(db, self._office.secrets, entry)

    async def _thread(self, act: Callable[..., _T], *given: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, act, *given)


def make_app(office: Office) -> web.Application:
    """The application, to be served over TLS."""
    door = Door(office)
    app = web.Application(middlewares=[_safe, _refusals], client_max_size=_LARGE_BYTES)
    app.add_routes([*door.table(), *web_routes()])
    app.cleanup_ctx.append(door.running)
    return app


@web.middleware
async def _safe(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """The headers that keep a browser from doing more than it should; a page may set its own."""
    answer = await handler(request)
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


@web.middleware
async def _refusals(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Turn what the handlers raise into answers; nothing of the database is told."""
    try:
        return await handler(request)
    except RefusedError as exc:
        if exc.code == "content":
            exc = RefusedError(422, "content", "内容无法保存，请检查后重试")
        return _refusal(request, exc)
    except StoreDownError:
        told = RefusedError(503, "store", "数据库暂不可用，请稍后重试", _DOWN_RETRY_S)
        return _refusal(request, told)
    except CenterError as exc:
        warning("office fault", route=request.match_info.route.name, reason=str(exc))
        return _refusal(request, RefusedError(500, "fault", "中心出错，请联系管理员"))
    except web.HTTPRequestEntityTooLarge:
        return _refusal(request, RefusedError(413, "too-large", "内容太大"))
    except web.HTTPException as exc:
        return _refusal(request, RefusedError(exc.status, "http", "没有这个接口"))


def _refusal(request: web.Request, exc: RefusedError) -> web.Response:
    route = request.match_info.route.name
    warning("office refused", route=route, status=exc.status, code=exc.code)
    headers = {} if exc.retry_after_s is None else {"Retry-After": str(exc.retry_after_s)}
    body = {"error": exc.code, "message": str(exc)}
    return web.json_response(body, status=exc.status, headers=headers)


def _shown(route: Route, found: Any) -> web.Response:
    if route.answer != CSV:
        return web.json_response(found)
    file = {"Content-Disposition": f'attachment; filename="{route.name}.csv"'}
    return web.Response(text=found, content_type="text/csv", charset="utf-8", headers=file)


async def _json(call: _Call) -> object:
    """The decoded body; an empty one is an object without anything."""
    request, limit = call.request, _SMALL_BYTES
    if any(field.name in ("csv", "settlements") for field in call.route.body):
        limit = _LARGE_BYTES
    if (request.content_length or 0) > limit:
        raise RefusedError(413, "too-large", "内容太大")
    try:
        async with asyncio.timeout(_BODY_S):
            data = await request.read()
    except TimeoutError as exc:
        raise RefusedError(408, "slow", "请求太慢，请重试") from exc
    if len(data) > limit:
        raise RefusedError(413, "too-large", "内容太大")
    if not data:
        return {}
    # Another type is what a foreign page could send without asking first.
    if request.content_type != "application/json":
        raise RefusedError(415, "type", "Content-Type 须为 application/json")
    return strict_json(data)


def _check_origin(request: web.Request) -> None:
    """A browser says which page asks: only one from here may."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise RefusedError(403, "csrf", "请从中心页面操作")


def _path_text(told: str) -> str:
    """A part of the address: nothing in it that a database would choke on."""
    if len(told) > 64 or not told.isprintable() or any(0xD800 <= ord(c) < 0xE000 for c in told):
        raise RefusedError(404, "address", "没有这个地址")
    return told
