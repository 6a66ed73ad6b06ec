"""The counter's questions of an encounter under way, answered in the page as at any window."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from yibao_face.daemon.console.access.role import Function
from yibao_face.daemon.console.route import Route, Visit, told
from yibao_face.daemon.desk.form import FormError
from yibao_face.daemon.door.clerk import ENDS, MAX_ANSWER_BYTES, UNREADABLE, parsed, shown
from yibao_face.daemon.door.guard import refused

_VOID = "现在没有这个问题，可能已经处理或已结束"


async def look(visit: Visit) -> web.Response:
    """What is asked now; looking tells the encounter that somebody is there to answer."""
    return told(shown(visit.console.daemon.counter.look()))


async def answer(visit: Visit) -> web.Response:
    """Consent or confirmation, in the name of who is logged in."""
    try:
        body = await visit.request.clone(client_max_size=MAX_ANSWER_BYTES).json()
        given = replace(parsed(body), staff=visit.staff.number)
    except UNREADABLE as exc:
        raise FormError("提交的内容无法读取，请刷新页面后重试") from exc
    if not visit.console.daemon.counter.answer(given):
        return refused(_VOID, 409)
    return told({"ok": True})


async def cancel(visit: Visit) -> web.Response:
    """End the encounter under way, for the person or the clerk."""
    form = await visit.form()
    encounter, by = form.text("encounter", "核验编号"), form.text("by", "取消人")
    if by not in ENDS:
        raise FormError("取消人(by)须为person或clerk")
    if not visit.console.daemon.service.booth.cancel(encounter, ENDS[by]):
        return refused(_VOID, 409)
    return told({"ok": True})


ROUTES = (
    Route("GET", "/counter", Function.COUNTER, look),
    Route("POST", "/counter", Function.COUNTER, answer),
    Route("POST", "/counter/cancel", Function.COUNTER, cancel),
)
