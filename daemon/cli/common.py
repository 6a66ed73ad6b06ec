"""What the commands share: options, output, and the error that ends one in a line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TypeAlias

from yibao_face.daemon.config import Config, load_config

# argparse has no public name for what add_subparsers returns.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]


class CliError(Exception):
    """The command cannot be carried out; the message is the one line the user reads."""


def command(commands: Commands, name: str, help_: str) -> argparse.ArgumentParser:
    """A sub-command with the options all have."""
    parser = commands.add_parser(name, help=help_, description=help_)
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration (default: config.toml at home)"
    )
    return parser


def config_of(given: argparse.Namespace) -> Config:
    """The configuration the user named, or the default one."""
    return load_config(given.config)


def say(text: str) -> None:
    """One line for the user, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def read_file(path: Path) -> bytes:
    """The bytes of ``path``; ``CliError`` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as exc:
        raise CliError(f"{path.name} cannot be read: {exc.strerror}") from exc


def write_file(path: Path, text: str) -> None:
    """Write ``text`` to ``path``; ``CliError`` when that cannot be."""
    try:
        path.write_text(text, "utf-8")
    except OSError as exc:
        raise CliError(f"{path.name} cannot be written: {exc.strerror}") from exc
