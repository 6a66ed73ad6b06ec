"""CSV in and out: read strictly, row by row; written so that no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.door.field import Field, read_body

MAX_ROWS = 20_000
_BOM = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t")


def read_sheet(text: str, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """The rows, each checked as a body of ``fields``; ``RefusedError`` that names the row."""
    reader = csv.reader(io.StringIO(text.removeprefix(_BOM), newline=""), strict=True)
    try:
        lines = [line for line in reader if line]
    except csv.Error as exc:
        raise RefusedError(422, "csv", f"第{reader.line_num}行不是CSV") from exc
    if not lines or len(lines) > MAX_ROWS + 1:
        raise RefusedError(422, "csv", f"须有列名行，且不超过{MAX_ROWS}行")
    names = [name.strip() for name in lines[0]]
    known = {field.name for field in fields}
    if len({*names}) != len(names) or not {*names} <= known:
        raise RefusedError(422, "csv", f"列名须为：{','.join(field.name for field in fields)}")
    return [_row(n, names, line, fields) for n, line in enumerate(lines[1:], 2)]


def write_sheet(names: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    """CSV text with a byte order mark, which spreadsheets need to see that it is UTF-8."""
    out = io.StringIO()
    out.write(_BOM)
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([_cell(row[name]) for name in names] for row in rows)
    return out.getvalue()


def _row(
    n: int, names: Sequence[str], line: Sequence[str], fields: Sequence[Field]
) -> dict[str, Any]:
    if len(line) != len(names):
        raise RefusedError(422, "csv", f"第{n}行有{len(line)}列，应为{len(names)}列")
    given = {name: _plain(value) or None for name, value in zip(names, line, strict=True)}
    try:
        return read_body(fields, given)
    except RefusedError as exc:
        raise RefusedError(422, "csv", f"第{n}行：{exc}") from exc


def _plain(value: str) -> str:
    """A cell without the quote ``_cell`` puts before what looks like a formula."""
    text = value.strip()
    return text[1:] if text.startswith(tuple(f"'{sign}" for sign in _FORMULA)) else text


def _cell(value: Any) -> str:
    if isinstance(value, int | float):
        return str(value)
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
