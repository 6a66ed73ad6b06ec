"""Wine prefixes: where Windows programs of the build run, and where what was built is tried."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from yibao_face.installer.command import PackageError, run

# Wine 8 lacks this library of Windows 10, which the face landmarker's is linked to.
_PRNG = """#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE at, SIZE_T count);
BOOL WINAPI ProcessPrng(PBYTE at, SIZE_T count) { return SystemFunction036(at, (ULONG)count); }
"""
COMPILER = "x86_64-w64-mingw32-gcc"


@dataclass(frozen=True, slots=True)
class Wine:
    """A Windows 10 of 64 bits in the folder ``prefix``."""

    prefix: Path

    @property
    def drive(self) -> Path:
        """Its drive C."""
        return self.prefix / "drive_c"

    @property
    def environment(self) -> dict[str, str]:
        """What a program started in it needs to be told."""
        return {
            "WINEPREFIX": str(self.prefix),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
        }

    def make(self, held: Path) -> None:
        """Make it if it is not there; ``held``: a folder to compile in. ``PackageError``."""
        if (self.prefix / "ready").is_file():
            return
        shutil.rmtree(self.prefix, ignore_errors=True)
        self.prefix.parent.mkdir(parents=True, exist_ok=True)
        run([tool("wine"), "wineboot", "--init"], more=self.environment)
        version = ["wine", "reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10"]
        run([*version, "/f"], more=self.environment)
        source = held / "prng.c"
        source.write_text(_PRNG, "ascii")
        library = self.drive / "windows" / "system32" / "bcryptprimitives.dll"
        run([tool(COMPILER), "-shared", "-o", library, source, "-ladvapi32"])
        self.settle()
        (self.prefix / "ready").touch()

    def run(self, command: Sequence[str | Path], *, cwd: Path | None = None) -> str:
        """Run to success; its output. Raises ``PackageError``."""
        more = self.environment
        return run([tool("wine"), *command], cwd=cwd or self.prefix, more=more)

    def call(
        self,
        command: Sequence[str | Path],
        *,
        more: Mapping[str, str] | None = None,
        wait_s: float,
    ) -> tuple[int, str]:
        """Run; exit code and output, which goes through a pipe, as a program in Wine needs."""
        words = [tool("wine"), *map(str, command)]
        environment = {**self.outside(), **self.environment, **(more or {})}
        try:
            done = subprocess.run(  # noqa: S603  # what we built
                words,
                check=False,
                env=environment,
                cwd=self.prefix,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=wait_s,
            )
        except subprocess.TimeoutExpired as exc:
            raise PackageError(f"{Path(words[1]).name} does not end in {wait_s:.0f} s") from exc
        return done.returncode, done.stdout.decode("utf-8", "replace")

    @staticmethod
    def outside() -> dict[str, str]:
        """The environment here without what the program itself would take from it."""
        return {k: v for k, v in os.environ.items() if not k.startswith("YIBAO_FACE_")}

    def settle(self) -> None:
        """Wait until every program in it ended and its registry is on disk."""
        run([tool("wineserver"), "--wait"], more=self.environment)

    def kill(self) -> None:
        """End every program in it."""
        words = [tool("wineserver"), "--kill"]
        environment = {**os.environ, **self.environment}
        subprocess.run(words, check=False, env=environment, capture_output=True)  # noqa: S603  # Wine's own


def tool(name: str) -> str:
    """The path of a program; ``PackageError`` where it is not installed."""
    found = shutil.which(name)
    if found is None and name == "wineserver":
        # Debian keeps it beside the loader, out of the path.
        found = next((str(p) for p in Path("/usr/lib/wine").glob("wineserver*64")), None)
    if found is None:
        raise PackageError(f"{name} is missing: see installer/versions.toml, [tools]")
    return found
