"""The power fails, or the disk is full, at any step: the version that ran serves on.

A power failure is SIGKILL here: what the disk itself had not written is not simulated.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import ROOT, lacking, require
from update_site import NEW, OLD, Counter, Vendor, cut_off

from yibao_face.installer.update.decision import Watch
from yibao_face.installer.update.fault import UnusableError, UpdateError
from yibao_face.installer.update.state import Step
from yibao_face.installer.update.swap.hands import ask
from yibao_face.installer.update.updater import LEAVING, SWITCHING, TAKING

AFTER_COMMIT = ("sweep",)


def boot(counter: Counter) -> None:
    """After the power came back: what the launcher does, then the start."""
    counter.stop()
    if counter.place.keeper.exists():
        keeper = counter.place.keeper.read_text("ascii").strip()
        assert (counter.root / keeper / "yibao-face").exists()
        counter.updater().resume(restart=False)
    counter.start()


def serves(counter: Counter, version: str) -> None:
    assert version == counter.answers()
    assert b"records" == (counter.data / "queue.db").read_bytes()
    program = counter.place.app(counter.current) / "yibao-face"
    assert (
        f"yibao-face {version}" == subprocess.check_output([program, "--version"]).decode().strip()
    )


def completes(counter: Counter, vendor: Vendor) -> None:
    """What was cut off does no harm to the next try."""
    updater = counter.updater()
    updater.take(vendor.stick())
    assert NEW == updater.apply()
    serves(counter, "1.1.0")
    assert {counter.place.app(v).name for v in (OLD, NEW)} == {
        name for name in counter.folders() if name.startswith("app-")
    }
    assert not counter.place.keeper.exists()
    assert [] == list(counter.root.rglob("*.part"))


@pytest.mark.parametrize("step", TAKING)
def test_cut_off_while_taking_in(vendor: Vendor, counter: Counter, step: str) -> None:
    vendor.release()
    stick = vendor.stick()

    assert cut_off(lambda at: counter.updater(at).take(stick), step)
    boot(counter)
    serves(counter, "1.0.0")
    assert OLD == counter.current
    completes(counter, vendor)


@pytest.mark.parametrize("step", SWITCHING)
def test_cut_off_while_switching(vendor: Vendor, counter: Counter, step: str) -> None:
    vendor.release()
    counter.updater().take(vendor.stick())

    assert cut_off(lambda at: counter.updater(at).apply(), step)
    boot(counter)
    serves(counter, "1.1.0" if step in AFTER_COMMIT else "1.0.0")
    if step not in AFTER_COMMIT:
        completes(counter, vendor)
    else:
        counter.updater().resume()
        assert (Step.IDLE, "1.0.0") == (
            counter.updater().state().step,
            counter.updater().state().previous,
        )


@pytest.mark.parametrize("step", LEAVING)
def test_cut_off_while_leaving_a_bad_version(vendor: Vendor, counter: Counter, step: str) -> None:
    vendor.release(crash=True)
    counter.updater().take(vendor.stick())
    counter.watch = Watch(0.5, 0.5, 0.5)

    assert cut_off(lambda at: counter.updater(at).apply(), step)
    boot(counter)
    serves(counter, "1.0.0")
    counter.updater().resume()
    assert OLD == counter.current
    assert Step.IDLE is counter.updater().state().step


def test_a_version_whose_switch_is_cut_off_again_and_again_is_given_up(
    vendor: Vendor, counter: Counter
) -> None:
    vendor.release()
    counter.updater().take(vendor.stick())
    for _ in range(3):
        assert cut_off(lambda at: counter.updater(at).apply(), "watch")
        boot(counter)
        serves(counter, "1.0.0")

    assert "" == counter.updater().state().waiting
    with pytest.raises(UnusableError, match="cut off 3 times"):
        counter.updater().take(vendor.stick())


def test_an_updater_ended_in_its_watch_leaves_no_version_answering_that_is_not_named(
    vendor: Vendor, counter: Counter
) -> None:
    """The machine runs on: the next run's launcher undoes the switch and restarts nothing."""
    vendor.release()
    counter.updater().take(vendor.stick())
    for cut in (True, False):
        if cut:
            assert cut_off(lambda at: counter.updater(at).apply(), "watch")
            assert "1.1.0" == counter.answers()
        counter.updater().resume(restart=False)
        assert (OLD, "1.1.0" if cut else "1.0.0") == (counter.current, counter.answers())
        counter.updater().resume()
        # At once: the switch that comes next may want a daemon that answers.
        health = ask(counter.site.health)
        assert health is not None
        assert "1.0.0" == health.version


def test_cut_off_while_recovering(vendor: Vendor, counter: Counter) -> None:
    """The power fails again, in the way back from a failure."""
    vendor.release()
    counter.updater().take(vendor.stick())
    assert cut_off(lambda at: counter.updater(at).apply(), "watch")
    for moment in ("before", "after"):
        pid = os.fork()
        if pid == 0:
            updater = counter.updater()
            if moment == "after":
                updater._go_back(OLD)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
    boot(counter)
    serves(counter, "1.0.0")
    completes(counter, vendor)


