"""What waits for the centre, what it refused and why, and ways past a network."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from yibao_face.daemon.console.access.role import Function
from yibao_face.daemon.console.check.state import link_state
from yibao_face.daemon.console.console import Console
from yibao_face.daemon.console.route import Route, Visit, away, told
from yibao_face.daemon.desk.figure import MAX_DAYS, figures_of, rate_of
from yibao_face.daemon.desk.form import FormError
from yibao_face.daemon.trust.signature import check_of
from yibao_face.daemon.wiring import outbox_path
from yibao_face.sync.stick import export
from yibao_face.sync.store.verify import verify

_DEAD_SHOWN = 200
_MAX_RATE_DAYS = 366


async def counts(visit: Visit) -> web.Response:
    """How many wait, were taken, are dead; the dead ones with the centre's reason."""
    return told(await away(lambda: state(visit.console)))


def state(console: Console) -> dict[str, Any]:
    """The queue as it stands."""
    delivery = console.daemon.ledger.outbox.delivery
    return {
        **asdict(delivery.counts()),
        "last_sent_ms": delivery.last_sent_ms(),
        "link": link_state(console),
        "dead_records": [asdict(one) for one in delivery.dead(_DEAD_SHOWN)],
    }


async def retry(visit: Visit) -> web.Response:
    """``{ids}``: let these dead ones wait again; all, where none is named."""
    form, delivery = await visit.form(), visit.console.daemon.ledger.outbox.delivery
    ids = _ids(form.raw.get("ids", []))
    return told({"ok": True, "revived": await away(lambda: delivery.revive(ids or None))})


def _ids(named: object) -> list[str]:
    items = cast("list[object]", named) if isinstance(named, list) else [None]
    ids = [item for item in items if isinstance(item, str)]
    if len(ids) != len(items):
        raise FormError("记录编号(ids)须为列表")
    return ids


async def check(visit: Visit) -> web.Response:
    """Was anything of the record log changed, taken out or cut."""
    return told(await away(lambda: checked(visit.console)))


def checked(console: Console) -> dict[str, Any]:
    """The record log, looked through from end to end."""
    report = verify(outbox_path(console.config), check_of(console.daemon.ledger.signer))
    return {
        "ok": report.ok,
        "records": report.records,
        "signed": report.signed,
        "gaps": [[gap.first, gap.last, gap.reason] for gap in report.gaps],
        "findings": [asdict(finding) for finding in report.findings],
    }


async def take_out(visit: Visit) -> web.Response:
    """The signed file for a USB stick."""
    ledger = visit.console.daemon.ledger

    def made() -> bytes:
        # In the data folder: what names persons, if sealed, does not go through a public place.
        with tempfile.TemporaryDirectory(dir=visit.console.config.data) as folder:
            file, signer, outbox = Path(folder) / "queue", ledger.signer, ledger.outbox
            export(outbox.delivery, file, signer.key_id, signer.sign, outbox.file.algorithm)
            return file.read_bytes()

    name = f"queue-{ledger.clock.now():%Y%m%d-%H%M%S}.jsonl"
    return attachment(await asyncio.to_thread(made), name, "application/octet-stream")


def attachment(data: bytes, name: str, kind: str) -> web.Response:
    """``data`` as a file to be saved."""
    disposition = f'attachment; filename="{name}"'
    return web.Response(body=data, content_type=kind, headers={"Content-Disposition": disposition})


async def rate_by_day(visit: Visit) -> web.Response:
    """认证率 (S0-68) of ``from``..``to``, and each day of it."""
    desk, form = visit.console.daemon.desk, visit.query()
    institution, today = desk.institution(form), desk.ledger.clock.today()
    first, last = form.day("from", "开始日期", today), form.day("to", "结束日期", today)
    if not 0 <= (last - first).days < min(_MAX_RATE_DAYS, MAX_DAYS):
        raise FormError("结束日期(to)不能早于开始日期，且不超过366天")
    found = await away(lambda: rate_of(desk, institution, first, last))
    days = [{**asdict(row), "day": row.day.isoformat()} for row in found.rows]
    return told({**figures_of(found), "days": days})


ROUTES = (
    Route("GET", "/queue", Function.QUEUE, counts),
    Route("POST", "/queue/retry", Function.QUEUE, retry),
    Route("POST", "/queue/verify", Function.QUEUE, check),
    Route("POST", "/queue/export", Function.QUEUE, take_out),
    Route("GET", "/rate", Function.RATE, rate_by_day),
)
