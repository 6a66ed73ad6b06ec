"""A .deb and a tar.xz for Linux on x86-64."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from yibao_face.installer.bundle.freeze import freeze
from yibao_face.installer.command import ROOT, run, say
from yibao_face.installer.linux.deb import build_archive, build_deb
from yibao_face.installer.linux.depend import needs_of
from yibao_face.installer.linux.tree import Parts, fill, size_kb, stage
from yibao_face.installer.linux.trial.check import Made, check_made
from yibao_face.installer.target import add_root, own_version, trust_of
from yibao_face.installer.update.swap.launcher import build_launcher

MB = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A bundle that is there need not be frozen again."""
    parser.add_argument("--bundle", type=Path, help="frozen folder to pack (default: freeze anew)")
    parser.add_argument("--preset", type=int, default=9, help="of xz, 0..9 (default: 9)")
    add_root(parser)
    parser.add_argument("--no-archive", action="store_true", help="the .deb alone")


def make(out: Path, given: argparse.Namespace) -> None:
    """Freeze, lay out, pack; then, if asked, install in a fresh Debian and run it there."""
    version = own_version()
    bundle: Path = given.bundle or freeze(out / "work")
    tree, parts = out / "work" / "tree", parts_of(out / "work", given.root)
    fill(bundle, version, parts)
    needs = needs_of(bundle, parts.launcher)
    say(f"glibc {needs.glibc}; depends: {', '.join(needs.depends)}")
    stage(bundle, version, tree, parts)
    say(f"installed {size_kb(tree) / 1000:.0f} MB")
    made = [build_deb(tree, version, needs, out, preset=given.preset)]
    if not given.no_archive:
        made.append(build_archive(made[0], bundle, version, out))
    say(f"to release as an update: {bundle}")
    for file in made:
        say(f"{file}: {file.stat().st_size / MB:.1f} MB")
    if given.check:
        archive = made[1] if made[1:] else None
        whole = Made(made[0], archive, bundle, parts, needs, version)
        check_made(whole, out / "work" / "check")
    shutil.rmtree(tree)


def parts_of(work: Path, root: Path | None) -> Parts:
    """What lies beside the frozen folder; raises ``PackageError``."""
    trusted = trust_of(root)
    work.mkdir(parents=True, exist_ok=True)
    launcher = build_launcher(work / "yibao-face")
    return Parts(launcher, build_shims(work / "shim"), trusted)


def build_shims(to: Path) -> Path:
    """The library for HIS programs of this system, and of Windows where its compilers are, with
    their SHA256SUMS; the doctor compares those in a HIS folder with them.
    """
    crossed = all(shutil.which(f"{machine}-w64-mingw32-gcc") for machine in ("i686", "x86_64"))
    only = [] if crossed else ["--only", "linux"]
    if only:
        say("no mingw: packed without the libraries for Windows")
    shutil.rmtree(to, ignore_errors=True)
    run([sys.executable, ROOT / "shim" / "build.py", "native", *only, "--out", to])
    return to
