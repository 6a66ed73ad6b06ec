"""``yibao-face serve``: the resident daemon."""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path

from yibao_face.daemon.cli.common import Commands, command, say
from yibao_face.daemon.config import default_home, load_site
from yibao_face.daemon.console.serve import serve_with_console
from yibao_face.daemon.door.server import stop_on_signals
from yibao_face.daemon.wiring import Daemon, build, mend_inbox

_STARTED_AT = time.monotonic()


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "serve", "run the daemon HIS programs call / 启动核验服务")
    parser.add_argument(
        "--port", type=int, help="instead of the configured port; 0 = any free one"
    )
    parser.add_argument("--demo", action="store_true", help="let recordings pass; marks results")
    parser.add_argument("--verbose", action="store_true", help="log every step")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    logging.basicConfig(
        level=logging.DEBUG if given.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    config = load_site(given.config)
    mend_inbox(config)
    if given.port is not None:
        config = replace(config, door=replace(config.door, port=given.port))
    with build(config, demo=given.demo) as daemon:
        asyncio.run(_serve(daemon, given.config or default_home() / "config.toml"))
    return 0


async def _serve(daemon: Daemon, config_file: Path) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    host = daemon.config.door.host
    await serve_with_console(daemon, lambda port: _announce(host, port), stop, config_file)


def _announce(host: str, port: int) -> None:
    say(f"ready http://{host}:{port} after {time.monotonic() - _STARTED_AT:.2f} s")
