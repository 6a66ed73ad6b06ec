"""Long lists in pages: each goes on behind the last row of the one before, by index."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Column, Connection, literal, tuple_

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.store.database import rows

LIMIT = 50
Rows = list[dict[str, Any]]


def paged(
    db: Connection,
    statement: Any,
    keys: Sequence[Column[Any]],
    query: dict[str, Any],
    *,
    newest: bool = False,
) -> tuple[Rows, str | None]:
    """One page of a SELECT that holds the ``keys``, and the cursor of the next.

    ``keys``: columns that order the rows, the last one without ties. ``newest``: downwards.
    """
    limit = query.get("limit") or LIMIT
    if query.get("cursor"):
        place = _place(query["cursor"], keys)
        last = tuple_(*keys)
        statement = statement.where(last < place if newest else last > place)
    order = [key.desc() if newest else key.asc() for key in keys]
    found = rows(db, statement.order_by(*order).limit(limit + 1))
    if len(found) <= limit:
        return found, None
    return found[:limit], _cursor([found[limit - 1][key.name] for key in keys])


def _cursor(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def _place(cursor: str, keys: Sequence[Column[Any]]) -> Any:
    try:
        given = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
    except (ValueError, RecursionError) as exc:
        raise _wrong() from exc
    if not isinstance(given, list):
        raise _wrong()
    found = cast(list[object], given)
    if len(found) != len(keys):
        raise _wrong()
    if any(type(v) is not key.type.python_type for v, key in zip(found, keys, strict=True)):
        raise _wrong()
    if any(isinstance(v, int) and abs(v) >= 2**63 for v in found):
        raise _wrong()
    if any(isinstance(v, str) and not _storable(v) for v in found):
        raise _wrong()
    values = [literal(value, key.type) for value, key in zip(found, keys, strict=True)]
    return tuple_(*values)


def _storable(text: str) -> bool:
    """Whole UTF-8, and no NUL, which PostgreSQL cannot hold."""
    return "\0" not in text and not any(0xD800 <= ord(ch) < 0xE000 for ch in text)


def _wrong() -> RefusedError:
    return RefusedError(422, "field", "cursor 无效，请从第一页重新查询")
