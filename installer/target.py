"""What kinds of packages have in common: a command, the version, a vendor who is believed."""

from __future__ import annotations

import argparse
import configparser
import json
import os
from pathlib import Path
from typing import Protocol

from yibao_face.installer.command import ROOT, PackageError, say

ROOT_VARIABLE = "YIBAO_FACE_VENDOR_ROOT"


class Target(Protocol):
    """One kind of package."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """What this target alone can be told."""
        ...

    def make(self, out: Path, given: argparse.Namespace, /) -> None:
        """Make it in ``out``, and check it if ``given.check``; raises ``PackageError``."""
        ...


def own_version() -> str:
    """Of this checkout."""
    told = configparser.ConfigParser()
    told.read(ROOT / "setup.cfg", "utf-8")
    return told["metadata"]["version"]


def add_root(parser: argparse.ArgumentParser) -> None:
    """``--root``, by which updates are believed at a counter."""
    told = f"the vendor's root.json, for updates (default: ${ROOT_VARIABLE}; none: by package)"
    default = os.environ.get(ROOT_VARIABLE)
    parser.add_argument("--root", type=Path, metavar="FILE", default=default, help=told)


def trust_of(file: Path | None) -> Path | None:
    """The vendor's root that was named, if it is one; raises ``PackageError``."""
    if file is None:
        say("no vendor root (--root): what is installed is updated by package only, and says so")
        return None
    try:
        signed = json.loads(file.read_bytes())["signed"]
        if signed["_type"] == "root":
            return file.resolve()
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise PackageError(f"{file} is no root.json: {type(exc).__name__}") from exc
    raise PackageError(f"{file} is the metadata of {signed['_type']}, not of root")
