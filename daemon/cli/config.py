"""``yibao-face config``: the effective configuration, every key."""

from __future__ import annotations

import argparse

from yibao_face.daemon.cli.common import Commands, command, config_of, say
from yibao_face.daemon.config import to_toml


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "config", "print the effective configuration / 显示当前配置")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print it as TOML that can be fed back."""
    say(to_toml(config_of(given)).rstrip())
    return 0
