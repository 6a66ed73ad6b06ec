"""Takes out of a Linux bundle what a counter never loads.

Windows are drawn by X11 (Wayland desktops have XWayland: only there a window can be put on top and
on a chosen screen), in Chinese or English, without GTK's looks.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from yibao_face.installer.bundle.elf import Elf, elf_files, read_elves
from yibao_face.installer.command import run

_PLUGINS = "PySide6/Qt/plugins"
UNUSED = (
    *(f"{_PLUGINS}/{kind}" for kind in ("egldeviceintegrations", "generic", "tls")),
    *(f"{_PLUGINS}/{kind}" for kind in ("networkinformation", "wayland-decoration-client")),
    *(f"{_PLUGINS}/wayland-{kind}-integration*" for kind in ("graphics", "shell")),
    *(f"{_PLUGINS}/platforms/libq{kind}*.so" for kind in ("eglfs", "linuxfb", "minimal")),
    *(f"{_PLUGINS}/platforms/libq{kind}*.so" for kind in ("vkkhr", "vnc", "wayland")),
    *(f"{_PLUGINS}/imageformats/libq{kind}.so" for kind in ("gif", "icns", "tga", "tiff")),
    *(f"{_PLUGINS}/imageformats/libq{kind}.so" for kind in ("wbmp", "webp")),
    f"{_PLUGINS}/platformthemes/libqgtk3.so",
    f"{_PLUGINS}/wayland-graphics-integration-client",
    "PySide6/Qt/qml",
    "PySide6/QtNetwork.abi3.so",
    "lxml/objectify*.so",
    # Hashes of scripts that name the folder they were installed in, and are not in a bundle.
    "*.dist-info/RECORD",
)
LANGUAGES = ("_zh_CN.qm", "_en.qm")
# Loaded by name, so that no table tells of them.
BY_NAME = ("libpython", "libusb-1.0", "libudev", "libdbus-1", "libgcc_s", "libX11", "libz")
# Whose symbols are worth their room: megabytes, and no patched load addresses that `strip` breaks.
STRIPPED = (
    *("mediapipe/**/libmediapipe.so", "libpython3.11.so.1.0", "cryptography/**/_rust.abi3.so"),
    *(f"{name}/**/*.so" for name in ("aiohttp", "frozenlist", "multidict", "propcache", "yarl")),
    "python3.11/lib-dynload/*.so",
)
STUB = Path(__file__).with_name("icudata.c")


def trim(bundle: Path) -> None:
    """In place; raises ``PackageError``."""
    inner = bundle / "_internal"
    for pattern in UNUSED:
        for path in list(inner.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in list((inner / "PySide6" / "Qt" / "translations").glob("*.qm")):
        if not path.name.endswith(LANGUAGES):
            path.unlink()
    drop_unreached(inner)
    for pattern in STRIPPED:
        for path in inner.glob(pattern):
            if not path.is_symlink():
                run(["strip", "--strip-unneeded", path])
    empty_icu(inner)


def empty_icu(inner: Path) -> None:
    """Qt is linked to ICU for collation and old character sets, which no window of ours uses: its
    tables, 25 MB, become the empty ones ICU itself ships for programs that do without.
    """
    for path in inner.glob("PySide6/Qt/lib/libicudata.so.*"):
        major = path.name.rpartition(".")[2]
        shared = ("-shared", "-nostdlib", "-s", "-Os", f"-Wl,-soname,{path.name}")
        path.unlink()
        run(["cc", *shared, f"-DICU=icudt{major}_dat", STUB, "-o", path])


def drop_unreached(inner: Path) -> None:
    """Libraries that were collected for what is no longer there, and links to nothing."""
    elves = read_elves(elf_files(inner))
    libraries = {path for path in elves if is_collected(path, inner)}
    reached = reach(elves, (path for path in elves if path not in libraries))
    for path in libraries:
        if path.name not in reached and not path.name.startswith(BY_NAME):
            path.unlink()
    for path in list(inner.rglob("*")):
        if path.is_symlink() and not path.exists():
            path.unlink()


def is_collected(path: Path, inner: Path) -> bool:
    """Whether it is there for others; Python's own modules are there for themselves."""
    beside = (inner.absolute(), (inner / "PySide6" / "Qt" / "lib").absolute())
    return path.parent in beside and path.name.startswith("lib")


def reach(elves: dict[Path, Elf], roots: Iterable[Path]) -> set[str]:
    """Names of every library the roots need, and those need."""
    by_name = {path.name: elf for path, elf in elves.items()}
    reached: set[str] = set()
    by_hand = [path for path in elves if path.name.startswith(BY_NAME)]
    waiting = [name for path in [*roots, *by_hand] for name in elves[path].needed]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += by_name[name].needed if name in by_name else ()
    return reached
