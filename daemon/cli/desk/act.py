"""``yibao-face desk``: every act and view of the desk, through the running daemon."""

from __future__ import annotations

import argparse
import base64
import json
import re
import textwrap
from pathlib import Path
from typing import Any

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, read_file, say
from yibao_face.daemon.desk.table import ACTS, VIEWS
from yibao_face.daemon.door.client import caller_of


def add(commands: Commands) -> None:
    """Register the command."""
    help_ = "rounds, treatments, registrations, lists / 柜台与病区业务"
    parser = command(commands, "desk", help_)
    # Wrapped by us: argparse would break a name at its hyphen.
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    listed = (
        f"{title}: {', '.join(names)}" for title, names in (("acts", ACTS), ("views", VIEWS))
    )
    parser.epilog = "\n".join(textwrap.fill(line, 78, break_on_hyphens=False) for line in listed)
    parser.add_argument("name", metavar="NAME", help="an act or a view, see below")
    parser.add_argument("field", nargs="*", metavar="KEY=VALUE", help="e.g. id=… staff=1001")
    parser.add_argument("--photo", type=Path, nargs="+", default=[], metavar="FILE")
    parser.add_argument("--document", type=Path, metavar="FILE", help="signed by the centre")
    parser.add_argument("--data", type=Path, metavar="FILE", help="JSON of a dialysis")
    parser.add_argument("--port", type=int, help="instead of the configured port")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print the answer as JSON; exit code 0 when it was done or shown."""
    fields = _pairs(given.field)
    caller = caller_of(config_of(given), given.port, clerk=True)
    if given.name in VIEWS:
        say(json.dumps(caller.view(given.name, **fields), ensure_ascii=False, indent=1))
        return 0
    if given.name not in ACTS:
        raise CliError(f"no such act or view: {given.name}; see --help")
    answer = caller.act(given.name, {**_typed(fields), **_files(given)})
    say(json.dumps(answer, ensure_ascii=False))
    return 0 if answer.get("ok") else 1


def _pairs(listed: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in listed:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise CliError(f"not KEY=VALUE: {key or text}")
        if key in found:
            raise CliError(f"given twice: {key}")
        found[key] = value
    return found


def _typed(fields: dict[str, str]) -> dict[str, Any]:
    """A count and a yes or no are not texts."""
    typed: dict[str, Any] = dict(fields)
    if re.fullmatch("[0-9]{1,9}", fields.get("count", "")):
        typed["count"] = int(fields["count"])
    if fields.get("approved") in ("true", "false"):
        typed["approved"] = fields["approved"] == "true"
    return typed


def _files(given: argparse.Namespace) -> dict[str, Any]:
    files: dict[str, Any] = {}
    if given.photo:
        files["photos"] = [base64.b64encode(read_file(path)).decode() for path in given.photo]
    if given.document:
        files["document"] = base64.b64encode(read_file(given.document)).decode()
    if given.data:
        try:
            files["data"] = json.loads(read_file(given.data))
        except (ValueError, RecursionError) as exc:
            raise CliError(f"{given.data.name} is not JSON") from exc
    return files
