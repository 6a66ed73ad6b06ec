"""Who is enrolled, under which consent, and who may buy for whom: masked."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from yibao_face.daemon.console.access.role import Function
from yibao_face.daemon.console.api.name import starred, with_names
from yibao_face.daemon.console.route import Route, Visit, away, told
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.gallery.gallery import Enrolled, Gallery, Numbers

_SIZE = 50


async def listed(visit: Visit) -> web.Response:
    """``page``, last enrolled first; with ``id`` the one person behind it, and every sample."""
    gallery, form = visit.console.daemon.desk.gallery, visit.query()
    return told(await away(lambda: _found(gallery, form)))


async def relations(visit: Visit) -> web.Response:
    """Who may buy for whom, and until when."""
    desk = visit.console.daemon.desk

    def seen() -> Any:
        today = desk.ledger.clock.today()
        rows = [
            {
                "person": r.person[:12],
                "agent": r.agent[:12],
                "relation": r.relation,
                "until": r.until.isoformat(),
                "expired": r.until < today,
            }
            for r in desk.gallery.relations()
        ]
        return with_names(desk.gallery, rows)

    return told({"relations": await away(seen)})


def _found(gallery: Gallery, form: Form) -> dict[str, Any]:
    total, id_number = gallery.count(), form.text_or_empty("id", "证件号码", 30).upper()
    if id_number:
        person = gallery.find(Numbers(id_number))
        found = gallery.alike(person) if person else None
        rows = [_row(found)] if found else []
        samples = [
            {"source": source.value, "day": day, "model": model}
            for source, day, model in (gallery.history(person) if person else [])
        ]
        return {"total": total, "page": 1, "pages": 1, "rows": rows, "samples": samples}
    page = _page(form)
    rows = [_row(one) for one in gallery.enrolled((page - 1) * _SIZE, _SIZE)]
    return {"total": total, "page": page, "pages": max(1, -(-total // _SIZE)), "rows": rows}


def _page(form: Form) -> int:
    text = form.text_or_empty("page", "页码", 6) or "1"
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise FormError("页码(page)须为1以上的整数")
    return int(text)


def _row(one: Enrolled) -> dict[str, Any]:
    return {
        "person": one.person[:12],
        "name": starred(one.name),
        "consent": one.consent,
        "by": one.enrolled_by.partition(":")[0],
        "at": one.at[:10],
        "samples": one.samples,
    }


ROUTES = (
    Route("GET", "/persons", Function.PERSONS, listed),
    Route("GET", "/relations", Function.AGENTS, relations),
)
