"""The console's routes: who may call each, and the one way all are guarded and answered."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from aiohttp import web

from yibao_face.daemon.codes import TABLE, cause_of
from yibao_face.daemon.console.access.role import Function, may
from yibao_face.daemon.console.access.session import COOKIE, CSRF_HEADER, Session, is_csrf
from yibao_face.daemon.console.access.staff import Staff, StaffError
from yibao_face.daemon.console.console import Console
from yibao_face.daemon.console.web.site import HEADERS, ROOT
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.door.desk import form_of
from yibao_face.daemon.door.guard import Answering, refused

logger = logging.getLogger(__name__)

API = f"{ROOT}/api"
# Sent by what the page asks by itself: it does not count as somebody working.
POLL_HEADER = "X-Poll"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Visit:
    """One call: what was sent, and who sent it (``session`` and ``staff`` where logged in)."""

    console: Console
    request: web.Request
    session: Session | None = None
    account: Staff | None = None

    @property
    def staff(self) -> Staff:
        """The account that is logged in; only for routes that need one."""
        if self.account is None:
            raise LookupError("nobody is logged in")
        return self.account

    async def form(self) -> Form:
        """The JSON object that was posted."""
        try:
            return await form_of(self.request)
        except (ValueError, TypeError, RecursionError, web.RequestPayloadError) as exc:
            raise FormError("提交的内容无法读取，请刷新页面后重试") from exc

    def query(self) -> Form:
        """What stands behind the question mark."""
        return Form(dict(self.request.query))


Work = Callable[[Visit], Awaitable[web.StreamResponse]]


class AnyStaff:
    """Marks a route for everybody who is logged in."""


class Anybody:
    """Marks a route for those who are not logged in yet."""


@dataclass(frozen=True, slots=True)
class Route:
    """``needs``: a function of the table of roles, or a mark above.

    ``choose``: where the function depends on the call; ``None`` for what is not there.
    ``with_given_pin``: also for whose PIN somebody else knows.
    """

    method: str
    path: str
    needs: Function | type[AnyStaff] | type[Anybody]
    work: Work
    choose: Callable[[web.Request], Function | None] | None = None
    with_given_pin: bool = False


def route_defs(console: Console, routes: Iterable[Route]) -> list[web.RouteDef]:
    """``routes`` as aiohttp takes them, each behind its guard."""
    return [
        web.route(route.method, f"{API}{route.path}", _guarded(console, route), allow_head=False)
        if route.method == "GET"
        else web.route(route.method, f"{API}{route.path}", _guarded(console, route))
        for route in routes
    ]


async def away(work: Callable[[], _T]) -> _T:
    """``work`` off the event loop: it reads a disk or computes."""
    return await asyncio.to_thread(work)


def told(body: Any, status: int = 200) -> web.Response:
    """``body`` as JSON."""
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(text=text, status=status, content_type="application/json")


def _guarded(console: Console, route: Route) -> Answering:
    async def guarded(request: web.Request) -> web.Response:
        answer = cast(web.Response, await _answered(console, route, request))
        answer.headers.update(HEADERS)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return guarded


async def _answered(console: Console, route: Route, request: web.Request) -> web.StreamResponse:
    """Whatever fails, the page gets one Chinese sentence, and never more than it may know."""
    try:
        visit = await _admitted(console, route, request)
        return visit if isinstance(visit, web.Response) else await route.work(visit)
    except web.HTTPRequestEntityTooLarge:
        return refused("提交的内容过大，请缩小照片后重试", 413)
    except FormError as exc:
        return refused(exc.advice, 400)
    except StaffError as exc:
        return refused(str(exc), 400)
    except Exception as exc:  # the last line before a window
        cause = cause_of(exc)
        logger.warning("console: %s", type(exc).__name__, exc_info=cause is Cause.INTERNAL)
        status = 500 if cause is Cause.INTERNAL else 409
        return refused(TABLE[cause].message, status)


async def _admitted(console: Console, route: Route, request: web.Request) -> Visit | web.Response:
    token = request.cookies.get(COOKIE, "")
    session = console.sessions.of(token, touch=POLL_HEADER not in request.headers)
    account = await away(lambda: console.staff.get(session.number)) if session else None
    if route.needs is Anybody:
        return Visit(console, request, session, account)
    if session is None or account is None:
        return refused("请先登录", 401)
    if request.method != "GET" and not is_csrf(session, request.headers.get(CSRF_HEADER, "")):
        return refused("页面已失效，请刷新后重试", 403)
    barred = _barred(route, request, account)
    return barred or Visit(console, request, session, account)


def _barred(route: Route, request: web.Request, account: Staff) -> web.Response | None:
    """Why ``account`` may not do this; ``None`` where it may."""
    if account.pin_given and not route.with_given_pin:
        return refused("密码由他人设置，请先修改密码", 403)
    needs = route.choose(request) if route.choose else route.needs
    if needs is None:
        return refused("没有这个功能", 404)
    if isinstance(needs, Function) and not may(account.role, needs):
        return refused("您的岗位没有这个权限", 403)
    return None
