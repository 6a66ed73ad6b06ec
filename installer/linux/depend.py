"""Debian's package for each library the bundle takes from the machine."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from yibao_face.installer.bundle.elf import (
    elf_files,
    glibc_floor,
    needed_of_system,
    read_elves,
)
from yibao_face.installer.command import PackageError

_LIBC = (
    *("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1"),
    *("libresolv.so.2", "ld-linux-x86-64.so.2"),
)
_PACKAGES = {
    **dict.fromkeys(_LIBC, "libc6"),
    "libEGL.so.1": "libegl1",
    "libGLESv2.so.2": "libgles2",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libdrm.so.2": "libdrm2",
    "libgbm.so.1": "libgbm1",
    "libfontconfig.so.1": "libfontconfig1",
}
# Loaded by the windows alone: a counter without them needs no desktop.
_WINDOWS = re.compile(r"_internal/(PySide6/|shiboken6/|libQt6|libX|libxcb|libxkb)")
# The scripts' programs that are not essential to Debian, and the fonts of the windows.
DEPENDS = ("passwd",)
RECOMMENDS = ("fonts-noto-cjk | fonts-wqy-microhei", "xdg-utils", "libegl1", "libgl1")


@dataclass(frozen=True, slots=True)
class Needs:
    """``depends``, ``recommends``: as in a control file. ``glibc``: the floor, measured."""

    depends: tuple[str, ...]
    recommends: tuple[str, ...]
    glibc: str


def needs_of(bundle: Path, *beside: Path) -> Needs:
    """``beside``: programs that are laid beside it. Raises ``PackageError`` for a library that no
    package is known for.
    """
    bundle = bundle.absolute()
    elves = read_elves([*elf_files(bundle), *beside])
    major, minor = glibc_floor(elves)
    carried = {path.name for path in bundle.rglob("*.so*")}
    needed, wanted = set[str](), set[str]()
    for name, users in needed_of_system(elves, carried).items():
        package = _PACKAGES.get(name)
        if package is None:
            who = os.path.relpath(users[0], bundle)
            raise PackageError(f"{name}, which {who} needs, is in no package known here")
        windows = all(_WINDOWS.match(os.path.relpath(user, bundle)) for user in users)
        (wanted if windows else needed).add(package)
    needed.discard("libc6")
    wanted.discard("libc6")
    depends = (f"libc6 (>= {major}.{minor})", *sorted(needed), *DEPENDS)
    first = sorted(wanted - needed)
    more = [name for name in RECOMMENDS if name not in first and name not in needed]
    return Needs(depends, (*first, *more), f"{major}.{minor}")
