"""The frozen program updates itself under Wine, as the scheduled task starts it.

Part of ``package windows --check``. Wine has no task scheduler: the very command line the setup
wrote for it is run here.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import xml.etree.ElementTree as ET
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from frozen_bed import OUT, PACKAGED, Site, answers, called, health, serving, until, whole_setup
from harness import FIRST, ROOT, require
from setup_bed import ROOT_KEY, path, windows
from update_site import Vendor

from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.picture.portraits import load_portrait
from yibao_face.daemon.demo.window.desktop import virtual_desktop
from yibao_face.installer.command import run
from yibao_face.installer.update.swap.switch import Pointer
from yibao_face.installer.update.version import Version
from yibao_face.installer.windows.wine import COMPILER

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not PACKAGED, reason="made and checked by: package windows --check"),
]
GOOD, UNFIT, DYING = Version(0, 9, 1), Version(0, 9, 2), Version(0, 9, 3)
AGENT = ("agent", "--demo")
# As long as a start takes under Wine, and no longer watch than is of use here.
WATCH = "watch_s = 10\nstart_s = 90\nsilence_s = 20\n"


@dataclass(frozen=True, slots=True)
class Counter:
    """A PC with the setup's program, and a stick as drive E."""

    site: Site
    vendor: Vendor
    stick: Path
    first: Version

    @property
    def root(self) -> Path:
        return self.site.machine.program

    def release(self, version: Version) -> Path:
        """A frozen folder that calls itself ``version``."""
        bundle = self.site.machine.held / str(version)
        shutil.copytree(OUT / "work" / "dist" / "yibao-face", bundle, copy_function=os.link)
        [about] = (bundle / "_internal").glob("yibao_face-*.dist-info/METADATA")
        text = about.read_text("utf-8")
        about.unlink()
        old = next(line for line in text.splitlines() if line.startswith("Version: "))
        about.write_text(text.replace(old, f"Version: {version}", 1), "utf-8")
        return bundle

    def insert(self, bundle: Path, version: Version) -> None:
        """Sign it, and put it alone on the stick."""
        self.vendor.publish(bundle, version, Version(0, 0, 1))
        shutil.rmtree(bundle)
        shutil.rmtree(self.stick, ignore_errors=True)
        self.stick.mkdir()
        shutil.move(self.vendor.stick(), self.stick / f"yibao-face-{version}.update")

    def run_task(self) -> tuple[int, str]:
        """What Windows starts every hour: exit code and word."""
        text = (self.root / "update" / "task.xml").read_text("utf-16")
        # Our own text: nobody else's.
        found = ET.fromstring(text.partition("?>")[2])  # noqa: S314
        names = {one.tag.partition("}")[2]: one.text or "" for one in found.iter()}
        began_s = time.monotonic()
        words = [names["Command"], *names["Arguments"].split()]
        done = self.site.machine.wine.call(words, wait_s=900)
        self.site.measured[f"task_{len(self.site.measured)}_s"] = time.monotonic() - began_s
        return done

    def is_now(self, version: Version) -> None:
        """It is named, answers, and lets the right person pass."""
        assert version == Pointer(self.root).current()
        until(lambda: (health() or {}).get("version") == str(version), 120)
        assert 1 == called(self.site, "live-first")

    def tidy(self, *versions: Version) -> None:
        """Nothing lies about but these versions."""
        assert {one.folder for one in versions} == {p.name for p in self.root.glob("app-*")}
        assert not (self.root / "update" / "keeper").exists()
        assert [] == [*self.root.rglob("*.part"), *self.root.glob("current.txt.*")]


