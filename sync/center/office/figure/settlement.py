"""Settlements as the insurance has them, each against the certificate it names (S0-09, S0-64)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from yibao_face.sync.api import INSTITUTION as CODE
from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.door.field import text
from yibao_face.sync.center.office.figure.calendar import asked_days
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.organisation.sheet import read_sheet
from yibao_face.sync.center.office.people import mask
from yibao_face.sync.center.office.people.scope import Scope
from yibao_face.sync.center.office.store.figure_tables import CERTIFIED, SETTLEMENT
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.marks import day_text, mark

_CHINA = timezone(timedelta(hours=8))
# Clocks of a counter and of the insurance may differ so much before a certificate is late.
TOLERANCE_MS = 5 * 60 * 1000
_AT_ONCE = 500
_DAYS = 30
_AMOUNT = r"-?[0-9]{1,14}(\.[0-9]{1,2})?"
_FIELDS = (
    text("institution", "机构编号", 32, CODE.pattern).need(),
    text("deal_no", "结算流水号", 50).need(),
    text("cp_no", "核验凭证号", 64),
    text("amount", "金额", 19, _AMOUNT).need(),
    text("at", "结算时间", 30).need(),
)
Row = dict[str, Any]


def list_settlements(office: Office, ask: Ask) -> dict[str, Any]:
    """Day by day, with the verdict on each."""
    own = select(SETTLEMENT)
    if ask.query["verdict"] is not None:
        own = own.where(SETTLEMENT.c.verdict == ask.query["verdict"])
    with office.looking(ask, "settlements") as (db, bare):
        own = own.where(*_asked(db, ask))
        keys = [SETTLEMENT.c.day, SETTLEMENT.c.institution, SETTLEMENT.c.deal_no]
        found, following = paged(db, own, keys, ask.query)
    return {"items": [_shown(row, bare=bare) for row in found], "next": following}


def count_verdicts(office: Office, ask: Ask) -> dict[str, Any]:
    """How many settlements have each verdict."""
    own = select(SETTLEMENT.c.verdict, func.count().label("n"))
    with office.reading() as db:
        own = own.where(*_asked(db, ask)).group_by(SETTLEMENT.c.verdict)
        return {"counts": rows(db, own.order_by(SETTLEMENT.c.verdict))}


def add_settlements(office: Office, ask: Ask) -> dict[str, Any]:
    """Take settlements in, as JSON; the same one again changes nothing."""
    return _take(office, ask, ask.body["settlements"])


def import_settlements(office: Office, ask: Ask) -> dict[str, Any]:
    """Take settlements in, as CSV; all rows or none."""
    given = read_sheet(ask.body["csv"], _FIELDS)
    return _take(
        office, ask, [{**row, "at_ms": _moment(n, row)} for n, row in enumerate(given, 2)]
    )


def judge(db: Connection, certificates: Iterable[str]) -> None:
    """Judge all settlements that name one of these certificates anew."""
    wanted = sorted({*certificates} - {""})
    for begin in range(0, len(wanted), _AT_ONCE):
        part = wanted[begin : begin + _AT_ONCE]
        named = _by_no(rows(db, select(SETTLEMENT).where(SETTLEMENT.c.cp_no.in_(part))))
        if not named:
            continue
        known = _by_no(rows(db, select(CERTIFIED).where(CERTIFIED.c.cp_no.in_(sorted(named)))))
        for cp_no, settlements in named.items():
            for row in settlements:
                _write(db, row, verdict_of(row, known.get(cp_no, []), len(settlements)))


def verdict_of(row: Row, certificates: Sequence[Row], named: int) -> tuple[str, str]:
    """The verdict on a settlement and the record it rests on.

    ``certificates``: all with its cp_no. ``named``: how many settlements have this cp_no.
    """
    if not row["cp_no"]:
        return "no-cp-no", ""
    if not certificates:
        return "unknown-cp-no", ""
    own = (row["institution"], row["deal_no"])
    ordered = sorted(certificates, key=lambda c: (c["at_ms"], c["record"]))
    fits = [c for c in ordered if (c["institution"], c["deal_no"]) == own]
    if fits:
        late = fits[0]["at_ms"] > row["at_ms"] + TOLERANCE_MS
        return "late" if late else "matched", fits[0]["record"]
    if named > 1:
        return "reused-cp-no", ordered[0]["record"]
    here = any(c["institution"] == row["institution"] for c in ordered)
    return "other-deal" if here else "other-institution", ordered[0]["record"]


def _take(office: Office, ask: Ask, given: list[Row]) -> dict[str, Any]:
    counts = {"new": 0, "changed": 0, "same": 0}
    with office.writing() as db:
        _check_scope(db, ask.scope, {row["institution"] for row in given})
        days: set[tuple[str, str]] = set()
        touched: set[str] = set()
        for one in given:
            row = _row(one)
            before = _stored(db, row)
            counts[_put(db, row, before)] += 1
            for held in (row, before):
                if held is not None:
                    days.add((held["institution"], held["day"]))
                    touched.add(held["cp_no"])
        judge(db, touched)
        mark(db, days, ask.now_ms)
        office.note(db, ask, f"settlements:{len(given)}", new=given)
    return counts


def _check_scope(db: Connection, scope: Scope, institutions: set[str]) -> None:
    for institution in sorted(institutions):
        scope.check(db, institution)


def _row(one: Row) -> Row:
    cp_no = (one["cp_no"] or "").strip().upper()
    return {
        "institution": one["institution"],
        "deal_no": one["deal_no"],
        "cp_no": cp_no,
        "amount_fen": int(Decimal(one["amount"]) * 100),
        "at_ms": one["at_ms"],
        "day": day_text(one["at_ms"]),
        "verdict": "unknown-cp-no" if cp_no else "no-cp-no",
        "record": "",
    }


def _its(row: Row) -> tuple[Any, Any]:
    own = SETTLEMENT.c.institution == row["institution"]
    return own, SETTLEMENT.c.deal_no == row["deal_no"]


def _stored(db: Connection, row: Row) -> Row | None:
    held = db.execute(select(SETTLEMENT).where(*_its(row))).mappings().first()
    return None if held is None else dict(held)


def _put(db: Connection, row: Row, before: Row | None) -> str:
    if before is None:
        db.execute(insert(SETTLEMENT).values(**row))
        return "new"
    if all(before[name] == row[name] for name in ("cp_no", "amount_fen", "at_ms")):
        return "same"
    db.execute(update(SETTLEMENT).where(*_its(row)).values(**row))
    return "changed"


def _write(db: Connection, row: Row, found: tuple[str, str]) -> None:
    if (row["verdict"], row["record"]) != found:
        own = update(SETTLEMENT).where(*_its(row))
        db.execute(own.values(verdict=found[0], record=found[1]))


def _by_no(found: list[Row]) -> dict[str, list[Row]]:
    listed: dict[str, list[Row]] = {}
    for row in found:
        listed.setdefault(row["cp_no"], []).append(row)
    return listed


def _moment(n: int, row: Row) -> int:
    try:
        at = datetime.fromisoformat(row["at"])
        at = at if at.tzinfo else at.replace(tzinfo=_CHINA)
        at_ms = round(at.timestamp() * 1000)
    except (ValueError, OverflowError) as exc:
        raise RefusedError(422, "csv", f"第{n}行：结算时间(at)须如 2026-11-22T09:30:00") from exc
    if not 0 <= at_ms <= 4_102_444_800_000:
        raise RefusedError(422, "csv", f"第{n}行：结算时间(at)不在1970至2100年间")
    return at_ms


def _asked(db: Connection, ask: Ask) -> list[Any]:
    first, last = asked_days(ask.query["from"], ask.query["to"], ask.now_ms, _DAYS)
    return [SETTLEMENT.c.day.between(first, last), ask.holds(db, SETTLEMENT.c.institution)]


def _shown(row: Row, *, bare: bool) -> Row:
    sign, fen = ("-" if row["amount_fen"] < 0 else ""), abs(row["amount_fen"])
    return {
        "institution": row["institution"],
        "deal_no": row["deal_no"] if bare else mask.tail(row["deal_no"]),
        "cp_no": row["cp_no"] if bare else mask.tail(row["cp_no"]),
        "amount": f"{sign}{fen // 100}.{fen % 100:02d}",
        "at_ms": row["at_ms"],
        "verdict": row["verdict"],
        "record": row["record"] or None,
    }
