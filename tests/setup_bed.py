"""A Windows of the tests' own, and setups with a program that only answers what they ask."""

from __future__ import annotations

from collections.abc import Sequence
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
        batch = self.wine.drive / "run.cmd"
        batch.write_bytes(b"@%SETUP%\r\n@exit %ERRORLEVEL%\r\n")
        # By way of the environment, as the code page of a batch file knows no Chinese here.
        line = " ".join([f'"{path(file)}"', "/S", *words])
        more = {"SETUP": line}
        code, _ = self.wine.call(["cmd", "/c", r"C:\run.cmd"], more=more, wait_s=wait_s)
        return code

    def uninstall(self, *words: str) -> int:
        """It copies itself elsewhere and ends at once, unless it is told where it lies."""
        program = self.program / "uninstall.exe"
        folder = r"_?=C:\Program Files\YibaoFace"
        code, _ = self.wine.call([program, "/S", *words, folder], wait_s=100)
        return code

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


def stand_in(at: Windows, version: str, beside: Sequence[str] = ()) -> Path:
    """A setup of ``version`` whose program only answers; ``beside``: empty files beside it."""
    folder = at.held / version
    bundle, launchers, shims = folder / "bundle", folder / "launcher", folder / "shim"
    (bundle / "_internal").mkdir(parents=True)
    (bundle / "_internal" / f"{version}.txt").write_text("资料", "utf-8")
    for name in beside:
        (bundle / name).touch()
    command: list[str | Path] = [require(COMPILER), "-municode", "-s", f'-DVERSION="{version}"']
    program = bundle / "yibao-face.exe"
    run([*command, HERE / "installer" / "standin.c", "-o", program])
    (bundle / "yibao-face-agent.exe").write_bytes(program.read_bytes())
    compile_launchers(launchers, folder / "held", version)
    (shims / "x64").mkdir(parents=True)
    (shims / "x64" / "HisCallFace.dll").write_text(f"library {version}", "ascii")
    payload = Payload(bundle, launchers, shims, write_icon(folder))
    return compile_setup(folder / f"setup-{version}.exe", version, payload, "none")
