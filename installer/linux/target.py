"""A .deb and a tar.xz for Linux on x86-64."""

from __future__ import annotations

import argparse
from pathlib import Path

from yibao_face.installer.bundle.freeze import freeze
from yibao_face.installer.command import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A bundle that is there need not be frozen again."""
    parser.add_argument("--bundle", type=Path, help="frozen folder to pack (default: freeze anew)")


def make(out: Path, given: argparse.Namespace) -> None:
    """Freeze, unless a bundle is given."""
    bundle: Path = given.bundle or freeze(out / "work")
    say(str(bundle))
