"""Puts a .deb through everything a counter PC may do to it, in Debians made for that.

Needs root, debootstrap and a Debian mirror for those Debians; the program itself has no network.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yibao_face.installer.command import say
from yibao_face.installer.linux.deb import build_deb
from yibao_face.installer.linux.depend import Needs
from yibao_face.installer.linux.tree import Parts, stage
from yibao_face.installer.linux.trial.bad import meet_bad_machines
from yibao_face.installer.linux.trial.boot import SYSTEMD, booted
from yibao_face.installer.linux.trial.life import demo_files, live_through
from yibao_face.installer.linux.trial.room import Room, debootstrapped
from yibao_face.installer.linux.trial.update import serve_and_update
from yibao_face.installer.linux.trial.vendor import as_version, make_vendor, next_version


@dataclass(frozen=True, slots=True)
class Made:
    """What was packed, and of what. ``archive``: ``None`` where only the .deb was made."""

    deb: Path
    archive: Path | None
    bundle: Path
    parts: Parts
    needs: Needs
    version: str


def check_made(made: Made, work: Path) -> None:
    """Each part in a fresh Debian; raises ``PackageError``."""
    deb, archive, version = made.deb, made.archive, made.version
    work.mkdir(parents=True, exist_ok=True)
    base = debootstrapped(work.parent / "bookworm", made.needs.depends)
    everyday = (*made.needs.depends, *SYSTEMD)
    whole = debootstrapped(work.parent / "bookworm-systemd", everyday)
    second = build_newer(made, work)
    demo = demo_files(work / "demo")
    with Room(base, work / "room") as room, told("installed, called, upgraded, removed, purged"):
        room.take(deb, second, *demo)
        live_through(room, deb.name, version, second.name, next_version(version))
    with Room(base, work / "room") as room, told("bad machines"):
        room.take(deb, *([archive] if archive else []))
        meet_bad_machines(room, deb.name, archive.name if archive else None)
    vendor = make_vendor(made.bundle, version, made.parts, work)
    with Room(whole, work / "room") as room, booted(room), told("served and updated by systemd"):
        room.take(deb, *demo)
        serve_and_update(room, deb.name, version, vendor)


def build_newer(made: Made, work: Path) -> Path:
    """The same program as the version after it; not squeezed, it is used once."""
    newer = next_version(made.version)
    renamed = as_version(made.bundle, newer, made.parts, work / "newer")
    tree = work / "tree"
    stage(renamed, newer, tree, made.parts)
    deb = build_deb(tree, newer, made.needs, work, preset=None)
    shutil.rmtree(tree)
    shutil.rmtree(renamed)
    return deb


@contextmanager
def told(what: str) -> Generator[None, None, None]:
    """Says how long a part took."""
    say(f"{what}:")
    began_s = time.monotonic()
    yield
    say(f"{what}: all so, after {time.monotonic() - began_s:.0f} s")
