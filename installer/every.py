"""Every kind: Linux's packages in ``OUT/linux``, Windows' setups in ``OUT/windows``."""

from __future__ import annotations

import argparse
from pathlib import Path

from yibao_face.installer.linux import target as linux
from yibao_face.installer.target import Target, add_root
from yibao_face.installer.windows import target as windows

KINDS: dict[str, Target] = {"linux": linux, "windows": windows}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What all of them are told alike; each is made anew and squeezed as for a release."""
    add_root(parser)


def make(out: Path, given: argparse.Namespace) -> None:
    """One after the other; the first that fails ends it with its ``PackageError``."""
    for name, kind in KINDS.items():
        own = out / name
        own.mkdir(exist_ok=True)
        kind.make(own, options_of(kind, given))


def options_of(kind: Target, given: argparse.Namespace) -> argparse.Namespace:
    """``given`` in the words of one kind."""
    parser = argparse.ArgumentParser()
    kind.add_arguments(parser)
    options = parser.parse_args(["--root", str(given.root)] if given.root else [])
    options.check = given.check
    return options
