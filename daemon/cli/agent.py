"""``yibao-face agent``: the daemon of a user's session, with its window and tray."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from yibao_face.daemon.agent.agent import Agent, ask_to_show
from yibao_face.daemon.agent.lock import take_seat
from yibao_face.daemon.cli.common import CliError, Commands, command, say
from yibao_face.daemon.cli.serve import add_options, announce, site_of
from yibao_face.daemon.config import Config
from yibao_face.daemon.door.client import Caller, ClientError, caller_of
from yibao_face.daemon.life.life import alive, kept
from yibao_face.daemon.wiring import build, mend_inbox
from yibao_face.installer.update.swap.lock import Held

_POLL_S = 2.0


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "agent", "daemon with window and tray / 启动核验服务和界面")
    add_options(parser)
    parser.add_argument("--no-ui", action="store_true", help="without window and tray")
    parser.add_argument("--wait", action="store_true", help="wait where another session serves")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Serve until a signal, the tray's 退出 or a setup's order; 0 where another agent serves."""
    config, file = site_of(given)
    # The seat before the log: two processes must not write the same file.
    with _seat(config, wait=given.wait) as seat:
        return 0 if seat is None else _serve(config, file, given)


def _serve(config: Config, file: Path, given: argparse.Namespace) -> int:
    with kept(config.data, "agent", verbose=given.verbose) as crash, ExitStack() as ended:
        mend_inbox(config)
        daemon = build(config, demo=given.demo)
        # The pulse outlasts the daemon's own end: that may hang, too.
        pulse = ended.enter_context(alive(daemon, crash))
        ended.enter_context(daemon)
        agent = Agent(daemon, file, not given.no_ui, follow=pulse.follow)

        def ready(port: int) -> None:
            announce(config.door.host, port)
            pulse.ready()

        return asyncio.run(agent.run(ready))


@contextmanager
def _seat(config: Config, *, wait: bool) -> Generator[Held | None, None, None]:
    """The right to serve; ``None`` where another agent does and was told so."""
    seat = _taken(config)
    if seat is None and not _shown(config):
        said = "another session serves this computer / 另一用户的会话正在提供核验服务"
        if not wait:
            raise CliError(said)
        say(f"{said}; waiting / 等待其退出")
        while (seat := _taken(config)) is None:
            time.sleep(_POLL_S)
    if seat is None:
        yield None
        return
    with seat:
        yield seat


def _taken(config: Config) -> Held | None:
    """The seat of this data folder, while no agent of another folder answers at the port."""
    try:
        config.data.mkdir(parents=True, exist_ok=True)
        seat = take_seat(config.data)
    except OSError as exc:
        raise CliError(f"the data folder cannot be used: {exc.strerror}") from exc
    if seat is not None and _answers(config):
        seat.close()
        return None
    return seat


def _answers(config: Config) -> bool:
    """Whether a daemon of ours answers at the port already."""
    if config.door.port == 0:
        return False
    try:
        return Caller(config.door.host, config.door.port).health().get("status") == "ok"
    except ClientError:
        return False


def _shown(config: Config) -> bool:
    """Whether the agent of this data folder was asked to show itself."""
    try:
        caller = caller_of(config, clerk=True)
    except ClientError:
        return False
    if not ask_to_show(caller):
        return False
    say("already running; it was asked to show itself / 程序已在运行，已请其显示")
    return True
