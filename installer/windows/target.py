"""Setup programs for Windows x64: whole, library alone, MSI."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from yibao_face.installer.bundle.freeze import NAME
from yibao_face.installer.command import ROOT, PackageError, run, say
from yibao_face.installer.target import add_root, own_version, trust_of
from yibao_face.installer.windows.audit import floor_of, needs
from yibao_face.installer.windows.bundle import freeze
from yibao_face.installer.windows.msi import compile_msi
from yibao_face.installer.windows.nsis import (
    COMPRESSION,
    Payload,
    compile_setup,
    compile_shim_setup,
)
from yibao_face.installer.windows.resource import compile_launchers, write_icon
from yibao_face.installer.windows.sign import sign

# What builds share, as downloads, Wine and PyInstaller's analysis.
HELD = ROOT / ".dev" / "windows"
_CHECKS, _CHECK_S = ("package", "trouble", "token", "power", "update"), 5400.0
_LIBRARIES = ("x64", "x86-stdcall", "x86-cdecl")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What need not be made anew, and how hard to squeeze."""
    parser.add_argument("--bundle", type=Path, help="frozen folder to pack (default: freeze anew)")
    add_root(parser)
    told = "small: as released; quick: a third larger, in a fifth of the time"
    parser.add_argument("--compression", choices=tuple(COMPRESSION), default="small", help=told)


def make(out: Path, given: argparse.Namespace) -> None:
    """Make the three setups in ``out``; with ``--check`` install and run them under Wine."""
    version = own_version()
    bundle: Path = given.bundle or freeze(out / "work", HELD, version)
    payload = replace(pack(out / "work", bundle.resolve(), version), trust=trust_of(given.root))
    setups = [
        compile_setup(
            out / f"{NAME}-{version}-x64-setup.exe", version, payload, given.compression
        ),
        compile_shim_setup(
            out / f"{NAME}-library-{version}-setup.exe", version, payload, "x86-unicode"
        ),
    ]
    sign(setups)
    msi = compile_msi(out / f"{NAME}-{version}-x64.msi", version, setups[0], HELD / "msi")
    sign([msi])
    setups.append(msi)
    told(setups)
    say(f"oldest Windows of the program: {floor_of(needs(bundle))}")
    say(f"oldest Windows of the library: {floor_of(needs(payload.shims))}")
    if given.check:
        check(out)


def check(out: Path) -> None:
    """Install, call, upgrade, update, go back, uninstall what is in ``out``; ``PackageError``."""
    folder = ROOT / "tests" / "installer"
    tests = [folder / f"test_windows_{name}.py" for name in _CHECKS]
    more = {"YIBAO_FACE_PACKAGED": str(out), "YIBAO_FACE_TOOLCHAIN": "required"}
    words: list[str | Path] = [sys.executable, "-m", "pytest", "-q", "-rA", "--no-header", *tests]
    say(run(words, more=more, timeout_s=_CHECK_S))


def pack(work: Path, bundle: Path, version: str) -> Payload:
    """What goes into a setup, signed where there is a key; raises ``PackageError``."""
    if not (bundle / f"{NAME}.exe").is_file():
        raise PackageError(f"{bundle} is no frozen program for Windows")
    launchers, shims = work / "launcher", work / "shim"
    compile_launchers(launchers, work / "resource", version)
    shutil.rmtree(shims, ignore_errors=True)
    built = work / "library"
    run(
        [sys.executable, ROOT / "shim" / "build.py", "native", "--only", "windows", "--out", built]
    )
    for name in _LIBRARIES:
        shutil.copytree(built / name, shims / name)
    own = [*bundle.glob("*.exe"), *launchers.glob("*.exe"), *shims.rglob("*.dll")]
    sign([*own, *shims.rglob("*.exe")])
    write_sums(shims, bundle / "shim")
    return Payload(bundle, launchers, shims, write_icon(work / "resource"))


def write_sums(shims: Path, folder: Path) -> None:
    """``SHA256SUMS`` of the libraries in ``shims``, by which ``doctor`` knows those of a HIS."""
    folder.mkdir(exist_ok=True)
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(shims).as_posix()}\n"
        for file in sorted(shims.rglob("*.dll"))
    ]
    (folder / "SHA256SUMS").write_text("".join(lines), "ascii")


def told(files: Iterable[Path]) -> None:
    """Name, size and hash of each."""
    for file in files:
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        say(f"{file.name} {file.stat().st_size / 1e6:.1f} MB sha256 {digest}")
