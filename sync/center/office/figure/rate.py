"""认证率 of an institution and day, by the counter's own definition (daemon/core/scene/rate)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from yibao_face.sync.center.office.figure.calendar import asked_days
from yibao_face.sync.center.office.figure.fact import (
    HIS_KINDS,
    NOT_NEEDED,
    PASS,
    own_face,
    registration_of,
)
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.organisation.institutions import names_of
from yibao_face.sync.center.office.organisation.sheet import write_sheet
from yibao_face.sync.center.office.people.scope import EVERYWHERE, Scope
from yibao_face.sync.center.office.store.figure_tables import (
    COUNT,
    DEAL,
    DESK_REVIEW,
    RATE,
    SETTLEMENT,
)
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.office.store.tables import CASE
from yibao_face.sync.center.store.database import rows

_DAYS = 30
_AT_ONCE = 500
_FIGURES = ("authenticated", "specials", "treatments", "exempt", "settled", "treated")
_CELLS = ("day", "institution", "institution_name", *_FIGURES, "percent", "warnings")
Row = dict[str, Any]


def compute(db: Connection, institution: str, day: str, given: tuple[Sequence[Row], int]) -> None:
    """Write the figures of a day anew, from its records and the facts gathered so far."""
    records, now_ms = given
    settled, treated = _counts(db, institution, day)
    authenticated, exempt, seen = _settlements(db, institution, records)
    specials = _specials(db, records, seen)
    treatments = sum(row["kind"] == "treatment-in" and own_face(row) for row in records)
    figures: Row = {
        "authenticated": 0 if settled is None else authenticated,
        "specials": 0 if settled is None else specials,
        "treatments": 0 if treated is None else treatments,
        "exempt": exempt,
        "settled": settled,
        "treated": treated,
    }
    warnings = _warnings(figures, lost_treatment=treated is None and treatments > 0)
    db.execute(delete(RATE).where(RATE.c.day == day, RATE.c.institution == institution))
    row = {**figures, "day": day, "institution": institution, "computed_ms": now_ms}
    db.execute(insert(RATE).values(**row, warnings=json.dumps(warnings)))


def list_rates(office: Office, ask: Ask) -> dict[str, Any]:
    """Day by day, institution by institution."""
    with office.reading() as db:
        own = select(RATE).where(*_asked(db, ask))
        found, following = paged(db, own, [RATE.c.day, RATE.c.institution], ask.query)
        items = _shown(db, found)
    return {"items": items, "next": following}


def export_rates(office: Office, ask: Ask) -> str:
    """The same as CSV."""
    with office.reading() as db:
        own = select(RATE).where(*_asked(db, ask))
        found = _shown(db, rows(db, own.order_by(RATE.c.day, RATE.c.institution)))
    cells = [{**row, "warnings": " ".join(row["warnings"])} for row in found]
    return write_sheet(_CELLS, cells)


def list_sums(office: Office, ask: Ask) -> dict[str, Any]:
    """Each institution over all days asked for, and all together."""
    with office.reading() as db:
        found = _sums(db, _asked(db, ask))
        names = names_of(db, {row["institution"] for row in found})
    total: Row = {"institution": EVERYWHERE, "days": max((r["days"] for r in found), default=0)}
    kept = ("authenticated", "specials", "treatments", "exempt", "settled")
    total |= {name: sum(row[name] for row in found) for name in kept}
    items = [
        {**row, "institution_name": names.get(row["institution"]), "percent": _percent_of(row)}
        for row in [*found, total]
    ]
    return {"items": items, "next": None}


def percent_on(db: Connection, scope: Scope, day: str) -> str | None:
    """The rate of everything in ``scope`` on one day; ``None`` where nothing was settled."""
    found = _sums(db, [RATE.c.day == day, scope.holds(RATE.c.institution)])
    names = ("authenticated", "specials", "treatments", "settled")
    return _percent_of({name: sum(row[name] for row in found) for name in names})


def percent_text(percent: Fraction) -> str:
    """Two decimals, half to even: ``98.77``."""
    hundredths = round(percent * 100)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _counts(db: Connection, institution: str, day: str) -> tuple[int | None, int | None]:
    """Settlements and treatments of a day; settlements that were uploaded one by one count more
    than a number a counter was told."""
    its = (COUNT.c.institution == institution, COUNT.c.day == day)
    own = select(COUNT.c.category, COUNT.c.n).where(*its)
    told = {str(category): int(n) for category, n in db.execute(own)}
    uploaded = select(func.count()).select_from(SETTLEMENT)
    uploaded = uploaded.where(SETTLEMENT.c.day == day, SETTLEMENT.c.institution == institution)
    listed = int(db.execute(uploaded).scalar_one())
    return listed or told.get("settlement"), told.get("treatment")


def _settlements(
    db: Connection, institution: str, records: Sequence[Row]
) -> tuple[int, int, set[str]]:
    """First passes, first exemptions without a pass, and whom the first passes were of."""
    calls = [row for row in records if row["kind"] in HIS_KINDS and row["deal_no"]]
    firsts = _firsts(db, institution, sorted({row["deal_no"] for row in calls}))
    passed = [
        row
        for row in calls
        if row["code"] == PASS and firsts[row["deal_no"]]["pass_id"] == row["id"]
    ]
    exempt = sum(
        row["code"] == NOT_NEEDED
        and not firsts[row["deal_no"]]["pass_id"]
        and firsts[row["deal_no"]]["exempt_id"] == row["id"]
        for row in calls
    )
    return len(passed), exempt, {row["person"] for row in passed}


def _firsts(db: Connection, institution: str, deals: list[str]) -> dict[str, Row]:
    nothing: Row = {"pass_id": "", "exempt_id": ""}
    found: dict[str, Row] = dict.fromkeys(deals, nothing)
    for begin in range(0, len(deals), _AT_ONCE):
        part = deals[begin : begin + _AT_ONCE]
        own = select(DEAL.c.deal_no, DEAL.c.pass_id, DEAL.c.exempt_id)
        own = own.where(DEAL.c.institution == institution, DEAL.c.deal_no.in_(part))
        found |= {row["deal_no"]: row for row in rows(db, own)}
    return found


def _specials(db: Connection, records: Sequence[Row], seen: set[str]) -> int:
    """Registrations that count: not rejected, not beside a settlement, one per person and case."""
    listed = [(row, registration_of(row)) for row in records if row["kind"] == "special"]
    rejected = _rejected(db, [row for row, facts in listed if facts is not None])
    cases: set[tuple[str, str]] = set()
    for row, facts in listed:
        counts = facts is not None and row["id"] not in rejected and row["person"] not in seen
        if counts and facts is not None:
            cases.add((row["person"], facts["case"]))
    return len(cases)


def _rejected(db: Connection, specials: list[Row]) -> set[str]:
    """By the centre; where it has not spoken yet, by the desk."""
    ids = [row["id"] for row in specials]
    if not ids:
        return set()
    own = select(DESK_REVIEW.c.of).where(
        DESK_REVIEW.c.of.in_(ids),
        DESK_REVIEW.c.institution == specials[0]["institution"],
        DESK_REVIEW.c.approved == 0,
    )
    by_desk = {*db.execute(own).scalars()}
    decided = select(CASE.c.id, CASE.c.state).where(CASE.c.id.in_(ids))
    decided = decided.where(CASE.c.state.in_(("approved", "rejected")))
    by_centre = {str(id_): str(state) for id_, state in db.execute(decided)}
    refused = {id_ for id_, state in by_centre.items() if state == "rejected"}
    return (by_desk - by_centre.keys()) | refused


def _warnings(figures: Row, *, lost_treatment: bool) -> list[str]:
    settled, treated = figures["settled"], figures["treated"]
    found: list[str] = []
    if settled is None and treated is not None:
        found.append("settlement-count-missing")
    if settled is not None and lost_treatment:
        found.append("treatment-count-missing")
    if settled is not None and figures["authenticated"] + figures["specials"] > settled:
        found.append("settlement-exceeds-count")
    if treated is not None and figures["treatments"] > treated:
        found.append("treatment-exceeds-count")
    return found


def _asked(db: Connection, ask: Ask) -> list[Any]:
    first, last = asked_days(ask.query["from"], ask.query["to"], ask.now_ms, _DAYS)
    return [RATE.c.day.between(first, last), ask.holds(db, RATE.c.institution)]


def _sums(db: Connection, conditions: list[Any]) -> list[Row]:
    def added(*names: str) -> Any:
        first, *more = (func.sum(func.coalesce(RATE.c[name], 0)) for name in names)
        return sum(more, first)

    own = select(
        RATE.c.institution,
        func.count().label("days"),
        *(added(name).label(name) for name in ("authenticated", "specials", "treatments")),
        added("exempt").label("exempt"),
        added("settled", "treated").label("settled"),
    ).where(*conditions)
    found = rows(db, own.group_by(RATE.c.institution).order_by(RATE.c.institution))
    # A sum is a decimal in PostgreSQL.
    return [{k: v if k == "institution" else int(v) for k, v in row.items()} for row in found]


def _shown(db: Connection, found: list[Row]) -> list[Row]:
    names = names_of(db, {row["institution"] for row in found})
    return [
        {
            **{name: row[name] for name in ("day", "institution", *_FIGURES, "computed_ms")},
            "institution_name": names.get(row["institution"]),
            "percent": _percent_of({**row, "settled": _both(row)}),
            "warnings": json.loads(row["warnings"]),
        }
        for row in found
    ]


def _both(row: Row) -> int:
    return int((row["settled"] or 0) + (row["treated"] or 0))


def _percent_of(row: Row) -> str | None:
    if not row["settled"]:
        return None
    numerator = row["authenticated"] + row["specials"] + row["treatments"]
    return percent_text(Fraction(100 * numerator, row["settled"]))
