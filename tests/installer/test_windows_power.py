"""Updates by Windows' own Python under Wine: attacks, and an updater ended before any step.

Launchers, pointer, locks, renames and files in use are as on a counter; the program is small.
``package windows --check`` runs it, with the Python that freezes the program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from harness import ROOT, require
from setup_bed import Windows, path, windows
from ui_bed import until
from update_site import NEW, OLD, Vendor, free_port

from yibao_face.installer.command import run
from yibao_face.installer.update.place import Place
from yibao_face.installer.update.publish.repository import Days
from yibao_face.installer.update.state import State, Step, read_state
from yibao_face.installer.update.swap.hands import ask
from yibao_face.installer.update.swap.launcher import build_launcher
from yibao_face.installer.update.swap.switch import Pointer
from yibao_face.installer.update.updater import LEAVING, SWITCHING, TAKING
from yibao_face.installer.update.version import Version
from yibao_face.installer.windows.target import HELD
from yibao_face.installer.windows.wine import COMPILER, tool

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not os.environ.get("YIBAO_FACE_PACKAGED"),
        reason="made and checked by: package windows --check",
    ),
]
HERE = Path(__file__).resolve().parent
PLATFORM = "windows-x86_64"
FOLDER, NAME = "医保 程序", "核验 FACE"
INSIDE = rf"C:\{FOLDER}\{NAME}"
# As `update run`, without the rest of the program; ends itself before a step, as the Task
# Manager does. `read`: holds a file open as a virus scanner does, for a second.
UPDATER = r"""
import ctypes, logging, sys, threading, time
from dataclasses import replace
from pathlib import Path
from yibao_face.installer.update.fault import InUseError, UpdateError
from yibao_face.installer.update.place import Place
from yibao_face.installer.update.site import on_sticks, read_site
from yibao_face.installer.update.swap.hands import hands_of
from yibao_face.installer.update.swap.switch import switch_of
from yibao_face.installer.update.updater import Updater

root, action, step, read = Path(sys.argv[1]), *sys.argv[2:5]
place = Place(root)
site = read_site(place.own / "update.toml")

def at(reached):
    if reached != step:
        return
    if not read:
        kernel32 = ctypes.WinDLL("kernel32")
        kernel32.GetCurrentProcess.restype = ctypes.c_void_p
        kernel32.TerminateProcess(ctypes.c_void_p(kernel32.GetCurrentProcess()), 9)
    reader = (root / read).open("rb")
    threading.Timer(1.0, reader.close).start()

hands = replace(hands_of(site, place.scratch), at=at)
updater = Updater(place, site, switch_of(root, site.switch), hands)
try:
    if action == "resume":
        print(updater.resume(restart=False))
    else:
        updater.resume()
        if not updater.state().waiting:
            updater.take(on_sticks(site)[-1])
        print(updater.apply())
except UpdateError as exc:
    print(type(exc).__name__, exc)
    # As the command: whoever holds the lock is at work, and the launcher need not wait for it.
    sys.exit(0 if action == "resume" and isinstance(exc, InUseError) else 1)
