"""Figures of an institution: settlement counts taken in, the certification rate, data quality."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import Any

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.scene.event import HIS_KINDS, Event, Kind
from yibao_face.daemon.core.scene.rate import Rate, explain, percent_text, rate
from yibao_face.daemon.desk.desk import Desk, Done, recorded
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.ledger import Entry
from yibao_face.sync.api import Query

# Ten years: a longer range is a slip of the pen.
MAX_DAYS = 3660
CATEGORIES = ("settlement", "treatment")
RATE_KINDS = (
    *HIS_KINDS,
    Kind.TREATMENT_IN,
    Kind.TREATMENT_MAKEUP,
    Kind.SPECIAL,
    Kind.REVIEW,
    Kind.SETTLED,
)


def take_settled(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """How many settlements a day had, from HIS or the centre; the last word counts (S0-68)."""
    category = form.text_or_empty("category", "类别") or "settlement"
    if category not in CATEGORIES:
        raise FormError(f"类别(category)须为{'、'.join(CATEGORIES)}之一")
    detail = {
        "day": form.day("day", "日期").isoformat(),
        "category": category,
        "count": form.count("count", "人次"),
        "source": form.text_or_empty("source", "来源") or "api",
    }
    return desk.note(Entry(Kind.SETTLED, recorded(), desk.institution(form), detail=detail))


def rate_events(desk: Desk, institution: str) -> list[Event]:
    """The records a rate is made of."""
    return desk.events(institution, *RATE_KINDS)


def rate_of(desk: Desk, institution: str, first: date, last: date) -> Rate:
    """认证率 of ``institution`` for the days ``first``..``last``."""
    return rate(rate_events(desk, institution), institution, first, last)


def figures_of(found: Rate) -> dict[str, Any]:
    """What every list of a rate begins with."""
    return {
        "percent": percent_text(found.percent),
        "authenticated": found.authenticated,
        "specials": found.specials,
        "treatments": found.treatments,
        "settled": found.settled,
        "exempt": found.exempt,
        "warnings": list(found.warnings),
    }


def view_rate(desk: Desk, form: Form) -> dict[str, Any]:
    """认证率 of a day range, record by record where asked to ``explain``."""
    institution, today = desk.institution(form), desk.ledger.clock.today()
    first, last = form.day("from", "开始日期", today), form.day("to", "结束日期", today)
    if not 0 <= (last - first).days <= MAX_DAYS:
        raise FormError(f"结束日期(to)不能早于开始日期，且不超过{MAX_DAYS}天")
    events = rate_events(desk, institution)
    found = rate(events, institution, first, last)
    shown = figures_of(found)
    if form.text_or_empty("explain", "明细"):
        lines = explain(events, institution, first, last)
        shown["lines"] = [[x.id, x.day.isoformat(), x.counted, x.as_what, x.reason] for x in lines]
    return shown


def view_findings(desk: Desk, form: Form) -> dict[str, Any]:
    """How often each field of a HIS was wrong, and how: for a word with its vendor."""
    institution, today = desk.institution(form), desk.ledger.clock.today()
    query = Query(
        institution=institution,
        first_day=form.day("from", "开始日期", today).isoformat(),
        last_day=form.day("to", "结束日期", today).isoformat(),
    )
    counts: Counter[tuple[str, str]] = Counter()
    calls = 0
    for row in desk.ledger.outbox.find(query):
        calls += bool(row.request_sha256)
        counts.update((f["field"], f["problem"]) for f in json.loads(row.findings))
    return {
        "calls": calls,
        "findings": [
            {"field": field, "problem": problem, "calls": n}
            for (field, problem), n in counts.most_common()
        ],
    }