def test_killed_at_any_moment(vendor: Vendor, pc: Counter) -> None:
    """Not between steps only: at moments drawn by a seed, wherever that is."""
    vendor.release(more={f"file-{n}": os.urandom(20_000) for n in range(40)})
    stick, draw = vendor.stick(), random.Random(20261127)  # noqa: S311  # moments, no secret

    for _ in range(25):
        pid = os.fork()
        if pid == 0:
            try:
                pc.updater().take(stick)
                pc.updater().apply()
            finally:
                os._exit(0)
        time.sleep(draw.uniform(0, 0.8))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        boot(pc)
        assert pc.answers() in ("1.0.0", "1.1.0")
        assert pc.current in (OLD, NEW)
        pc.updater().resume()
        if pc.current == NEW:
            pc.updater().roll_back()
        pc.updater()._forgive("1.1.0")
    completes(pc, vendor)


FULL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from update_site import *
from yibao_face.installer.update.fault import *

step, kind, disk, vendor_folder = sys.argv[2], sys.argv[3], Path(sys.argv[4]), Path(sys.argv[5])
counter = Counter(disk / "opt", disk / "data", kind)
counter.place.trust.write_bytes((vendor_folder / "repository/metadata/1.root.json").read_bytes())
counter.watch = Watch(0.5, 20.0, 5.0) if sys.argv[7] == "good" else Watch(0.5, 0.5, 0.5)
counter.start()
filler = disk / "filler"

def fill(reached):
    if reached == step and not filler.exists():
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 65536) == 65536:
                    pass
                while file.write(b"x"):
                    pass
            except OSError:
                pass

try:
    stick = Path(sys.argv[6])
    try:
        counter.updater(fill).take(stick)
        counter.updater(fill).apply()
        said = "done"
    except UpdateError as exc:
        said = type(exc).__name__
    assert filler.exists(), "the step was never reached"
    version = counter.answers()
    assert version == str(counter.current), (version, counter.current)
    assert (counter.data / "queue.db").read_bytes() == b"records"
    filler.unlink()
    counter.stop()
    counter.updater().resume(restart=False)
    counter.start()
    assert counter.answers() == version
    if version == "1.0.0" and sys.argv[7] == "good":
        counter.updater().take(stick, again=True)
        counter.updater().apply()
        assert counter.answers() == "1.1.0"
    print(said, version)
finally:
    counter.stop()
"""


def on_a_full_disk(vendor: Vendor, tmp_path: Path, step: str, kind: str, program: str) -> str:
    """What is said where the disk, a real one of 4 MB in memory, is full from ``step`` on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "full.py").write_text(FULL, "utf-8")
    stick = vendor.stick()
    words = [tmp_path / "full.py", ROOT / "tests", step, kind, disk, vendor.folder, stick, program]
    command = 'mount -t tmpfs -o size=20m none "$1" && shift && exec "$@"'
    done = subprocess.run(
        [require("unshare"), "-rm", "sh", "-c", command, "sh", disk, sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        lacking("a mount namespace")
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("kind", ["symlink", "pointer"])
@pytest.mark.parametrize("step", [*TAKING, *SWITCHING])
def test_the_disk_is_full_from_a_step_on(
    vendor: Vendor, tmp_path: Path, step: str, kind: str
) -> None:
    vendor.release()

    said = on_a_full_disk(vendor, tmp_path, step, kind, "good")
    # What is no longer written needs no room: the last steps succeed.
    assert said in ("SpaceError 1.0.0", "SelfTestError 1.0.0", "done 1.1.0")
    if step in ("note", "fetch", "unpack", "stage", "lay", "begin", "commit"):
        assert said == "SpaceError 1.0.0"


@pytest.mark.parametrize("kind", ["symlink", "pointer"])
@pytest.mark.parametrize("step", ["restart", "watch", *LEAVING])
def test_the_way_back_needs_no_room(vendor: Vendor, tmp_path: Path, step: str, kind: str) -> None:
    vendor.release(crash=True)

    assert "UnhealthyError 1.0.0" == on_a_full_disk(vendor, tmp_path, step, kind, "bad")


def test_a_disk_too_small_is_told_before_anything_is_copied(
    vendor: Vendor, pc: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.release()
    free = shutil.disk_usage(pc.root)._replace(free=1024)

    def full(_path: Path) -> object:
        return free

    monkeypatch.setattr(shutil, "disk_usage", full)
    steps = list[str]()

    with pytest.raises(UpdateError, match="0 MB are free"):
        pc.updater(steps.append).take(vendor.stick())
    assert [] == steps


def test_a_stick_drawn_in_the_middle(vendor: Vendor, pc: Counter) -> None:
    vendor.release()
    folder = vendor.repository.folder

    def draw(step: str) -> None:
        if step == "fetch":
            shutil.rmtree(folder / "targets")

    with pytest.raises(UpdateError):
        pc.updater(draw).take(folder)
    assert (OLD, "1.0.0") == (pc.current, pc.answers())
    assert {"current", OLD.folder} == pc.folders()
