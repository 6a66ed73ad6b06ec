"""What comes with the program on paper: bill of materials (CycloneDX), everybody's licence."""

from __future__ import annotations

import json
import shutil
import venv
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from yibao_face.installer.bundle.environment import install_lock
from yibao_face.installer.command import PackageError, run

_PAPERS = ("LICEN", "COPYING", "NOTICE", "AUTHORS", "COPYRIGHT")
# Debian's own words on the libraries that are taken from the system.
SYSTEM = ("libpython3.11-stdlib", "libssl3", "libsqlite3-0", "libstdc++6", "zlib1g", "libffi8")


def write_papers(python: Path, work: Path, bundle: Path) -> None:
    """``sbom.json`` and ``licences/`` into ``bundle``; raises ``PackageError``."""
    write_bill(python, work, bundle / "sbom.json")
    copy_licences(python.parent.parent, bundle / "licences")


def write_bill(python: Path, work: Path, to: Path) -> None:
    """The bill of what is installed beside ``python``, made by a tool in a venv of its own."""
    venv.create(work, with_pip=True, clear=True)
    own = work / "bin" / "python"
    install_lock(own, "bundle-paper")
    tool: list[str | Path] = [own, "-m", "cyclonedx_py", "environment", "--output-reproducible"]
    run([*tool, "--spec-version", "1.6", "--output-format", "JSON", "-o", to, python])
    bill: dict[str, Any] = json.loads(to.read_text("utf-8"))
    names = {part["name"] for part in bill.get("components", [])}
    if "yibao-face" not in names or len(names) < 10:
        raise PackageError("the bill of materials does not list the program")


def copy_licences(environment: Path, to: Path) -> None:
    """The licence texts of every package of ``environment``; one without any is an error."""
    copy_licences_of(next(environment.glob("lib/python*/site-packages")), to)
    for name in SYSTEM:
        text = Path("/usr/share/doc") / name / "copyright"
        if text.is_file():
            (to / name).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(text, to / name / "copyright")


def copy_licences_of(site: Path, to: Path) -> None:
    """Those of the packages in the folder ``site`` alone."""
    bare: list[str] = []
    for package in distributions(path=[str(site)]):
        name = package.metadata["Name"]
        if copy_papers(package, to / name.lower()) == 0 and not states_licence(package):
            bare.append(name)
    if bare:
        raise PackageError(f"no licence is stated by {', '.join(sorted(bare))}")


def copy_papers(package: Distribution, to: Path) -> int:
    """Copy the licence files a package brings; how many."""
    count = 0
    for file in package.files or []:
        beside = any(part.endswith((".dist-info", "licenses")) for part in file.parts[:-1])
        if not beside or not file.name.upper().startswith(_PAPERS):
            continue
        to.mkdir(parents=True, exist_ok=True)
        name = f"{count}-{file.name}" if count else file.name
        shutil.copyfile(str(file.locate()), to / name)
        count += 1
    if count:
        (to / "METADATA").write_text(package.read_text("METADATA") or "", "utf-8")
    return count


def states_licence(package: Distribution) -> bool:
    """Whether its metadata names a licence, where it brings no text of it."""
    told: Any = package.metadata
    classified = any(line.startswith("License ::") for line in told.get_all("Classifier", []))
    return classified or any(told[key] for key in ("License-Expression", "License") if key in told)
