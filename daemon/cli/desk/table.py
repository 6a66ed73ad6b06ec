"""``yibao-face settled`` and ``roster``: take over lists of the HIS as CSV files."""

from __future__ import annotations

import argparse
import csv
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, read_file, say
from yibao_face.daemon.cli.desk.rate import named_institution
from yibao_face.daemon.desk.attendance import take_roster
from yibao_face.daemon.desk.figure import CATEGORIES, take_settled
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.wire.charset import decode
from yibao_face.daemon.wiring import desk_of

# By word only: nobody stands before a camera.
_NO_CAMERA_S = 60.0


def add(commands: Commands) -> None:
    """Register both commands."""
    settled = command(
        commands, "settled", "take over settlement counts (day,count[,category]) / 导入结算人次"
    )
    settled.set_defaults(run=_settled)
    roster = command(
        commands, "roster", "take over the practitioners (id,name) / 导入医师药师名单"
    )
    roster.add_argument("--staff", required=True, help="staff number / 工号")
    roster.set_defaults(run=_roster)
    for parser in (settled, roster):
        parser.add_argument("file", type=Path, metavar="CSV", help="UTF-8 or GBK, with a heading")
        parser.add_argument("--institution", default="", help="code / 机构编号")
        parser.add_argument("--demo", action="store_true", help="as records of the demo")


def _settled(given: argparse.Namespace) -> int:
    config = config_of(given)
    institution = named_institution(given.institution, config)
    rows = _rows(given.file, "day", "count")
    forms = [_checked(_settled_form(row, institution), line, _settled_row) for line, row in rows]
    with desk_of(config, demo=given.demo) as desk:
        for form in forms:
            take_settled(desk, form, Attempt(_NO_CAMERA_S))
    say(f"{len(forms)} day(s) taken over")
    return 0


def _settled_form(row: Mapping[str, str], institution: str) -> Form:
    count = row.get("count", "")
    number = int(count) if re.fullmatch("[0-9]{1,9}", count) else None
    return Form({**row, "count": number, "institution": institution, "source": "csv"})


def _settled_row(form: Form) -> None:
    form.day("day", "日期")
    form.count("count", "人次")
    category = form.text_or_empty("category", "类别")
    if category and category not in CATEGORIES:
        raise FormError(f"类别(category)须为{'、'.join(CATEGORIES)}之一")


def _roster(given: argparse.Namespace) -> int:
    config = config_of(given)
    institution = named_institution(given.institution, config)
    rows = _rows(given.file, "id", "name")
    listed = [_checked(Form(row), line, _roster_row).raw for line, row in rows]
    raw = {
        "practitioners": [{"id": r["id"], "name": r["name"]} for r in listed],
        "staff": given.staff,
        "institution": institution,
    }
    with desk_of(config, demo=given.demo) as desk:
        take_roster(desk, Form(raw), Attempt(_NO_CAMERA_S))
    say(f"{len(listed)} practitioner(s) taken over")
    return 0


def _roster_row(form: Form) -> None:
    form.text("id", "证件号码", 30)
    form.text("name", "姓名", 30)


def _checked(form: Form, line: int, check: Callable[[Form], None]) -> Form:
    """One row, checked before any is kept: half a file would be worse than none."""
    try:
        check(form)
    except FormError as exc:
        raise CliError(f"line {line}: {exc.advice}") from exc
    return form


def _rows(path: Path, *needed: str) -> list[tuple[int, dict[str, str]]]:
    """The rows below the heading, each with its line; ``CliError`` where the table is none."""
    try:
        text = decode(read_file(path)).text
        table = csv.reader(io.StringIO(text, newline=""), strict=True)
        lines = [(table.line_num, [cell.strip() for cell in cells]) for cells in table]
    except UnicodeDecodeError as exc:
        raise CliError(f"{path.name} is neither UTF-8 nor GBK") from exc
    except csv.Error as exc:
        raise CliError(f"{path.name} is not a CSV file: {exc}") from exc
    filled = [(line, cells) for line, cells in lines if any(cells)]
    names = [name.lower() for name in filled[0][1]] if filled else []
    if any(names.count(name) != 1 for name in needed):
        raise CliError(f"{path.name} wants the columns {', '.join(needed)}")
    if len(filled) < 2:
        raise CliError(f"{path.name} holds no row below its heading")
    return [(line, _row(names, cells, line)) for line, cells in filled[1:]]


def _row(names: list[str], cells: list[str], line: int) -> dict[str, str]:
    """A row by its heading; a cell too many or too few would put a value under a wrong name."""
    if len(cells) != len(names):
        raise CliError(f"line {line}: {len(cells)} columns, the heading has {len(names)}")
    return dict(zip(names, cells, strict=True))
