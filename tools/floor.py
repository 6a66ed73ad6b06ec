"""The oldest glibc each installed package runs on: ``.venv/bin/python tools/floor.py [FOLDER]``.

Of the packages beside the Python that runs it, else of those below FOLDER; the file that asks for
it is named. What a bundle needs is the newest of them and of its Python's own.
"""

from __future__ import annotations

import sys
import sysconfig
from importlib.metadata import Distribution, distributions
from pathlib import Path

from yibao_face.installer.bundle.elf import Elf, is_elf, read_elves

Floor = tuple[tuple[int, int], str, Path]


def floors(site: Path) -> list[Floor]:
    """Glibc, package and file of each package with native files, the newest first."""
    owners = {
        path: package.name
        for package in distributions(path=[str(site)])
        for path in native(package)
    }
    newest: dict[str, tuple[Path, Elf]] = {}
    for path, elf in read_elves(owners).items():
        held = newest.get(owners[path])
        if held is None or elf.glibc > held[1].glibc:
            newest[owners[path]] = path, elf
    found = [(elf.glibc, name, path) for name, (path, elf) in newest.items()]
    return sorted(found, key=lambda one: (*(-part for part in one[0]), one[1]))


def native(package: Distribution) -> list[Path]:
    """Its programs and libraries."""
    files = [Path(str(file.locate())).absolute() for file in package.files or []]
    return [file for file in files if file.is_file() and not file.is_symlink() and is_elf(file)]


def main() -> None:
    """A line for each."""
    site = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(sysconfig.get_path("platlib"))
    for (major, minor), name, path in floors(site.absolute()):
        print(f"{major}.{minor:<4} {name:<28} {path.relative_to(site.absolute())}")


if __name__ == "__main__":
    main()
