"""``yibao-face library``: what the native library must know to trust this daemon."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, say
from yibao_face.daemon.config import Config
from yibao_face.daemon.wiring import reply_signer_of, vault_of

_HOST = "127.0.0.1"
_REGISTRY = (
    "Windows Registry Editor Version 5.00",
    "",
    r"[HKEY_LOCAL_MACHINE\SOFTWARE\yibao-face\library]",
)


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "library", "settings of the native library / 动态库配置")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    shown = actions.add_parser("config", help="what the installer writes for it / 输出配置")
    shown.add_argument("--port", type=int, help="port of the daemon (default: as configured)")
    shown.add_argument("--no-verify", action="store_true", help="let it take unsigned replies")
    shown.add_argument("--registry", action="store_true", help="as a .reg file for Windows")
    shown.set_defaults(run=_config)


def _config(given: argparse.Namespace) -> int:
    settings = settings_of(config_of(given), given.port, verify=not given.no_verify)
    say(registry_text(settings) if given.registry else setting_text(settings))
    return 0


def registry_text(settings: Mapping[str, str]) -> str:
    """A .reg file for Windows."""
    lines = (f'"{name}"="{value}"' for name, value in settings.items())
    return "\n".join([*_REGISTRY, *lines])


def setting_text(settings: Mapping[str, str]) -> str:
    """Lines of library.conf."""
    return "\n".join(f"{name} = {value}" for name, value in settings.items())


def settings_of(config: Config, port: int | None = None, *, verify: bool = True) -> dict[str, str]:
    """Name and value of each; ``port``: instead of the configured one."""
    port = config.door.port if port is None else port
    if not 0 < port < 65536:
        raise CliError("the library needs a port of 1..65535: name it with --port")
    return {
        "daemon": f"{_HOST}:{port}",
        "key": reply_signer_of(vault_of(config)).public_key().hex(),
        "verify": "on" if verify else "off",
    }
