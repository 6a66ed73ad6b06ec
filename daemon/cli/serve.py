"""``yibao-face serve``: the resident daemon."""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from yibao_face.daemon.cli.common import Commands, command, say
from yibao_face.daemon.config import Config, default_home, load_site
from yibao_face.daemon.console.serve import serve_with_console
from yibao_face.daemon.door.server import stop_on_signals
from yibao_face.daemon.door.stop import Stop
from yibao_face.daemon.life.life import alive, kept
from yibao_face.daemon.life.pulse import Pulse
from yibao_face.daemon.wiring import Daemon, build, mend_inbox

_STARTED_AT = time.monotonic()


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "serve", "run the daemon HIS programs call / 启动核验服务")
    add_options(parser)
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """What every command that serves understands."""
    parser.add_argument(
        "--port", type=int, help="instead of the configured port; 0 = any free one"
    )
    parser.add_argument("--demo", action="store_true", help="let recordings pass; marks results")
    parser.add_argument("--verbose", action="store_true", help="log every step")


def site_of(given: argparse.Namespace) -> tuple[Config, Path]:
    """The site's configuration with the port that was given, and the file it may be changed in."""
    config = load_site(given.config)
    if given.port is not None:
        config = replace(config, door=replace(config.door, port=given.port))
    return config, given.config or default_home() / "config.toml"


def run(given: argparse.Namespace) -> int:
    """Serve until SIGINT, SIGTERM or the order of a setup."""
    config, file = site_of(given)
    with kept(config.data, "serve", verbose=given.verbose) as crash:
        mend_inbox(config)
        # The pulse outlasts the daemon's own end: that may hang, too.
        with ExitStack() as ended:
            daemon = build(config, demo=given.demo)
            pulse = ended.enter_context(alive(daemon, crash))
            ended.enter_context(daemon)
            return asyncio.run(_serve(daemon, file, pulse))


async def _serve(daemon: Daemon, config_file: Path, pulse: Pulse) -> int:
    stop = Stop()
    stop_on_signals(stop)
    pulse.follow(asyncio.get_running_loop(), stop)
    host = daemon.config.door.host

    def ready(port: int) -> None:
        announce(host, port)
        pulse.ready()

    await serve_with_console(daemon, ready, stop, config_file)
    return stop.exit_code


def announce(host: str, port: int) -> None:
    """The line whoever started it waits for."""
    say(f"ready http://{host}:{port} after {time.monotonic() - _STARTED_AT:.2f} s")
