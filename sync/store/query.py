"""A query of the callers as SQL."""

from __future__ import annotations

from typing import Any

from yibao_face.sync.api import Query


def clause_of(query: Query) -> tuple[str, tuple[Any, ...]]:
    """``WHERE … ORDER BY … LIMIT`` over ``record``, and the values bound in it."""
    terms: list[tuple[str, Any]] = [
        ("institution = ?", query.institution),
        ("deal_no = ?", query.deal_no),
        ("person = ?", query.person),
        ("cause <> ?", query.but_cause),
        ("certificate_no = ?", query.certificate_no),
        ("demo = ?", query.demo),
        ("day >= ?", query.first_day),
        ("day <= ?", query.last_day),
        ("at_unix_ms >= ?", query.since_ms),
    ]
    asked = [(term, value) for term, value in terms if value is not None]
    clauses, bound = [term for term, _ in asked], [value for _, value in asked]
    for column, values in (("kind", query.kinds), ("cause", query.causes)):
        if values:
            clauses.append(f"{column} IN ({', '.join('?' * len(values))})")
            bound += values
    if query.let_go:
        clauses.append("code > 0")
    where = f"WHERE {' AND '.join(clauses)} " if clauses else ""
    order = "ORDER BY seq DESC" if query.newest else "ORDER BY seq"
    limit = "" if query.limit is None else f" LIMIT {query.limit:d} OFFSET {query.offset:d}"
    return where + order + limit, (*bound,)
