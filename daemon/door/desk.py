"""The desk's acts and views over HTTP, for windows of ours: ``/desk/<name>``, token needed."""

from __future__ import annotations

import json
import logging
import uuid
from typing import Any, cast

from aiohttp import web

from yibao_face.daemon.booth.booth import told
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.desk.desk import Desk, Done
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.desk.table import ACTS, VIEWS, Act
from yibao_face.daemon.door.guard import refused, with_token
from yibao_face.daemon.door.joint import Calls

logger = logging.getLogger(__name__)

DESK_PATH = "/desk"
# Larger than a HIS call: photographs of documents.
MAX_FORM_BYTES = 64 * 1024 * 1024


def desk_routes(desk: Desk, calls: Calls, token: str) -> list[web.RouteDef]:
    """``POST /desk/<act>`` does, ``GET /desk/<view>`` shows."""

    async def do(request: web.Request) -> web.Response:
        act = ACTS.get(request.match_info["name"])
        if act is None:
            return refused("no such act", 404)
        try:
            form = await form_of(request)
        except web.HTTPRequestEntityTooLarge:
            return refused("form is too large", 413)
        except (ValueError, TypeError, RecursionError, web.RequestPayloadError):
            return refused("not a JSON object", 400)
        # Each act of the desk is one of its own: nothing joins it.
        done = await calls.run(uuid.uuid4(), lambda attempt: done_of(act, desk, form, attempt))
        return web.json_response(done)

    async def show(request: web.Request) -> web.Response:
        view = VIEWS.get(request.match_info["name"])
        if view is None:
            return refused("no such view", 404)
        form = Form(dict(request.query))
        try:
            shown = await calls.run(uuid.uuid4(), lambda _attempt: view(desk, form))
        except FormError as exc:
            return refused(exc.advice, 400)
        return web.json_response(shown)

    path = f"{DESK_PATH}/{{name}}"
    return [web.post(path, with_token(token, do)), web.get(path, with_token(token, show))]


async def form_of(request: web.Request) -> Form:
    """The form a window sent; raises what is told as a bad request."""
    raw: Any = json.loads(await request.clone(client_max_size=MAX_FORM_BYTES).read())
    if not isinstance(raw, dict):
        raise TypeError("not an object")
    return Form(cast(dict[str, Any], raw))


def done_of(act: Act, desk: Desk, form: Form, attempt: Attempt) -> dict[str, Any]:
    """The answer of an act; whatever fails is told in Chinese, and nothing passed."""
    try:
        return _told(act(desk, form, attempt))
    except FormError as exc:
        return _failed(Cause.BAD_REQUEST, exc.advice)
    except Exception as exc:  # noqa: BLE001  # the last line before a window
        cause = told("desk", exc)
        return _failed(cause, TABLE[cause].message)


def _told(done: Done) -> dict[str, Any]:
    row = TABLE[done.cause]
    # A sign asked for twice is there, as for a HIS.
    ok = done.cause in (Cause.RECORDED, Cause.ALREADY_SIGNED) or row.answer is Answer.PASS
    return {"ok": ok, "cause": done.cause.value, "msg": row.message, "id": done.id, **done.facts}


def _failed(cause: Cause, message: str) -> dict[str, Any]:
    return {"ok": False, "cause": cause.value, "msg": message, "id": ""}
