"""Installs a .deb in a Debian with nothing but what ``Depends`` names, and lives through its life.

Needs root, debootstrap and a Debian mirror for that Debian; the program itself has no network.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from yibao_face.installer.command import PackageError, run, say
from yibao_face.installer.linux.deb import build_deb
from yibao_face.installer.linux.depend import Needs
from yibao_face.installer.linux.room import Room, debootstrapped
from yibao_face.installer.linux.tree import stage

PERSON = "320101194202156744"
_PORTRAIT = """
import sys
from pathlib import Path
from yibao_face.daemon.demo.portraits import load_portrait
Path(sys.argv[2]).write_bytes(load_portrait("first-1", Path(sys.argv[1])))
"""
CONFIG = "etc/yibao-face/config.toml"
UNITS = ("system/yibao-face.service", "system/yibao-face-link.service")
# systemd's own measure of exposure, 0 (none) to 10; more is a rule that was lost.
MOST_EXPOSED = 2.5


def check_deb(deb: Path, bundle: Path, needs: Needs, version: str, work: Path) -> None:
    """Install, run, call, upgrade, remove, purge; raises ``PackageError``."""
    base = debootstrapped(work.parent / "bookworm", needs.depends)
    newer = next_version(version)
    second = build_newer(bundle, needs, newer, work)
    with Room(base, work / "room") as room:
        room.take(deb, second, *demo_files(work / "demo"))
        install(room, deb.name, version)
        examine_units(room)
        answer_call(room)
        upgrade(room, second.name, version, newer)
        take_away(room)
    say("installed, called, upgraded, removed and purged in a fresh Debian")


def next_version(version: str) -> str:
    """The one after it: 0.1.0 → 0.1.1."""
    *first, last = version.split(".")
    return ".".join([*first, str(int(last) + 1)])


def build_newer(bundle: Path, needs: Needs, newer: str, work: Path) -> Path:
    """The same program that calls itself ``newer``; not squeezed, it is used once."""
    tree = work / "tree"
    stage(bundle, newer, tree, None)
    app = tree / "opt" / "yibao-face" / f"app-{newer}"
    [told] = app.glob("_internal/yibao_face*-info/METADATA")
    lines = told.read_text("utf-8").splitlines(keepends=True)
    # Staged by hard links: a new file, lest the bundle's changes.
    told.unlink()
    told.write_text(
        "".join(f"Version: {newer}\n" if line.startswith("Version:") else line for line in lines)
    )
    deb = build_deb(tree, newer, needs, work, preset=None)
    shutil.rmtree(tree)
    return deb


def install(room: Room, name: str, version: str) -> None:
    """A wrong answer changes nothing; then with the right ones."""
    room.write("etc/yibao-face/answer.ini", "[install]\nautostart = sometimes\n")
    refused(lambda: room.run(f"dpkg -i /{name}"), "64")
    expect(not room.exists("opt/yibao-face"), "a refused installation leaves nothing")
    room.write(
        "etc/yibao-face/answer.ini",
        "[install]\norg_code = H44010000001\ncamera = replay:/clip.rgbd\nautostart = service\n",
    )
    room.run(f"dpkg -i /{name}")
    expect(version in room.run("yibao-face --version"), "the command tells its version")
    expect("ok" in room.run("yibao-face models verify"), "the networks are whole")
    expect("H44010000001" in room.read(CONFIG), "the answers are in the configuration")


def examine_units(room: Room) -> None:
    """How much each could do, by systemd's own measure; none is started."""
    for unit in UNITS:
        file = room.path / "usr/lib/systemd" / unit
        limit = f"--threshold={int(MOST_EXPOSED * 10)}"
        told = run(["systemd-analyze", "security", "--offline=yes", limit, file])
        say(f"  {told.strip().splitlines()[-1].strip()}")


def answer_call(room: Room) -> None:
    """Served as the service would, and HIS calls to it: of the person there, and of another."""
    serve = "yibao-face serve --demo --config /etc/yibao-face/config.toml"
    began = time.monotonic()
    with room.serving("yibao-face", serve):
        say(f"  ready after {time.monotonic() - began:.1f} s, {room.memory_mb():.0f} MB resident")
        named = f"--id {PERSON} --name 演示"
        room.run(f"yibao-face person add {named} --photo /portrait.jpg", user="yibao-face")
        told = room.run(f"yibao-face verify {named}", user="yibao-face")
        expect('"code": 1' in told, f"a HIS call is answered: {told.strip()[:60]}")
    said = refused(lambda: room.run(f"yibao-face verify {named}", user="yibao-face"), "1")
    expect("ready" not in said, "without the service a call fails in one line")


def demo_files(to: Path) -> tuple[Path, Path]:
    """A recording made here and the portrait it was made of; nothing of them is in a package."""
    clip, portrait = to / "clip.rgbd", to / "portrait.jpg"
    to.mkdir(parents=True, exist_ok=True)
    home = {"YIBAO_FACE_HOME": str(to / "home")}
    if not clip.is_file() or not portrait.is_file():
        daemon = (sys.executable, "-m", "yibao_face.daemon")
        run([*daemon, "models", "install"], more=home)
        run([*daemon, "clip", "make", "--out", str(to / "clips")], more=home)
        run([sys.executable, "-c", _PORTRAIT, to / "home" / "downloads", portrait])
        shutil.copyfile(to / "clips" / "live-first.rgbd", clip)
    return clip, portrait


def upgrade(room: Room, name: str, version: str, newer: str) -> None:
    """Data and an edited configuration stay; the version before stays to go back to."""
    room.write(CONFIG, room.read(CONFIG) + "\n# 现场修改\n")
    room.write("var/lib/yibao-face/kept", "a record")
    room.run(f"dpkg -i /{name}")
    expect(newer in room.run("yibao-face --version"), "the newer version runs")
    expect("现场修改" in room.read(CONFIG), "the edited configuration stays")
    expect(room.exists("var/lib/yibao-face/kept"), "data stay")
    former = room.run(f"/opt/yibao-face/app-{version}/yibao-face --version")
    expect(version in former, "the former version is kept and runs")


def take_away(room: Room) -> None:
    """Removing keeps settings and records; purging leaves nothing."""
    room.run("dpkg -r yibao-face")
    expect(not room.exists("opt/yibao-face"), "the program is gone")
    expect(room.exists("var/lib/yibao-face/kept"), "records stay")
    expect(room.exists(CONFIG), "settings stay")
    room.run("dpkg -P yibao-face")
    left = [
        p for p in ("opt/yibao-face", "etc/yibao-face", "var/lib/yibao-face") if room.exists(p)
    ]
    expect(not left, f"nothing is left: {left}")
    expect("yibao-face" not in room.read("etc/passwd"), "the user is gone")


def expect(holds: bool, what: str) -> None:
    """One line of the report, or the end of it."""
    if not holds:
        raise PackageError(f"not so: {what}")
    say(f"  {what}")


def refused(work: Callable[[], str], code: str) -> str:
    """What it says while it ends with this status, by its own word or dpkg's."""
    try:
        work()
    except PackageError as exc:
        said = str(exc)
        expect(f"exit status {code}" in said or f"exit {code}:" in said, f"refused with {code}")
        return said
    raise PackageError(f"was not refused with {code}")
