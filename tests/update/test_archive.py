"""A packed program is unpacked as it was, or not at all, and never beside its folder."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from update_site import NEW, OLD, PLATFORM, make_program

from yibao_face.installer.command import PackageError
from yibao_face.installer.update.publish.pack import About, pack
from yibao_face.installer.update.release import Release
from yibao_face.installer.update.take.archive import ArchiveError, unpack

ROOMY = Release(NEW, PLATFORM, "a.tar.xz", "0" * 64, 1, 1 << 30, 10_000, OLD)
KINDS = (
    *(tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE),
    *(tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE, tarfile.CONTTYPE, b"Z"),
)


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 3
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = size if kind == tarfile.REGTYPE else 0
    return info


def packed(path: Path, entries: list[tarfile.TarInfo]) -> Path:
    with tarfile.open(path, "w:xz", preset=0) as file:
        for info in entries:
            file.addfile(info, io.BytesIO(b"x" * info.size))
    return path


def everything(folder: Path) -> dict[str, tuple[str, bytes]]:
    found: dict[str, tuple[str, bytes]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()).encode())
        elif path.is_dir():
            found[name] = ("folder", b"")
        else:
            found[name] = (oct(stat.S_IMODE(path.stat().st_mode)), path.read_bytes())
    return found


def test_what_was_packed_is_unpacked(tmp_path: Path) -> None:
    bundle = make_program(tmp_path / "bundle", NEW)
    os.link(bundle / "_internal" / "lib.so.1", bundle / "_internal" / "same.so")
    release = pack(bundle, About(NEW, PLATFORM, OLD), tmp_path)

    mask = os.umask(0o077)
    unpack(tmp_path / release.archive, release, tmp_path / "to")
    os.umask(mask)
    assert 0o755 == stat.S_IMODE((tmp_path / "to" / "_internal").stat().st_mode)
    assert everything(bundle) == everything(tmp_path / "to")


def test_the_same_folder_is_packed_to_the_same_bytes(tmp_path: Path) -> None:
    bundle, about = make_program(tmp_path / "bundle", NEW), About(NEW, PLATFORM, OLD)
    first = pack(bundle, about, tmp_path)
    for path in bundle.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)

    assert first == pack(bundle, about, tmp_path)


@pytest.mark.parametrize(
    "entries",
    [
        [entry("../outside")],
        [entry("/etc/outside")],
        [entry("a/../../outside")],
        [entry("C:/outside")],
        [entry("a\\..\\outside")],
        [entry("a:stream")],
        [entry("nul.txt")],
        [entry("trailing. ")],
        [entry("")],
        [entry("./a")],
        [entry("x" * 2000)],
        [entry("link", tarfile.SYMTYPE, "/etc")],
        [entry("link", tarfile.SYMTYPE, "../outside")],
        [entry("a/link", tarfile.SYMTYPE, "../../outside")],
        [entry("link", tarfile.SYMTYPE, "")],
        [entry("link", tarfile.SYMTYPE, "."), entry("link/x")],
        [entry("link", tarfile.SYMTYPE, "a"), entry("a", tarfile.DIRTYPE), entry("link/x")],
        [entry("a"), entry("hard", tarfile.LNKTYPE, "a")],
        [entry("device", tarfile.CHRTYPE)],
        [entry("pipe", tarfile.FIFOTYPE)],
        [entry("a"), entry("A")],
        [entry("a"), entry("a")],
        [entry("a"), entry("a/b")],
        [entry("é"), entry("e\u0301")],
    ],
    ids=lambda entries: " ".join(f"{e.name[:20]}:{e.type.decode()}" for e in entries),
)
def test_nothing_leads_out_or_is_anything_but_a_file(
    tmp_path: Path, entries: list[tarfile.TarInfo]
) -> None:
    archive = packed(tmp_path / "a", entries)

    with pytest.raises(ArchiveError):
        unpack(archive, ROOMY, tmp_path / "to")
    assert {"a", "to"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("bounds", "why"), [({"unpacked_bytes": 5}, "larger"), ({"entries": 1}, "more files")]
)
def test_no_more_is_unpacked_than_was_signed(
    tmp_path: Path, bounds: dict[str, int], why: str
) -> None:
    archive = packed(tmp_path / "a", [entry("a"), entry("b")])

    with pytest.raises(ArchiveError, match=why):
        unpack(archive, replace(ROOMY, **bounds), tmp_path / "to")  # type: ignore[arg-type]  # ints


def test_what_a_counter_could_not_unpack_is_not_packed(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    os.mkfifo(tmp_path / "bundle" / "pipe")

    with pytest.raises(PackageError):
        pack(tmp_path / "bundle", About(NEW, PLATFORM, OLD), tmp_path)


def outside(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


_NAMES = st.lists(
    st.sampled_from(["a", "B", "b", "..", ".", "", "link", "中文", "nul", "C:", "x\\y", "é"]),
    min_size=1,
    max_size=4,
).map("/".join)
_ENTRIES = st.lists(
    st.builds(entry, _NAMES, st.sampled_from(KINDS), _NAMES, st.integers(0, 2000)), max_size=6
)
SLOW = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SLOW
@given(entries=_ENTRIES)
def test_whatever_the_entries_nothing_is_written_beside(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tarfile.TarInfo]
) -> None:
    folder = tmp_path_factory.mktemp("unpack")
    archive = packed(folder / "archive", entries)
    with contextlib.suppress(ArchiveError):
        unpack(archive, ROOMY, folder / "to")
    assert {"archive", "to"} == outside(folder)
    root = (folder / "to").resolve()
    for path in (folder / "to").rglob("*"):
        assert Path(os.path.realpath(path)).is_relative_to(root)


@SLOW
@given(data=st.binary(max_size=2000))
def test_whatever_the_bytes_they_are_unpacked_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("unpack")
    (folder / "archive").write_bytes(data)
    with contextlib.suppress(ArchiveError):
        unpack(folder / "archive", ROOMY, folder / "to")
    assert {"archive", "to"} == outside(folder)


@SLOW
@given(place=st.integers(0, 10_239), value=st.integers(0, 255))
def test_whatever_byte_of_a_tar_is_changed_it_is_unpacked_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    folder = tmp_path_factory.mktemp("unpack")
    with tarfile.open(folder / "archive", "w") as file:
        for info in (entry("a"), entry("b", tarfile.DIRTYPE), entry("c", tarfile.SYMTYPE, "a")):
            file.addfile(info, io.BytesIO(b"x" * info.size))
    data = bytearray((folder / "archive").read_bytes())
    data[place % len(data)] = value
    (folder / "archive").write_bytes(data)
    with contextlib.suppress(ArchiveError):
        unpack(folder / "archive", ROOMY, folder / "to")
    assert {"archive", "to"} == outside(folder)
