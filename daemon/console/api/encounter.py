"""Who was verified today: a list to filter, and one of them with its cause and the next step."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.console.access.role import Function
from yibao_face.daemon.console.api.name import starred
from yibao_face.daemon.console.route import Route, Visit, away, told
from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.identity import masked
from yibao_face.daemon.core.scene.event import CHECK_KINDS, Kind
from yibao_face.daemon.desk.desk import Desk
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.gallery.vault import VaultError
from yibao_face.sync.api import Query, Record

# What somebody looked into the camera for.
ENCOUNTERS = tuple(sorted(kind.value for kind in CHECK_KINDS | {Kind.ATTENDANCE}))
_RESULTS = {"passed": Answer.PASS, "exempt": Answer.NOT_NEEDED, "failed": Answer.FAIL}
_PAGE, _MOST = 50, 200


async def listed(visit: Visit) -> web.Response:
    """``from``, ``to``, ``kind``, ``result``, ``cause``, ``id``, ``deal``; ``page``, ``size``."""
    desk, form = visit.console.daemon.desk, visit.query()
    return told(await away(lambda: page(desk, form)))


async def detail(visit: Visit) -> web.Response:
    """One, with what it rests on."""
    desk, id_ = visit.console.daemon.desk, visit.request.match_info["id"]
    return told(await away(lambda: one(desk, id_)))


def page(desk: Desk, form: Form) -> dict[str, Any]:
    """A page of encounters, newest first, masked."""
    size = min(_number(form, "size", _PAGE), _MOST)
    first = (_number(form, "page", 1) - 1) * size
    total, records = desk.ledger.page(_query(desk, form), first, size)
    return {
        "total": total,
        "page": first // size + 1,
        "pages": max(1, -(-total // size)),
        "rows": [_row(desk, record) for record in records],
    }


def one(desk: Desk, id_: str) -> dict[str, Any]:
    """One record; ``FormError`` where there is none."""
    record = desk.ledger.outbox.get(id_)
    if record is None or record.kind not in ENCOUNTERS:
        raise FormError("没有这条核验记录")
    scores: dict[str, Any] = json.loads(record.scores)
    return {
        **_row(desk, record),
        "message": TABLE[Cause(record.cause)].message,
        "rule": record.rule,
        "certificate": record.certificate_no,
        "camera": "/".join(record.camera.split("/")[:2]),
        "consent": record.consent,
        "similarity": scores.get("similarity"),
        "frames": scores.get("frames"),
        "score": scores.get("score"),
        "models": json.loads(record.models),
        "findings": json.loads(record.findings),
    }


def _row(desk: Desk, record: Record) -> dict[str, Any]:
    name, number = _who(desk, record)
    return {
        "id": record.id,
        "kind": record.kind,
        "at_ms": record.at_unix_ms,
        "name": name,
        "number": number,
        "person": record.person[:12],
        "deal": masked(record.deal_no),
        "code": record.code,
        "who": record.who,
        "cause": record.cause,
        "message": TABLE[Cause(record.cause)].message,
        "institution": record.institution,
        "callers": _callers(record),
        "demo": record.demo,
    }


def _who(desk: Desk, record: Record) -> tuple[str, str]:
    """Name and number as the caller gave them, masked; else the enrolled name."""
    try:
        sealed = desk.ledger.opened(record) if record.sealed_request else {}
    except VaultError:
        # Written under another device key: what it is can be told, not whose.
        return "", ""
    name = str(sealed.get("name") or "")
    number = str(sealed.get("id") or sealed.get("ID") or sealed.get("psn") or "")
    if not name and record.person:
        found = desk.gallery.alike(record.person)
        name = found.name if found else ""
    return starred(name), masked(number)


def _callers(record: Record) -> list[str]:
    """Machines whose HIS asked, the first first; none for acts at our own windows."""
    detail: dict[str, Any] = json.loads(record.detail)
    return [detail["caller"], *detail.get("joined", ())] if "caller" in detail else []


def _query(desk: Desk, form: Form) -> Query:
    today = desk.ledger.clock.today()
    first, last = form.day("from", "开始日期", today), form.day("to", "结束日期", today)
    if last < first:
        raise FormError("结束日期(to)不能早于开始日期")
    kind, cause = form.text_or_empty("kind", "类型"), form.text_or_empty("cause", "原因")
    if kind and kind not in ENCOUNTERS:
        raise FormError("没有这种类型(kind)")
    id_number = form.text_or_empty("id", "证件号码", 30).upper()
    return Query(
        kinds=(kind,) if kind else ENCOUNTERS,
        causes=_causes(form.text_or_empty("result", "结果"), cause),
        deal_no=form.text_or_empty("deal", "结算流水号") or None,
        person=desk.gallery.person_of(Numbers(id_number)) if id_number else None,
        first_day=first.isoformat(),
        last_day=last.isoformat(),
        newest=True,
    )


def _causes(result: str, cause: str) -> tuple[str, ...]:
    if result and result not in _RESULTS:
        raise FormError("结果(result)须为passed、exempt、failed之一")
    if cause and cause not in set(Cause):
        raise FormError("没有这种原因(cause)")
    if cause:
        return (cause,)
    if not result:
        return ()
    return tuple(c.value for c in Cause if TABLE[c].answer is _RESULTS[result])


def _number(form: Form, key: str, default: int) -> int:
    text = form.text_or_empty(key, "页码", 6)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise FormError(f"页码({key})须为1以上的整数")
    return int(text)


ROUTES = (
    Route("GET", "/encounters", Function.ENCOUNTERS, listed),
    Route("GET", "/encounters/{id}", Function.ENCOUNTERS, detail),
)
