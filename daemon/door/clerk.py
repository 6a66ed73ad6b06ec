"""The clerk's side of an encounter: what to show, and the answers to consent and confirmation.

Beside the HIS contract, for windows of ours on this machine; every call carries the daemon's
token (``counter.token`` in the data folder, readable by its owner only).
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, cast

from aiohttp import web

from yibao_face.daemon.booth.booth import Booth
from yibao_face.daemon.booth.counter import Consent, Counter, Stage, View
from yibao_face.daemon.capture.attempt import End
from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.door.guard import refused, with_token

COUNTER_PATH = "/counter"
ENDS = {"person": End.PERSON, "clerk": End.CLERK}
MAX_ANSWER_BYTES = 12 * 1024 * 1024
# LookupError: a charset nobody knows, or no such key. RecursionError: brackets without end.
UNREADABLE = (ValueError, LookupError, TypeError, RecursionError, web.RequestPayloadError)


def clerk_routes(counter: Counter, booth: Booth, token: str) -> list[web.RouteDef]:
    """``GET /counter`` looks, ``POST /counter`` answers, ``POST /counter/cancel`` ends."""

    async def look(_request: web.Request) -> web.Response:
        return web.json_response(shown(counter.look()))

    async def answer(request: web.Request) -> web.Response:
        try:
            # Larger than a HIS call: it may carry the photograph of an id card.
            given = parsed(await request.clone(client_max_size=MAX_ANSWER_BYTES).json())
        except web.HTTPRequestEntityTooLarge:
            return refused("answer is too large", 413)
        except UNREADABLE as exc:
            return refused(f"answer cannot be read: {type(exc).__name__}", 400)
        if not counter.answer(given):
            return refused("this is not what is being asked now", 409)
        return web.json_response({"taken": True})

    async def cancel(request: web.Request) -> web.Response:
        try:
            given = await request.json()
            id_, end = str(given["encounter"]), ENDS[given["by"]]
        except web.HTTPRequestEntityTooLarge:
            return refused("answer is too large", 413)
        except UNREADABLE as exc:
            return refused(f"answer cannot be read: {type(exc).__name__}", 400)
        if not booth.cancel(id_, end):
            return refused("this encounter is not under way", 409)
        return web.json_response({"taken": True})

    return [
        web.get(COUNTER_PATH, with_token(token, look)),
        web.post(COUNTER_PATH, with_token(token, answer)),
        web.post(f"{COUNTER_PATH}/cancel", with_token(token, cancel)),
    ]


def shown(view: View) -> dict[str, Any]:
    """What a window is told of the counter."""
    prompt, task = view.prompt, view.task
    return {
        "encounter": view.encounter,
        "hint": TABLE[view.hint].message if view.hint else "",
        "prompt": None
        if prompt is None
        else {
            "encounter": prompt.encounter,
            "stage": prompt.stage.value,
            "text": prompt.text,
            "version": prompt.version,
            "person": prompt.person,
        },
        "task": None
        if task is None
        else {"action": task.action.value, "text": task.text, "left_s": round(task.left_s, 1)},
    }


def parsed(body: Any) -> Consent:
    """The answer of a window; raises what ``UNREADABLE`` lists."""
    if not isinstance(body, dict):
        raise TypeError("not an object")
    given = cast(dict[str, Any], body)
    photo = given.get("id_photo")
    accepted, id_card = given["accepted"], given.get("id_card", False)
    if not isinstance(accepted, bool) or not isinstance(id_card, bool):
        raise TypeError("accepted or id_card is not true or false")
    return Consent(
        str(given["encounter"]),
        Stage(given["stage"]),
        accepted,
        str(given.get("staff", "")).strip(),
        _photo(photo) if photo else None,
        id_card,
    )


def _photo(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as exc:
        raise ValueError("id_photo is not base64") from exc
