"""The files of the package, where they lie on the machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from yibao_face.installer.command import ROOT, PackageError, run

HERE = Path(__file__).resolve().parent
SCRIPTS, SYSTEM = HERE / "script", HERE / "system"
# Where each file of ours goes; mode 0755 where it is a program.
PLACES = {
    SCRIPTS / "yibao-face": "usr/bin/yibao-face",
    SYSTEM / "yibao-face.service": "usr/lib/systemd/system/yibao-face.service",
    SYSTEM / "yibao-face-link.service": "usr/lib/systemd/system/yibao-face-link.service",
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


def stage(bundle: Path, version: str, tree: Path, library: Path | None) -> None:
    """Lay ``bundle`` and our files out below ``tree``, hard-linked where the disk lets us.

    ``library``: libHisCallFace.so, if it was built.
    """
    if tree.exists():
        shutil.rmtree(tree)
    app = tree / "opt" / "yibao-face" / f"app-{version}"
    shutil.copytree(bundle, app, symlinks=True, copy_function=link_or_copy)
    if not (app / "yibao-face").is_file():
        raise PackageError(f"{bundle} holds no program yibao-face")
    for source, place in PLACES.items():
        put(source, tree / place)
    put(SCRIPTS / "session", app / "setup" / "session")
    if library:
        put(library, app / "lib" / "libHisCallFace.so")
    for name in ("install", "uninstall"):
        write_script(app / "setup" / f"{name}.sh", f"{name}.sh", version, tree)
    # In the archive's root, where one looks for it; the package leaves it out.
    for path in [tree, *tree.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def link_or_copy(source: str, to: str) -> str:
    """As ``shutil.copy2``, without a second copy of hundreds of megabytes."""
    try:
        os.link(source, to)
    except OSError:
        shutil.copy2(source, to)
    return to


def put(source: Path, to: Path) -> None:
    """Copy with the mode that fits: programs begin with ``#!``."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, to)
    to.chmod(0o755 if source.read_bytes().startswith(b"#!") else 0o644)


def write_script(to: Path, name: str, version: str, tree: Path) -> None:
    """A script of ours with what it shares with the others before it."""
    shared = (SCRIPTS / "setup.sh").read_text("utf-8")
    own = (SCRIPTS / name).read_text("utf-8").replace("@SYSTEM_FILES@", "\n".join(PLACES.values()))
    head = f"#!/bin/sh\nset -eu\nVERSION={version}\nNEED_KB={size_kb(tree) + SPARE_KB}\n\n"
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(f"{head}{shared}\n{own}", "utf-8")
    to.chmod(0o755)
    run(["sh", "-n", to])


def size_kb(tree: Path) -> int:
    """On disk, as Debian's Installed-Size counts."""
    files = (path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    return sum((path.stat().st_size + 1023) // 1024 for path in files)
