"""The files of the package, where they lie on the machine."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from yibao_face.installer.command import ROOT, PackageError, run

HERE = Path(__file__).resolve().parent
SCRIPTS, SYSTEM = HERE / "script", HERE / "system"
# Where each file of ours goes; mode 0755 where it is a program.
PLACES = {
    SCRIPTS / "yibao-face": "usr/bin/yibao-face",
    SYSTEM / "yibao-face.service": "usr/lib/systemd/system/yibao-face.service",
    SYSTEM / "yibao-face-link.service": "usr/lib/systemd/system/yibao-face-link.service",
    SYSTEM / "yibao-face-update.service": "usr/lib/systemd/system/yibao-face-update.service",
    SYSTEM / "yibao-face-update.timer": "usr/lib/systemd/system/yibao-face-update.timer",
    SYSTEM / "yibao-face-agent.service": "usr/lib/systemd/user/yibao-face-agent.service",
    ROOT / "drivers" / "70-yibao-face.rules": "usr/lib/udev/rules.d/70-yibao-face.rules",
    SYSTEM / "yibao-face-autostart.desktop": "etc/xdg/autostart/yibao-face.desktop",
    SYSTEM / "yibao-face.desktop": "usr/share/applications/yibao-face.desktop",
    SYSTEM / "yibao-face-console.desktop": "usr/share/applications/yibao-face-console.desktop",
    SYSTEM / "answer.ini": "usr/share/doc/yibao-face/answer.ini",
    ROOT / "LICENSE": "usr/share/doc/yibao-face/copyright",
}
CONFFILES = ("/etc/xdg/autostart/yibao-face.desktop",)
# Room for the kept version's difference, records of a first day and the program itself.
SPARE_KB = 200_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What is laid beside the frozen folder. ``launcher``: starts the version that is in use.

    ``shims``: the folder ``shim/build.py`` fills. ``root``: the vendor's root metadata; without it
    new versions come by package alone.
    """

    launcher: Path
    shims: Path | None = None
    root: Path | None = None


def stage(bundle: Path, version: str, tree: Path, parts: Parts) -> Path:
    """Lay ``bundle``, filled, and our files out below ``tree``; the version's folder in it.

    Hard-linked, where the disk lets us.
    """
    if tree.exists():
        shutil.rmtree(tree)
    opt = tree / "opt" / "yibao-face"
    app = opt / f"app-{version}"
    shutil.copytree(bundle, app, symlinks=True, copy_function=link_or_copy)
    if not (app / "yibao-face").is_file():
        raise PackageError(f"{bundle} holds no program yibao-face")
    for source, place in PLACES.items():
        put(source, tree / place)
    put(parts.launcher, opt / "yibao-face")
    if parts.root:
        put(parts.root, opt / "update" / "root.json")
    for path in [tree, *tree.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    return app


def fill(bundle: Path, version: str, parts: Parts) -> None:
    """Put what of ours belongs to a version into the frozen folder: so it is in every package and
    in every update file that is made of it.
    """
    setup = bundle / "setup"
    for name in ("session", "serving"):
        put(SCRIPTS / name, setup / name)
    put(SYSTEM / "update.toml", setup / "update.toml")
    if parts.shims:
        shutil.rmtree(bundle / "shim", ignore_errors=True)
        shutil.copytree(parts.shims, bundle / "shim")
    for name in ("install", "uninstall"):
        write_script(setup / f"{name}.sh", f"{name}.sh", version, bundle)


def link_or_copy(source: str, to: str) -> str:
    """As ``shutil.copy2``, without a second copy of hundreds of megabytes."""
    try:
        os.link(source, to)
    except OSError:
        shutil.copy2(source, to)
    return to


def put(source: Path, to: Path) -> None:
    """Copy with the mode that fits: programs begin with ``#!`` or are for the machine."""
    to.parent.mkdir(parents=True, exist_ok=True)
    # A new file: the one that is there may be linked into another tree.
    to.unlink(missing_ok=True)
    shutil.copyfile(source, to)
    to.chmod(0o755 if source.read_bytes().startswith((b"#!", b"\x7fELF")) else 0o644)


def write_script(to: Path, name: str, version: str, tree: Path) -> None:
    """A script of ours with what it shares with the others before it."""
    shared = (SCRIPTS / "setup.sh").read_text("utf-8")
    own = (SCRIPTS / name).read_text("utf-8").replace("@SYSTEM_FILES@", "\n".join(PLACES.values()))
    head = f"#!/bin/sh\nset -eu\nVERSION={version}\nNEED_KB={size_kb(tree) + SPARE_KB}\n\n"
    to.parent.mkdir(parents=True, exist_ok=True)
    to.unlink(missing_ok=True)
    to.write_text(f"{head}{shared}\n{own}", "utf-8")
    to.chmod(0o755)
    run(["sh", "-n", to])


def size_kb(tree: Path) -> int:
    """On disk, as Debian's Installed-Size counts."""
    files = (path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    return sum((path.stat().st_size + 1023) // 1024 for path in files)
