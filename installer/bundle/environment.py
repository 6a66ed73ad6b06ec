"""The Python environment a bundle is frozen from: locked packages and our own wheel, no more."""

from __future__ import annotations

import shutil
import sys
import venv
from pathlib import Path

from yibao_face.installer.command import ROOT, PackageError, run

LOCKS = ("runtime", "cameras", "ui", "bundle")


def make_environment(folder: Path) -> Path:
    """Make it anew in ``folder``; the path of its Python. Raises ``PackageError``."""
    if sys.version_info[:2] != (3, 11):
        raise PackageError("a bundle is made with Python 3.11")
    venv.create(folder, with_pip=True, clear=True)
    python = folder / "bin" / "python"
    for lock in LOCKS:
        install_lock(python, lock)
    run([*pip_install(python), make_wheel(python, folder / "wheel")])
    for told in folder.glob("lib/python*/site-packages/yibao_face-*.dist-info/direct_url.json"):
        # Where the wheel lay on this machine: nobody's concern, and another path on every one.
        told.unlink()
    return python


def install_lock(python: Path, lock: str) -> None:
    """Exactly what ``requirements/<lock>.lock`` names, hashes checked; ``PackageError``."""
    file = ROOT / "requirements" / f"{lock}.lock"
    run([*pip_install(python), "--require-hashes", "--requirement", file])


def pip_install(python: Path) -> list[str | Path]:
    """The words every installation begins with."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps")
    return [python, "-m", "pip", "install", *quiet]


def make_wheel(python: Path, folder: Path) -> Path:
    """Our wheel, built in ``folder``."""
    wheel: list[str | Path] = [
        python,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
    ]
    # What lies there of an older build would be packed again, and is no module of the checkout.
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    run([*wheel, "--wheel-dir", folder, ROOT])
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    [made] = folder.glob("yibao_face-*.whl")
    return made
