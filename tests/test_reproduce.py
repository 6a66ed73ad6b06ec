"""Two builds are compared to the byte, and what differs is named, in archives as well."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tool_bed import script

reproduce = script("reproduce")
Make = Callable[[Path], object]


def wheel(content: str = "x", minute: int = 0, names: tuple[str, ...] = ("a", "b")) -> Make:
    def make(folder: Path) -> None:
        with zipfile.ZipFile(folder / "one.whl", "w") as archive:
            for name in names:
                info = zipfile.ZipInfo(name, (2026, 1, 1, 0, minute, 0))
                archive.writestr(info, content if name == "a" else "same")

    return make


def sdist(seconds: int) -> Make:
    def make(folder: Path) -> None:
        with tarfile.open(folder / "one.tar.gz", "w:gz") as archive:
            info = tarfile.TarInfo("inner")
            info.mtime = seconds
            archive.addfile(info)

    return make


def text(content: str, mode: int = 0o644) -> Make:
    def make(folder: Path) -> None:
        (folder / "text").write_text(content, "utf-8")
        (folder / "text").chmod(mode)

    return make


def link(to: str) -> Make:
    return lambda folder: (folder / "text").symlink_to(to)


def nothing(_folder: Path) -> None:
    """An empty folder."""


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (text("a"), text("a"), []),
        (text("a"), text("bb"), ["text: 1 bytes, 2 bytes"]),
        (text("a"), text("a", 0o600), ["text: mode 100644, 100600"]),
        (text("a"), nothing, ["text: in one alone"]),
        (text("a"), link("a"), ["text: a link to elsewhere"]),
        (link("a"), link("b"), ["text: a link to elsewhere"]),
        (link("a"), link("a"), []),
        (wheel(), wheel(), []),
        (wheel(), wheel("y"), ["one.whl!a"]),
        (wheel(), wheel(minute=2), ["one.whl!a", "one.whl!b"]),
        (wheel(), wheel(names=("b", "a")), ["one.whl!order of its members"]),
        (wheel(), wheel(names=("a",)), ["one.whl!b", "one.whl!order of its members"]),
        (sdist(1), sdist(2), ["one.tar.gz!inner"]),
    ],
)
def test_what_differs_is_named(tmp_path: Path, one: Make, other: Make, told: list[str]) -> None:
    folders = (tmp_path / "a", tmp_path / "b")
    for folder, make in zip(folders, (one, other), strict=True):
        folder.mkdir()
        make(folder)

    assert told == reproduce.differing(*folders)
