"""Where the shipped libraries run: Linux as it is, Windows under Wine of either word width."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import ROOT, require, require_file

from yibao_face.daemon.conform.program import ProgramTarget
from yibao_face.shim import build

WINE = ROOT / ".dev" / "wine"
# Values by name, as the installer writes them; none: not installed.
Setting = Mapping[str, str]
_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\yibao-face\library"
_QUIET = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}


@dataclass(frozen=True, slots=True)
class Bed:
    """The library of one kind, called by its self test. ``install`` writes its settings."""

    name: str
    target: ProgramTarget
    selftest: tuple[str, ...]
    install: Callable[[Setting], None]


@contextmanager
def bed(kind: str, dist: Path, held: Path) -> Generator[Bed, None, None]:
    """The bed for the folder ``kind`` of ``dist``; ``held``: a folder of the test's own."""
    if kind.startswith("x86-"):
        _demand(WINE / "i386" / "prefix")
        with tempfile.TemporaryDirectory(dir=WINE / "i386" / "hcf") as inner:
            made = _wine32(dist / kind, Path(inner))
            with made.target:
                yield made
        return
    made = (_linux if kind == "linux-x86_64" else _wine64)(dist / kind, held)
    with made.target:
        yield made


def _linux(folder: Path, held: Path) -> Bed:
    """``/etc`` is the test's own copy, for these processes alone."""
    etc = held / "etc"
    etc.mkdir()
    for name in ("ld.so.cache", "localtime"):
        if Path("/etc", name).exists():
            shutil.copyfile(Path("/etc", name), etc / name)
    setting = etc / "yibao-face" / "library.conf"
    setting.parent.mkdir()
    program = str(folder / build.SELFTEST)
    script = f"mount --bind {shlex.quote(str(etc))} /etc && exec {shlex.quote(program)}"
    command = (require("unshare"), "--mount", "sh", "-euc", f'{script} "$@"', "sh")

    def install(values: Setting) -> None:
        setting.write_text("".join(f"{name} = {value}\n" for name, value in values.items()))

    return Bed(folder.name, ProgramTarget((*command, "--pipe")), command, install)


def _wine64(folder: Path, held: Path) -> Bed:
    _demand(WINE / "x64")
    words = {**_QUIET, "WINEPREFIX": str(WINE / "x64"), "WINEARCH": "win64"}
    start = (require("env"), *(f"{name}={value}" for name, value in words.items()))
    command = (*start, require("wine"), str(folder / f"{build.SELFTEST}.exe"))

    def install(values: Setting) -> None:
        file = held / "library.reg"
        file.write_bytes(_registry(values))
        _run((*start, require("wine"), "regedit", "/S", str(file)))

    return Bed(folder.name, ProgramTarget((*command, "--pipe")), command, install)


def _wine32(folder: Path, inner: Path) -> Bed:
    """A 32-bit system beside this one.

    One Wine server opens the files of all beds: their folders lie in the system itself, as a mount
    would be seen by the processes of one bed alone.
    """
    shutil.copytree(folder, inner / folder.name)
    inside = {**_QUIET, "HOME": "/root", "PATH": "/usr/bin:/bin"}
    inside |= {"WINEPREFIX": "/prefix", "WINEARCH": "win32"}
    words = " ".join(f"{name}={shlex.quote(value)}" for name, value in inside.items())
    root = shlex.quote(str(WINE / "i386"))
    mounts = [f"mount --bind {at} {root}{at}" for at in ("/proc", "/dev")]
    script = " && ".join([*mounts, f'exec chroot {root} env -i {words} wine "$@"'])
    start = (require("unshare"), "--mount", "sh", "-euc", script, "sh")
    command = (*start, f"Z:\\hcf\\{inner.name}\\{folder.name}\\{build.SELFTEST}.exe")

    def install(values: Setting) -> None:
        (inner / "library.reg").write_bytes(_registry(values))
        _run((*start, "regedit", "/S", f"Z:\\hcf\\{inner.name}\\library.reg"))

    return Bed(folder.name, ProgramTarget((*command, "--pipe")), command, install)


def _registry(values: Setting) -> bytes:
    lines = ["REGEDIT4", "", f"[-{_KEY}]", ""]
    if values:
        lines += [f"[{_KEY}]", *(f'"{name}"="{value}"' for name, value in values.items())]
    return "\r\n".join([*lines, ""]).encode("ascii")


def _run(command: tuple[str, ...]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert 0 == done.returncode, done.stderr


def _demand(prefix: Path) -> None:
    require_file(prefix / "system.reg", "Wine as .ci/wine sets it up, run as root,")
