"""``yibao-face rate``: 认证率 of the institution, and why each record counts or not (S0-68)."""

from __future__ import annotations

import argparse
from datetime import date

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, say
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.scene.rate import Rate, explain, percent_text
from yibao_face.daemon.desk.figure import MAX_DAYS, rate_events, rate_of
from yibao_face.daemon.wiring import desk_of


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "rate", "certification rate / 认证率")
    parser.add_argument("--from", dest="first", type=day, metavar="YYYY-MM-DD", help="first day")
    parser.add_argument("--to", dest="last", type=day, metavar="YYYY-MM-DD", help="last day")
    parser.add_argument("--institution", default="", help="code, instead of the configured one")
    parser.add_argument("--explain", action="store_true", help="one line for every record")
    parser.add_argument("--demo", action="store_true", help="records of the demo instead")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print the rate; works with or without a running daemon."""
    config = config_of(given)
    # One day named is that day alone.
    first = given.first or given.last or Clock().today()
    last = given.last or first
    if last < first:
        raise CliError("--to is before --from")
    if (last - first).days > MAX_DAYS:
        raise CliError(f"a range has at most {MAX_DAYS} days")
    institution = named_institution(given.institution, config)
    with desk_of(config, demo=given.demo) as desk:
        _print(rate_of(desk, institution, first, last), institution)
        if given.explain:
            for line in explain(rate_events(desk, institution), institution, first, last):
                mark = "+" if line.counted else "-"
                say(f"{mark} {line.day} {line.id} {line.as_what}: {line.reason}")
    return 0


def named_institution(given: str, config: Config) -> str:
    """The institution named on the command line or in the configuration."""
    found = str(given or config.desk.institution)
    if not found:
        raise CliError("which institution? --institution CODE, or desk.institution in config.toml")
    return found


def day(text: str) -> date:
    """A date of the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError("not a date like 2026-12-31") from exc


def _print(found: Rate, institution: str) -> None:
    say(f"institution {institution}")
    for row in found.rows:
        settled = "-" if row.settled is None else row.settled
        treated = "-" if row.treated is None else row.treated
        say(
            f"{row.day}  认证 {row.authenticated}  特殊登记 {row.specials}  诊疗 {row.treatments}"
            f"  结算 {settled}  诊疗人次 {treated}  免核验 {row.exempt}"
        )
    say(f"认证率 {percent_text(found.percent)}")
    for warning in found.warnings:
        say(f"! {warning}")
