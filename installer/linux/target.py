"""A .deb and a tar.xz for Linux on x86-64."""

from __future__ import annotations

import argparse
import configparser
import shutil
import sys
from pathlib import Path

from yibao_face.installer.bundle.freeze import freeze
from yibao_face.installer.command import ROOT, run, say
from yibao_face.installer.linux.check import check_deb
from yibao_face.installer.linux.deb import build_archive, build_deb
from yibao_face.installer.linux.depend import needs_of
from yibao_face.installer.linux.tree import size_kb, stage

MB = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A bundle that is there need not be frozen again."""
    parser.add_argument("--bundle", type=Path, help="frozen folder to pack (default: freeze anew)")
    parser.add_argument("--preset", type=int, default=9, help="of xz, 0..9 (default: 9)")
    parser.add_argument("--no-archive", action="store_true", help="the .deb alone")


def make(out: Path, given: argparse.Namespace) -> None:
    """Freeze, lay out, pack; then, if asked, install in a fresh Debian and run it there."""
    version = own_version()
    bundle: Path = given.bundle or freeze(out / "work")
    needs = needs_of(bundle)
    say(f"glibc {needs.glibc}; depends: {', '.join(needs.depends)}")
    tree = out / "work" / "tree"
    stage(bundle, version, tree, build_library(out / "work" / "library"))
    say(f"installed {size_kb(tree) / 1000:.0f} MB")
    made = [build_deb(tree, version, needs, out, preset=given.preset)]
    if not given.no_archive:
        made.append(build_archive(tree, version, out, preset=given.preset))
    for file in made:
        say(f"{file}: {file.stat().st_size / MB:.1f} MB")
    if given.check:
        check_deb(made[0], tree, needs, version, out / "work" / "check")
    shutil.rmtree(tree)


def own_version() -> str:
    """Of this checkout."""
    told = configparser.ConfigParser()
    told.read(ROOT / "setup.cfg", "utf-8")
    return told["metadata"]["version"]


def build_library(to: Path) -> Path | None:
    """libHisCallFace.so, where the compiler is; HIS programs without it call by HTTP."""
    if shutil.which("gcc") is None:
        say("no gcc: packed without libHisCallFace.so")
        return None
    run([sys.executable, ROOT / "shim" / "build.py", "native", "--only", "linux", "--out", to])
    found = sorted(to.rglob("libHisCallFace.so"))
    return found[0] if found else None