@pytest.fixture(scope="module")
def counter(
    tmp_path_factory: pytest.TempPathFactory, home: Config
) -> Generator[Counter, None, None]:
    """Installed by the setup; the agent runs on a desktop nobody sits at."""
    held = tmp_path_factory.mktemp("update")
    machine = windows(ROOT / ".dev" / "windows" / "prefix-update", held)
    machine.wine.kill()
    for folder in (machine.program, machine.data):
        shutil.rmtree(folder, ignore_errors=True)
    machine.wine.call(["reg", "delete", ROOT_KEY, "/f"], wait_s=60)
    for folder_name in ("clip", "HIS"):
        (machine.wine.drive / folder_name).mkdir(exist_ok=True)
    site = Site(machine, {})
    assert 0 == machine.setup(whole_setup(), answers(site), "/NOSTART", wait_s=900)
    vendor = Vendor(held / "vendor", platform="windows-x86_64", preset=0)
    root = (vendor.repository.metadata / "1.root.json").read_bytes()
    (machine.program / "update" / "root.json").write_bytes(root)
    settings = machine.program / "update" / "update.toml"
    text = settings.read_text("utf-8")
    assert "E:" in text
    settings.write_text(text.partition("[watch]")[0] + "[watch]\n" + WATCH, "utf-8")
    letter, stick = machine.wine.prefix / "dosdevices" / "e:", held / "U 盘"
    letter.unlink(missing_ok=True)
    letter.symlink_to(stick)
    made = Counter(site, vendor, stick, Pointer(machine.program).current())
    config = machine.data / "config.toml"
    # Whoever was refused before would have to act.
    config.write_text(config.read_text("utf-8") + '\n[liveness]\nchallenge = "never"\n', "utf-8")
    photos = [held / f"{name}.jpg" for name in ("first-1", "first-3")]
    for photo in photos:
        photo.write_bytes(load_portrait(photo.stem, home.downloads))
    words = ("--id", FIRST, "--name", "ZhangSan", "--photo", *map(path, photos))
    assert 0 == site.run("person", "add", *words)[0]
    with virtual_desktop(1280, 1024) as desktop:
        more = {"DISPLAY": desktop.display}
        with serving(site, *AGENT, program="yibao-face-agent.exe", more=more):
            yield made
    letter.unlink()
    machine.wine.kill()
    (OUT / "measured-update.json").write_text(json.dumps(site.measured, indent=1) + "\n", "ascii")


def test_a_newer_version_on_a_stick_is_taken_watched_and_kept(counter: Counter) -> None:
    counter.is_now(counter.first)
    counter.insert(counter.release(GOOD), GOOD)
    code, told = counter.run_task()

    assert 0 == code, told
    counter.is_now(GOOD)
    counter.tidy(counter.first, GOOD)
    assert str(GOOD) == counter.site.machine.value(ROOT_KEY, "Version")
    # The next hour.
    code, told = counter.run_task()
    assert 0 == code, told
    assert str(GOOD) == (health() or {}).get("version")


def test_one_that_fails_its_self_test_is_left(counter: Counter) -> None:
    bundle = counter.release(UNFIT)
    network = next((bundle / "weights").glob("sface*.onnx"))
    data = bytearray(network.read_bytes())
    data[len(data) // 2] ^= 1
    network.unlink()
    network.write_bytes(data)
    counter.insert(bundle, UNFIT)
    code, told = counter.run_task()

    assert 1 == code, told
    # The console of Wine has no Chinese.
    assert "setup test ended with" in told, told
    counter.is_now(GOOD)
    counter.tidy(counter.first, GOOD)


def test_one_that_dies_after_the_switch_is_rolled_back(counter: Counter) -> None:
    bundle = counter.release(DYING)
    source = counter.site.machine.held / "dies.c"
    source.write_text("int main(void) { return 3; }\n", "ascii")
    agent = bundle / "yibao-face-agent.exe"
    agent.unlink()
    run([require(COMPILER), "-s", "-mwindows", source, "-o", agent])
    counter.insert(bundle, DYING)
    settings = counter.root / "update" / "update.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace("start_s = 90", "start_s = 30"), "utf-8")
    code, told = counter.run_task()

    assert 1 == code, told
    assert f"{DYING} was left again" in told, told
    counter.is_now(GOOD)
    counter.tidy(counter.first, GOOD)
    # The next hour leaves it alone.
    counter.run_task()
    assert GOOD == Pointer(counter.root).current()
