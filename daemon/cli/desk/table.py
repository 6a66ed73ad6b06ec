"""``yibao-face settled`` and ``roster``: take over lists of the HIS as CSV files."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, read_file, say
from yibao_face.daemon.cli.desk.rate import named_institution
from yibao_face.daemon.desk.attendance import take_roster
from yibao_face.daemon.desk.figure import take_settled
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
    forms = [_settled_form(row, institution, number) for number, row in enumerate(rows, 2)]
    with desk_of(config, demo=given.demo) as desk:
        for form in forms:
            take_settled(desk, form, Attempt(_NO_CAMERA_S))
    say(f"{len(forms)} day(s) taken over")
    return 0


def _settled_form(row: dict[str, str], institution: str, line: int) -> Form:
    """One row, checked before any is kept: half a file would be worse than none."""
    try:
        count = int(row["count"])
    except ValueError as exc:
        raise CliError(f"line {line}: count is not a number") from exc
    form = Form({**row, "count": count, "institution": institution, "source": "csv"})
    try:
        form.count("count", "人次")
        form.day("day", "日期")
    except FormError as exc:
        raise CliError(f"line {line}: {exc.advice}") from exc
    return form


def _roster(given: argparse.Namespace) -> int:
    config = config_of(given)
    listed = [{"id": r["id"], "name": r["name"]} for r in _rows(given.file, "id", "name")]
    raw = {
        "practitioners": listed,
        "staff": given.staff,
        "institution": named_institution(given.institution, config),
    }
    with desk_of(config, demo=given.demo) as desk:
        take_roster(desk, Form(raw), Attempt(_NO_CAMERA_S))
    say(f"{len(listed)} practitioner(s) taken over")
    return 0


def _rows(path: Path, *needed: str) -> list[dict[str, str]]:
    try:
        text = decode(read_file(path)).text
    except UnicodeDecodeError as exc:
        raise CliError(f"{path.name} is neither UTF-8 nor GBK") from exc
    table = csv.DictReader(io.StringIO(text))
    names = {(name or "").strip().lower() for name in table.fieldnames or ()}
    if not set(needed) <= names:
        raise CliError(f"{path.name} wants the columns {', '.join(needed)}")
    return [
        {
            (k or "").strip().lower(): (v or "").strip()
            for k, v in row.items()
            if isinstance(v, str)
        }
        for row in table
    ]
