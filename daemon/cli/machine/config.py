"""``yibao-face config``: the effective configuration, every key."""

from __future__ import annotations

import argparse

from yibao_face.daemon.cli.common import Commands, command, config_of, say
from yibao_face.daemon.config import Config, centre_layer, to_toml
from yibao_face.daemon.trust.document import DocumentError


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "config", "print the effective configuration / 显示当前配置")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print it as TOML that can be fed back."""
    config = config_of(given)
    say(to_toml(config).rstrip())
    for line in _centre(config):
        say(f"# {line}")
    return 0


def _centre(config: Config) -> list[str]:
    """What of it the centre laid over the site's own file."""
    try:
        layer = centre_layer(config)
    except DocumentError as exc:
        return [f"中心配置未采用 / configuration of the centre left out: {exc}"]
    if layer is None:
        return []
    keys = ", ".join(sorted(layer.values))
    return [f"中心配置 / of the centre, version {layer.document.version}: {keys}"]
