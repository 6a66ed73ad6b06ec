"""One package from its installation to its end, where nothing is but what ``Depends`` names."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from yibao_face.installer.command import run, say
from yibao_face.installer.linux.trial.room import Room
from yibao_face.installer.linux.trial.word import expect, refused

PERSON = "320101194202156744"
_PORTRAIT = """
import sys
from pathlib import Path
from yibao_face.daemon.demo.picture.portraits import load_portrait
Path(sys.argv[2]).write_bytes(load_portrait("first-1", Path(sys.argv[1])))
"""
CONFIG = "etc/yibao-face/config.toml"


def live_through(room: Room, name: str, version: str, second: str, newer: str) -> None:
    """Install, run, call, upgrade, remove, purge; raises ``PackageError``. ``name``, ``second``:
    of the packages in the room; ``newer``: version of the second.
    """
    install(room, name, version)
    answer_call(room)
    upgrade(room, second, version, newer)
    take_away(room)


def install(room: Room, name: str, version: str) -> None:
    """With the answers of a usual counter."""
    room.write(
        "etc/yibao-face/answer.ini",
        "[install]\norg_code = H44010000001\ncamera = replay:/clip.rgbd\nautostart = service\n",
    )
    room.run(f"dpkg -i /{name}")
    expect(version in room.run("yibao-face --version"), "the command tells its version")
    expect("ok" in room.run("yibao-face models verify"), "the networks are whole")
    expect("H44010000001" in room.read(CONFIG), "the answers are in the configuration")
    trusted = "etc/yibao-face/library.conf"
    expect("key = " in room.read(trusted), "the library is told which daemon to trust")


def answer_call(room: Room) -> None:
    """Served as the service would, and HIS calls to it: of the person there, and of another."""
    serve = "yibao-face serve --demo --config /etc/yibao-face/config.toml"
    for kind in ("first", "second"):
        began = time.monotonic()
        with room.serving("yibao-face", serve):
            took_s = time.monotonic() - began
            say(f"  {kind} start: ready after {took_s:.2f} s, {room.memory_mb():.0f} MB resident")
    with room.serving("yibao-face", serve):
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
    told = room.run("yibao-face update status")
    expect(f"go back to: {version}" in told, "the updater knows the former version")
    expect("no vendor root" in told, "without a vendor root it says so")


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
