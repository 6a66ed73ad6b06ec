"""What the bundle's native files need of a machine, by their own tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from yibao_face.installer.command import run

_MAGIC = b"\x7fELF"
_NEEDED = re.compile(r"^\s+NEEDED\s+(\S+)", re.MULTILINE)
_GLIBC = re.compile(r"\bGLIBC_(\d+)\.(\d+)")
_HEAD = re.compile(r"^(/.+):\s+file format .*$", re.MULTILINE)
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Elf:
    """``needed``: libraries it is linked to. ``glibc``: the newest version it asks for."""

    needed: frozenset[str]
    glibc: tuple[int, int]


def elf_files(folder: Path) -> list[Path]:
    """Programs and libraries below ``folder``, no links, sorted."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if not path.is_symlink() and is_elf(path)]


def is_elf(path: Path) -> bool:
    """Whether it begins as one."""
    with path.open("rb") as file:
        return file.read(4) == _MAGIC


def read_elves(files: Iterable[Path]) -> dict[Path, Elf]:
    """Each by binutils' ``objdump``; raises ``PackageError``."""
    every = [file.absolute() for file in files]
    found: dict[Path, Elf] = {}
    for start in range(0, len(every), _BATCH):
        batch = every[start : start + _BATCH]
        told = _HEAD.split(run(["objdump", "-p", *batch], more={"LC_ALL": "C"}))
        for name, text in zip(told[1::2], told[2::2], strict=True):
            found[Path(name)] = _elf(text)
    return found


def _elf(text: str) -> Elf:
    versions = [(int(major), int(minor)) for major, minor in _GLIBC.findall(text)]
    return Elf(frozenset(_NEEDED.findall(text)), max(versions, default=(0, 0)))


def glibc_floor(elves: dict[Path, Elf]) -> tuple[int, int]:
    """The oldest glibc all of them run on."""
    return max((elf.glibc for elf in elves.values()), default=(0, 0))


def needed_of_system(elves: dict[Path, Elf], carried: Iterable[str]) -> dict[str, list[Path]]:
    """Libraries the bundle does not carry, each with who needs it."""
    here = set(carried)
    wanted: dict[str, list[Path]] = {}
    for path, elf in elves.items():
        for name in elf.needed - here:
            wanted.setdefault(name, []).append(path)
    return wanted
