"""``yibao-face doctor``: what is wrong with this counter, why, and what to do."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from yibao_face.daemon.cli.common import CliError, Commands, command, say, write_file
from yibao_face.daemon.console.access.audit import CHECKS as ACCOUNTS
from yibao_face.daemon.doctor.check import Result
from yibao_face.daemon.doctor.doctor import CHECKS, examine
from yibao_face.daemon.doctor.report import (
    KEPT,
    as_json,
    as_text,
    exit_code,
    keep_report,
    lines,
    summary,
    unseen,
)
from yibao_face.daemon.doctor.subject import subject_of

ALL = (*CHECKS, *ACCOUNTS)


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "doctor", "what is wrong here, and what to do / 体检")
    parser.add_argument("--json", action="store_true", help="one JSON object / 输出 JSON")
    quick = "does this copy work here? no camera, network, data of the site / 程序自检"
    parser.add_argument("--selftest", action="store_true", help=quick)
    his = "folder of a HIS with the library in it; may be repeated / HIS目录"
    parser.add_argument("--his", type=Path, action="append", default=[], metavar="DIR", help=his)
    report = "also write it here, JSON where it ends in .json / 保存报告"
    parser.add_argument("--report", type=Path, metavar="FILE", help=report)
    keep = f"also keep it as {KEPT} in the data folder / 随安装保存"
    parser.add_argument("--keep", action="store_true", help=keep)
    strict = "a warning counts as a failure / 注意项也算不通过"
    parser.add_argument("--strict", action="store_true", help=strict)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """0: nothing fails; 3: something does; 1: the report could not be written."""
    subject = subject_of(given.config, tuple(given.his), quick=given.selftest)
    results = examine(subject, ALL, (lambda _result: None) if given.json else _told)
    found = as_json(subject, results, strict=given.strict)
    whole = json.dumps(found, ensure_ascii=False, indent=1)
    say(whole if given.json else "\n".join([*unseen(results), summary(results)]))
    if given.report is not None:
        as_program = given.report.suffix == ".json"
        write_file(given.report, whole if as_program else as_text(subject, results))
    if given.keep:
        _kept(subject.config.data, whole)
    return exit_code(results, strict=given.strict)


def _told(result: Result) -> None:
    say("\n".join(lines(result)))


def _kept(data: Path, text: str) -> None:
    """The installer's report: whole or not at all, and of who owns the data folder."""
    path = data / KEPT
    try:
        keep_report(path, text)
    except OSError as exc:
        raise CliError(f"{path.name} cannot be written: {exc.strerror}") from exc
