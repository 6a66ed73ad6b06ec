"""A Windows of the tests' own, and setups with a program that only answers what they ask."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import require

from yibao_face.installer.command import run
from yibao_face.installer.windows.nsis import Payload, compile_setup
from yibao_face.installer.windows.resource import compile_launchers, write_icon
from yibao_face.installer.windows.wine import COMPILER, Wine

HERE = Path(__file__).resolve().parent
PROGRAM, DATA = "Program Files/YibaoFace", "ProgramData/yibao-face"
ROOT_KEY = r"HKLM\Software\yibao-face"
RUN_KEY = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Run"


@dataclass(frozen=True, slots=True)
class Windows:
    """``wine``: its prefix; ``held``: where setups are made."""

    wine: Wine
    held: Path

    @property
    def program(self) -> Path:
        return self.wine.drive / PROGRAM

    @property
    def data(self) -> Path:
        return self.wine.drive / DATA

    def setup(self, file: Path, *words: str, wait_s: float = 100) -> int:
        """Run a setup silently as an engineer's batch file does; its exit code.

        A command line of Linux would quote its words otherwise than Windows does.
        """
        command, more = self._batch(file, words)
        code, _ = self.wine.call(command, more=more, wait_s=wait_s)
        return code

    @contextmanager
    def begun(self, file: Path, *words: str) -> Generator[subprocess.Popen[bytes], None, None]:
        """As ``setup``, while the caller does something else."""
        command, more = self._batch(file, words)
        with self.started(command, more) as process:
            yield process

    @contextmanager
    def started(
        self, command: Sequence[str | Path], more: Mapping[str, str]
    ) -> Generator[subprocess.Popen[bytes], None, None]:
        """A program, whose own children may outlive it."""
        with subprocess.Popen(
            [require("wine"), *map(str, command)],
            env={**self.wine.outside(), **self.wine.environment, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as process:
            yield process

    def _batch(self, file: Path, words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        batch = self.wine.drive / "run.cmd"
        batch.write_bytes(b"@%SETUP%\r\n@exit %ERRORLEVEL%\r\n")
        # By way of the environment, as the code page of a batch file knows no Chinese here.
        line = " ".join([f'"{path(file)}"', "/S", *words])
        return ["cmd", "/c", r"C:\run.cmd"], {"SETUP": line}

    def uninstall(self, *words: str, folder: Path | None = None) -> int:
        """It copies itself elsewhere and ends at once, unless it is told where it lies."""
        place = folder or self.program
        within = str(place.relative_to(self.wine.drive)).replace("/", "\\")
        command = [place / "uninstall.exe", "/S", *words, rf"_?=C:\{within}"]
        return self.wine.call(command, wait_s=100)[0]

    def value(self, key: str, name: str) -> str | None:
        """A value of the registry as 64-bit programs see it."""
        code, told = self.wine.call(["reg", "query", key, "/v", name], wait_s=60)
        if code != 0:
            return None
        line = next(line for line in told.splitlines() if "REG_" in line)
        return line.split("REG_", 1)[1].partition("    ")[2].strip()

    def calls(self) -> str:
        """What the stand-in was asked, with its version behind."""
        return (self.data / "calls.txt").read_text("utf-8", "replace")


def path(file: Path) -> str:
    """As Windows sees a file of this machine."""
    return "Z:" + str(file).replace("/", "\\")


def windows(prefix: Path, held: Path) -> Windows:
    """The Windows in ``prefix``, made if it is not there."""
    for name in ("wine", "wineserver", "makensis", COMPILER, "x86_64-w64-mingw32-windres"):
        require(name)
    held.mkdir(parents=True, exist_ok=True)
    wine = Wine(prefix)
    wine.make(held)
    return Windows(wine, held)


def clean(at: Windows) -> None:
    """Take away what a test, or a run that was broken off, left."""
    if (at.program / "uninstall.exe").exists():
        at.uninstall("/PURGE")
    at.wine.call(["reg", "delete", ROOT_KEY, "/f"], wait_s=60)
    for folder in (at.program, at.data):
        shutil.rmtree(folder, ignore_errors=True)


def stand_in(
    at: Windows,
    version: str,
    beside: Sequence[str] = (),
    *,
    trust: Path | None = None,
    large_bytes: int = 0,
) -> Path:
    """A setup of ``version`` whose program only answers; ``beside``: empty files beside it.

    ``trust``: the vendor's root; ``large_bytes``: of one more file.
    """
    folder = at.held / version
    bundle, launchers, shims = folder / "bundle", folder / "launcher", folder / "shim"
    (bundle / "_internal").mkdir(parents=True)
    (bundle / "_internal" / f"{version}.txt").write_text("资料", "utf-8")
    (bundle / "large").write_bytes(bytes(large_bytes))
    for name in beside:
        (bundle / name).touch()
    command: list[str | Path] = [require(COMPILER), "-municode", "-s", f'-DVERSION="{version}"']
    program = bundle / "yibao-face.exe"
    run([*command, HERE / "installer" / "standin.c", "-o", program])
    (bundle / "yibao-face-agent.exe").write_bytes(program.read_bytes())
    compile_launchers(launchers, folder / "held", version)
    (shims / "x64").mkdir(parents=True)
    (shims / "x64" / "HisCallFace.dll").write_text(f"library {version}", "ascii")
    payload = Payload(bundle, launchers, shims, write_icon(folder), trust)
    return compile_setup(folder / f"setup-{version}.exe", version, payload, "none")
