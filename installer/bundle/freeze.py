"""From a checkout to the folder that runs on a machine without Python and without a network."""

from __future__ import annotations

import shutil
from pathlib import Path

from yibao_face.installer.bundle.environment import make_environment
from yibao_face.installer.bundle.paper import write_papers
from yibao_face.installer.bundle.trim import trim
from yibao_face.installer.command import epoch, run

HERE = Path(__file__).resolve().parent
NAME = "yibao-face"


def freeze(work: Path) -> Path:
    """Make ``work/dist/yibao-face``, with networks, licences and bill of materials; its path."""
    python = make_environment(work / "venv")
    dist = work / "dist"
    options: list[str | Path] = ["--noconfirm", "--log-level", "WARN", "--distpath", dist]
    build: list[str | Path] = ["--workpath", work / "build", HERE / "agent.spec"]
    # The order of sets and the times in archives are those of any other run.
    same = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": epoch()}
    # Modules as they are: the package squeezes them better, and the program starts without.
    same["PYINSTALLER_ZLIB_COMPRESSION_LEVEL"] = "0"
    # Not from the checkout, whose own metadata would be taken for the wheel's.
    run([python, "-m", "PyInstaller", *options, *build], cwd=work, more=same)
    bundle = dist / NAME
    trim(bundle)
    add_weights(python, work / "home", bundle / "weights")
    write_papers(python, work / "paper", bundle)
    return bundle


def add_weights(python: Path, home: Path, to: Path) -> None:
    """The networks, fetched and converted as a site without a bundle would."""
    more = {"YIBAO_FACE_HOME": str(home)}
    run([python, "-m", "yibao_face.daemon", "models", "install"], more=more)
    shutil.copytree(home / "models", to, dirs_exist_ok=True)
