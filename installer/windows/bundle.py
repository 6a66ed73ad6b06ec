"""The folder that runs on a counter PC with Windows, frozen under Wine."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from yibao_face.installer.bundle.freeze import HERE as SPEC_FOLDER
from yibao_face.installer.bundle.freeze import NAME, add_weights
from yibao_face.installer.bundle.paper import copy_licences_of, write_bill
from yibao_face.installer.command import PackageError, epoch
from yibao_face.installer.windows.pin import pins
from yibao_face.installer.windows.python import make_python, runtime_files
from yibao_face.installer.windows.resource import write_icon, write_version
from yibao_face.installer.windows.wine import Wine

_FREEZE_S = 1800.0


def freeze(work: Path, held: Path, version: str) -> Path:
    """Make ``work/dist/yibao-face`` with networks, licences and bill of materials; its path.

    ``held``: what builds share: downloads, the Windows Python, Wine, PyInstaller's analysis.
    Raises ``PackageError``.
    """
    held.mkdir(parents=True, exist_ok=True)
    python = make_python(held / "python", held / "download")
    wine = Wine(held / "prefix-build")
    wine.make(held)
    bundle = _frozen(wine, python, work, held, version)
    for name in ("RECORD", "direct_url.json"):
        # Where files lay on this machine: nobody's concern, and another path on every one.
        for told in (bundle / "_internal").glob(f"*.dist-info/{name}"):
            told.unlink()
    libraries, papers = runtime_files(held / "download")
    for file in libraries:
        shutil.copyfile(file, bundle / "_internal" / file.name)
    add_weights(
        Path(sys.executable),
        Path(os.environ.get("YIBAO_FACE_HOME", held / "home")),
        bundle / "weights",
    )
    write_papers(python, held / "paper", bundle)
    add_papers(bundle, papers)
    return bundle


def _frozen(wine: Wine, python: Path, work: Path, held: Path, version: str) -> Path:
    dist, icon = work / "dist", write_icon(held)
    more = {
        "YIBAO_FACE_ICON": f"Z:{icon}",
        "YIBAO_FACE_VERSION_INFO": f"Z:{write_version(held, version)}",
        # As on Linux: the order of sets and the times in archives are those of any other run.
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": epoch(),
    }
    options: list[str | Path] = ["--noconfirm", "--log-level", "WARN", "--distpath", dist]
    options += ["--workpath", held / "build", SPEC_FOLDER / "agent.spec"]
    command: list[str | Path] = [python / "python.exe", "-m", "PyInstaller", *options]
    code, told = wine.call(command, more=more, wait_s=_FREEZE_S)
    if code != 0:
        raise PackageError("PyInstaller: " + "\n".join(told.strip().splitlines()[-5:]))
    return dist / NAME


def add_papers(bundle: Path, runtime: Iterable[Path]) -> None:
    """What no package of Python is: the interpreter, and Microsoft's ``runtime`` (its papers)."""
    folder = bundle / "licences" / pins()["runtime"]["package"]
    folder.mkdir(exist_ok=True)
    for file in runtime:
        shutil.copyfile(file, folder / file.name)
    bill = bundle / "sbom.json"
    told: dict[str, Any] = json.loads(bill.read_text("utf-8"))
    told["components"] += foreign()
    bill.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", "utf-8")


def foreign() -> list[dict[str, Any]]:
    """The components of ``add_papers``, as CycloneDX has them."""
    python, runtime = pins()["python"], pins()["runtime"]
    rows = (
        ("cpython", python["python"], python, {"id": "PSF-2.0"}),
        (
            runtime["package"],
            runtime["version"],
            runtime,
            {"name": "Microsoft Visual C++ Runtime (redistributable)"},
        ),
    )
    return [
        {
            "type": "library",
            "bom-ref": f"{name}=={version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{pin['package']}@{pin['version']}",
            "hashes": [{"alg": "SHA-256", "content": pin["sha256"]}],
            "licenses": [{"license": licence}],
        }
        for name, version, pin, licence in rows
    ]


def write_papers(python: Path, held: Path, bundle: Path) -> None:
    """``sbom.json`` and ``licences/`` of the Windows packages; raises ``PackageError``."""
    site = python / "Lib" / "site-packages"
    # The tool asks an interpreter where its packages lie, no more; this one does not run here.
    stand_in = held.parent / "where-packages-lie"
    stand_in.write_text(f"#!/bin/sh\nprintf '[\"%s\"]' '{site}'\n", "utf-8")
    stand_in.chmod(0o755)
    write_bill(stand_in, held, bundle / "sbom.json")
    copy_licences_of(site, bundle / "licences")
    (bundle / "licences" / "python").mkdir(exist_ok=True)
    shutil.copyfile(python / "LICENSE.txt", bundle / "licences" / "python" / "LICENSE.txt")
