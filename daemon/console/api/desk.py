"""The desk's acts and views for the page: the same functions as behind ``/desk``, by role."""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from yibao_face.daemon.console.access.role import ACT_NEEDS, VIEW_NEEDS, Function
from yibao_face.daemon.console.api.name import with_names
from yibao_face.daemon.console.route import AnyStaff, Route, Visit, away, told
from yibao_face.daemon.core.scene.agent import RELATIONS
from yibao_face.daemon.core.scene.special import EVIDENCE, TITLES
from yibao_face.daemon.core.scene.treatment import DEFAULT_RULES
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.desk.person import erase
from yibao_face.daemon.desk.table import ACTS, VIEWS
from yibao_face.daemon.door.desk import done_of
from yibao_face.daemon.gallery.evidence import EvidenceError

ALL_ACTS = {**ACTS, "erase": erase}


async def do(visit: Visit) -> web.Response:
    """An act, in the name of who is logged in, whatever the form says."""
    name, form = visit.request.match_info["name"], await visit.form()
    act, desk = ALL_ACTS[name], visit.console.daemon.desk
    own = Form({**form.raw, "staff": visit.staff.number})
    done = await visit.console.calls.run(
        uuid.uuid4(), lambda attempt: done_of(act, desk, own, attempt)
    )
    return told(done)


async def show(visit: Visit) -> web.Response:
    """A view; persons in it with their masked names."""
    view, desk = VIEWS[visit.request.match_info["name"]], visit.console.daemon.desk
    form = visit.query()

    def seen() -> Any:
        return with_names(desk.gallery, view(desk, form))

    return told(await away(seen))


async def choices(_visit: Visit) -> web.Response:
    """What the forms offer."""
    cases = [{"case": c.value, "title": TITLES[c], "evidence": EVIDENCE[c]} for c in TITLES]
    items = [{"item": item, "title": item} for item in DEFAULT_RULES]
    return told({"relations": list(RELATIONS), "cases": cases, "items": items})


async def photo(visit: Visit) -> web.Response:
    """A photograph of a registration, for who reviews it."""
    name, evidence = visit.request.match_info["name"], visit.console.daemon.desk.evidence
    try:
        data = await away(lambda: evidence.get(name))
    except EvidenceError as exc:
        raise FormError("没有这张照片") from exc
    kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    return web.Response(body=data, content_type=kind)


def _act(request: web.Request) -> Function | None:
    return ACT_NEEDS.get(request.match_info["name"])


def _view(request: web.Request) -> Function | None:
    return VIEW_NEEDS.get(request.match_info["name"])


ROUTES = (
    Route("GET", "/choices", AnyStaff, choices),
    Route("POST", "/desk/{name}", AnyStaff, do, _act),
    Route("GET", "/desk/{name}", AnyStaff, show, _view),
    Route("GET", "/photos/{name}", Function.REVIEW, photo),
)