"""


@dataclass(frozen=True, slots=True)
class Counter:
    """A Windows PC with 1.0.0 in a folder with Chinese and blanks, and a stick as drive E."""

    machine: Windows
    built: Path
    port: int

    @property
    def root(self) -> Path:
        return self.machine.wine.drive / FOLDER / NAME

    @property
    def place(self) -> Place:
        return Place(self.root)

    @property
    def stick(self) -> Path:
        return self.machine.held / "U 盘"

    @property
    def environment(self) -> dict[str, str]:
        python = path(HELD / "python" / "python.exe")
        words = f'"{path(self.built / "updater.py")}" "{INSIDE}" resume "" ""'
        return {
            "LC_ALL": "C.UTF-8",
            "PYTHONUTF8": "1",
            "RESIDENT_PORT": str(self.port),
            "RESIDENT_RESUME": f'"{python}" {words}',
        }

    def lay(self, vendor: Vendor) -> None:
        """As a setup leaves it, nothing running, the newest release on the stick."""
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)
        self.place.own.mkdir(parents=True)
        data = self.root.parent / "data"
        data.mkdir(exist_ok=True)
        program(self.built, self.place.app(OLD))
        for name in ("yibao-face.exe", "yibao-face-agent.exe"):
            shutil.copy(self.built / name, self.root)
        (self.root / "current.txt").write_text(f"{OLD.folder}\n", "ascii")
        self.place.trust.write_bytes((vendor.repository.metadata / "1.root.json").read_bytes())
        self.settle(30.0)
        self.insert(vendor.stick())

    def settle(self, start_s: float) -> None:
        """Write ``update.toml``, as the setup does, and a shorter watch."""
        lines = (
            rf"data = 'C:\{FOLDER}\data'",
            rf"restart = ['{INSIDE}\yibao-face.exe', 'setup', 'restart']",
            "switch = 'pointer'",
            "selftest = [['{program}', 'setup', 'test']]",
            f"health = 'http://127.0.0.1:{self.port}/health'",
            "only_serving = true",
            r"sticks = ['E:\*.update']",
            f"[watch]\nwatch_s = 1\nstart_s = {start_s}\nsilence_s = 3",
        )
        (self.place.own / "update.toml").write_text("\n".join(lines), "utf-8")

    def insert(self, file: Path) -> None:
        """Alone on the stick."""
        shutil.rmtree(self.stick, ignore_errors=True)
        self.stick.mkdir()
        shutil.copyfile(file, self.stick / "yibao-face.update")

    def update(self, step: str = "", read: str = "") -> tuple[int, str]:
        """Run the updater; exit code and word. ``step``: before which it ends itself, or, with
        ``read``, before which that file is opened for a second.
        """
        python = HELD / "python" / "python.exe"
        words = [path(self.built / "updater.py"), INSIDE, "run", step, read]
        return self.machine.wine.call([python, *words], more=self.environment, wait_s=200)

    @contextmanager
    def on(self) -> Generator[None, None, None]:
        """Somebody logs on: the launcher without a console keeps the agent."""
        agent = [rf"{INSIDE}\yibao-face-agent.exe", "agent"]
        with self.machine.started(agent, self.environment) as process:
            try:
                until(self.answers, 60)
                yield
            finally:
                self.stop()
                process.kill()

    def stop(self) -> None:
        """The power goes, for all that runs from the folder."""
        for one in psutil.process_iter(["cmdline"]):
            if FOLDER in str(one.info["cmdline"]):
                one.kill()

    def answers(self) -> str:
        """Version that answers; empty: none."""
        health = ask(f"http://127.0.0.1:{self.port}/health")
        return health.version if health else ""

    def is_now(self, version: Version) -> None:
        """It is named and answers, once whoever starts it has done so."""
        assert version == Pointer(self.root).current()
        until(lambda: self.answers() == str(version), 60)

    def state(self) -> State:
        return read_state(self.place.state)

    def tidy(self, *versions: Version) -> None:
        """Nothing lies about but these versions."""
        apps = {one.name for one in self.root.glob("app-*")}
        assert {version.folder for version in versions} == apps
        assert not self.place.keeper.exists()
        assert not self.place.download.exists()
        assert [] == [*self.root.rglob("*.part"), *self.root.glob("current.txt.*")]


def program(built: Path, to: Path, *marks: str) -> Path:
    """The stand-in as a version's folder; ``marks``: what is wrong with it."""
    inner = to / "_internal" / "资源 文件"
    inner.mkdir(parents=True)
    (inner / "字体.txt").write_text("中文" * 5000, "utf-8")
    for name in ("yibao-face.exe", "yibao-face-agent.exe"):
        shutil.copy(built / "resident.exe", to / name)
    for mark in marks:
        (to / mark).touch()
    return to


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Generator[Counter, None, None]:
    held = tmp_path_factory.mktemp("power")
    machine = windows(ROOT / ".dev" / "windows" / "prefix-standin", held)
    built = held / "built"
    built.mkdir()
    compiler = require(COMPILER)
    build_launcher(built / "yibao-face.exe", compiler)
    build_launcher(built / "yibao-face-agent.exe", compiler, windowed=True)
    words = ["-municode", "-s", HERE / "resident.c", "-o", built / "resident.exe", "-lws2_32"]
    run([compiler, *words])
    (built / "updater.py").write_text(UPDATER, "utf-8")
    made = Counter(machine, built, free_port())
    letter = machine.wine.prefix / "dosdevices" / "e:"
    letter.unlink(missing_ok=True)
    letter.symlink_to(made.stick)
    with ExitStack() as at_end:
        at_end.callback(machine.wine.kill)
        at_end.callback(shutil.rmtree, made.root.parent, ignore_errors=True)
        at_end.callback(letter.unlink)
        # Else each program would wait for it to start and end.
        words = [tool("wineserver"), "--persistent"]
        environment = {**os.environ, **machine.wine.environment}
        subprocess.run(
            words,
            check=True,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        yield made


@pytest.fixture
def vendor(tmp_path: Path) -> Vendor:
    return Vendor(tmp_path / "vendor", platform=PLATFORM, preset=0)


def release(counter: Counter, vendor: Vendor, version: Version = NEW, *marks: str) -> None:
    """Sign and publish a version of the stand-in."""
    folder = program(counter.built, vendor.folder / f"bundle-{version}", *marks)
    vendor.publish(folder, version, OLD)


@pytest.mark.parametrize("step", [*TAKING, *SWITCHING])
def test_an_updater_ended_before_any_step(counter: Counter, vendor: Vendor, step: str) -> None:
    """A version goes on serving, at the next logon it is the old one, the next run finishes."""
    release(counter, vendor)
    counter.lay(vendor)
    with counter.on():
        assert 9 == counter.update(step)[0]
        # In the watch the new one is just being started: its launcher may find the switch cut.
        serves = {str(NEW if step in ("watch", "commit", "sweep") else OLD)}
        serves |= {str(OLD)} if step == "watch" else set()
        until(lambda: counter.answers() in serves, 60)
    with counter.on():
        counter.is_now(NEW if step == "sweep" else OLD)
        code, told = counter.update()
        assert (code == 0) == (step != "sweep"), told
        counter.is_now(NEW)
        counter.tidy(OLD, NEW)
        assert ("1.0.0", "", Step.IDLE) == (
            counter.state().previous,
            counter.state().waiting,
            counter.state().step,
        )


@pytest.mark.parametrize("step", LEAVING)
def test_an_updater_ended_while_it_leaves_a_version_that_dies(
    counter: Counter, vendor: Vendor, step: str
) -> None:
    release(counter, vendor, NEW, "dies")
    counter.lay(vendor)
    counter.settle(8.0)
    with counter.on():
        code, told = counter.update(step)
        assert 9 == code, told
    with counter.on():
        counter.is_now(OLD)
        code, told = counter.update()
        assert 1 == code, told
        counter.is_now(OLD)
        counter.tidy(OLD)
        assert ("", Step.IDLE) == (counter.state().waiting, counter.state().step)


@pytest.mark.parametrize(
    ("step", "file"),
    [
        ("note", "update/state.json"),
        ("begin", "update/state.json"),
        ("switch", "current.txt"),
        ("switch", "current.txt.on"),
    ],
)
def test_who_reads_a_file_for_a_moment_does_not_keep_it_from_being_replaced(
    counter: Counter, vendor: Vendor, step: str, file: str
) -> None:
    release(counter, vendor)
    counter.lay(vendor)
    # There, as after any earlier update.
    counter.place.state.write_text("{}", "ascii")
    with counter.on():
        code, told = counter.update(step, file)
        assert 0 == code, told
        counter.is_now(NEW)
        counter.tidy(OLD, NEW)


def test_a_version_that_is_ended_in_its_watch_again_and_again_is_given_up(
    counter: Counter, vendor: Vendor
) -> None:
    """By the launcher, as the scheduled task starts it; what answers is what is named."""
    release(counter, vendor)
    counter.lay(vendor)
    with counter.on():
        for _ in range(3):
            assert 9 == counter.update("commit")[0]
            counter.is_now(NEW)
            launcher = [rf"{INSIDE}\yibao-face.exe", "--version"]
            told = counter.machine.wine.call(launcher, more=counter.environment, wait_s=60)[1]
            assert told.splitlines()[-1].endswith("1.0.0")
        code, told = counter.update()
        assert 1 == code, told
        assert "cut off 3 times" in told
        counter.is_now(OLD)
        counter.tidy(OLD)


def refused(counter: Counter, error: str) -> None:
    """What is on the stick is refused; nothing of it is left and the old version answers."""
    with counter.on():
        code, told = counter.update()
        assert (1, error) == (code, told.split()[0]), told
        counter.is_now(OLD)
    counter.tidy(OLD)
    assert "" == counter.state().waiting


def test_another_vendors_keys(counter: Counter, vendor: Vendor, tmp_path: Path) -> None:
    other = Vendor(tmp_path / "other", platform=PLATFORM, preset=0)
    release(counter, other)
    release(counter, vendor)
    counter.lay(vendor)
    counter.insert(other.stick())

    refused(counter, "NotGenuineError")


def test_an_older_version_newly_signed(counter: Counter, vendor: Vendor) -> None:
    release(counter, vendor, Version(0, 9, 9))
    counter.lay(vendor)

    refused(counter, "UnusableError")


@pytest.mark.parametrize("part", [0.5, 0.999])
def test_a_truncated_update_file(counter: Counter, vendor: Vendor, part: float) -> None:
    release(counter, vendor)
    counter.lay(vendor)
    [file] = counter.stick.iterdir()
    os.truncate(file, int(file.stat().st_size * part))

    refused(counter, "SourceError")


def test_a_swapped_program_of_the_same_length(counter: Counter, vendor: Vendor) -> None:
    release(counter, vendor)
    [archive] = vendor.repository.targets.glob("*.tar.xz")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    counter.lay(vendor)

    refused(counter, "NotGenuineError")


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp"])
def test_expired(counter: Counter, vendor: Vendor, role: str) -> None:
    days: Mapping[str, int] = {role: -1}
    vendor.days = replace(Days(), **days)
    release(counter, vendor)
    counter.lay(vendor)

    refused(counter, "NotGenuineError")


def test_a_version_that_fails_its_self_test_is_never_switched_to(
    counter: Counter, vendor: Vendor
) -> None:
    release(counter, vendor, NEW, "unfit")
    counter.lay(vendor)

    refused(counter, "SelfTestError")
    assert "1.1.0" in counter.state().failed
