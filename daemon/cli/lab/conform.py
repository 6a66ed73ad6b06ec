"""``yibao-face conform``: the golden cases a HIS vendor runs, and the host they play on."""

from __future__ import annotations

import argparse
import asyncio
import logging
import re
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from yibao_face.daemon.cli.common import (
    CliError,
    Commands,
    command,
    config_of,
    say,
    write_file,
)
from yibao_face.daemon.cli.lab.stage import prepare
from yibao_face.daemon.config import Config
from yibao_face.daemon.conform.case import Case, Suite, load_suite
from yibao_face.daemon.conform.library import load_library
from yibao_face.daemon.conform.program import program_target
from yibao_face.daemon.conform.report import Report, as_json, text
from yibao_face.daemon.conform.run import FAILED, Result, Runner
from yibao_face.daemon.conform.stage.host import Host, host_routes
from yibao_face.daemon.conform.target import Control, HttpTarget, Target, address
from yibao_face.daemon.demo.child import child_daemon
from yibao_face.daemon.demo.play import Stage
from yibao_face.daemon.door.server import serve, stop_on_signals

# Apart, so that a run beside a host in another window does not clear its folder away.
_RUN_FOLDER, _HOST_FOLDER = "conform", "conform-host"
_PROGRESS = 50


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "conform", "golden cases for HIS vendors / 一致性测试")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="run against this daemon or conformance host")
    where.add_argument(
        "--dll", type=Path, metavar="PATH", help="run through this library / 动态库"
    )
    where.add_argument(
        "--program", type=Path, metavar="PATH", help="through this hcf-selftest / 自检程序"
    )
    where.add_argument("--host", action="store_true", help="only the conformance host / 仅主机")
    where.add_argument("--list", action="store_true", help="list the cases / 列出用例")
    parser.add_argument(
        "--port", type=int, help="of the host; a library's is 51518, else a free one"
    )
    parser.add_argument("--only", metavar="PATTERN", default="", help="cases whose group/id match")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the report here")
    # Of the child process only: its data folder is ready, the clips are there.
    parser.add_argument("--clips", type=Path, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Exit code 0 when something was tried and nothing failed."""
    suite = load_suite()
    cases = _chosen(suite, given.only)
    if given.list:
        return _list(suite, cases)
    config = config_of(given)
    if given.host:
        return _host(config, given)
    if given.url:
        host, port = address(given.url)
        return _try(suite, cases, HttpTarget(host, port), (host, port), given.json)
    with ExitStack() as held:
        library = _library(given, held)
        port = given.port or (config.door.port if library else 0)
        at = held.enter_context(_child(config, port))
        return _try(suite, cases, library or HttpTarget(*at), at, given.json)


def _library(given: argparse.Namespace, held: ExitStack) -> Target | None:
    if given.program:
        return held.enter_context(program_target(given.program))
    return load_library(given.dll) if given.dll else None


def _try(
    suite: Suite, cases: list[Case], target: Target, at: tuple[str, int], file: Path | None
) -> int:
    control = Control(*at)
    release = control.version()
    runner = Runner(suite, target, control if release else None)
    results = runner.run(cases, _Progress(len(cases)).tell)
    report = Report(suite, target.name, release, results)
    say(text(report).rstrip())
    if file is not None:
        write_file(file, as_json(report))
    return 0 if report.passed else 1


class _Progress:
    """Says how far it is: every fifty cases, and each failure at once."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0

    def tell(self, result: Result) -> None:
        """One more case has been played."""
        self._done += 1
        if result.verdict == FAILED:
            say(f"[{self._done}/{self._total}] {result.case.id} 失败 failed")
        elif self._done % _PROGRESS == 0:
            say(f"[{self._done}/{self._total}] …")


def _chosen(suite: Suite, pattern: str) -> list[Case]:
    try:
        wanted = re.compile(pattern)
    except re.error as exc:
        raise CliError(f"--only {pattern} is no pattern: {exc}") from exc
    found = [
        case
        for group in suite.groups
        for case in group.cases
        if wanted.search(f"{group.name}/{case.id}")
    ]
    if not found:
        raise CliError(f"--only {pattern} fits no case")
    return found


def _list(suite: Suite, cases: list[Case]) -> int:
    wanted = {case.id for case in cases}
    for group in suite.groups:
        for case in group.cases:
            if case.id in wanted:
                say(f"{group.name}/{case.id}  {case.title} ({case.clause})")
    say(f"{len(cases)} 项 cases, sha256 {suite.sha256}")
    return 0


def _stage(config: Config, folder: str, port: int) -> Stage:
    stage = prepare(config, folder)
    door = replace(config.door, port=port)
    return replace(stage, config=replace(stage.config, door=door))


@contextmanager
def _child(config: Config, port: int) -> Generator[tuple[str, int], None, None]:
    """A conformance host as a process of its own; where it listens."""
    stage = _stage(config, _RUN_FOLDER, port)
    with child_daemon(stage.config, ("conform", "--host", "--clips", str(stage.clips))) as child:
        yield child.caller.host, child.caller.port


def _host(config: Config, given: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if given.clips is not None:
        stage = Stage(config, given.clips)
    else:
        port = config.door.port if given.port is None else given.port
        stage = _stage(config, _HOST_FOLDER, port)
    with Host(stage.config, stage.clips) as host:
        asyncio.run(_serve(host))
    return 0


async def _serve(host: Host) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    at = host.daemon.config.door.host
    await serve(
        host.daemon, lambda port: say(f"ready http://{at}:{port}"), stop, host_routes(host)
    )
