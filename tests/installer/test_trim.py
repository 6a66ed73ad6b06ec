"""What is left out of a bundle is nothing that the rest still loads."""

from __future__ import annotations

import ctypes
import struct
import subprocess
from pathlib import Path

import pytest
from package_bed import require_bed

from yibao_face.installer.bundle.elf import elf_files, glibc_floor, needed_of_system, read_elves
from yibao_face.installer.bundle.trim import drop_unreached, empty_icu
from yibao_face.installer.command import PackageError
from yibao_face.installer.linux.depend import needs_of


def library(at: Path, *linked: Path) -> Path:
    at.parent.mkdir(parents=True, exist_ok=True)
    source = at.with_suffix(".c")
    source.write_text('#include <stdio.h>\nint f(void) { return puts("x"); }\n')
    command = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{at.name}", "-Wl,--no-as-needed"]
    subprocess.run([*command, "-o", at, source, *linked], check=True)
    source.unlink()
    return at


@pytest.fixture
def inner(tmp_path: Path) -> Path:
    require_bed("gcc", "objdump", root=False)
    inner = tmp_path / "bundle" / "_internal"
    far = library(inner / "libfar.so.1")
    near = library(inner / "libnear.so.1", far)
    library(inner / "_module.cpython-311-x86_64-linux-gnu.so", near)
    library(inner / "libalone.so.1")
    library(inner / "PySide6" / "Qt" / "lib" / "libQt6Alone.so.6")
    (inner / "libQt6Alone.so.6").symlink_to("PySide6/Qt/lib/libQt6Alone.so.6")
    return inner


def test_a_library_stays_while_something_that_stays_needs_it(inner: Path) -> None:
    drop_unreached(inner)

    left = sorted(path.name for path in inner.rglob("*.so*"))
    assert ["_module.cpython-311-x86_64-linux-gnu.so", "libfar.so.1", "libnear.so.1"] == left


def test_what_the_system_must_have_is_read_from_the_files(inner: Path) -> None:
    elves = read_elves(elf_files(inner))
    carried = {path.name for path in inner.rglob("*.so*")}

    assert {"libc.so.6"} == set(needed_of_system(elves, carried))
    assert (2, 0) < glibc_floor(elves)
    assert needs_of(inner.parent).depends[0].startswith("libc6 (>= 2.")


def test_a_library_of_no_known_package_ends_the_packing(inner: Path) -> None:
    (inner / "libfar.so.1").unlink()

    with pytest.raises(PackageError, match=r"libfar\.so\.1, which _internal/libnear\.so\.1 needs"):
        needs_of(inner.parent)


def test_the_tables_of_icu_are_there_and_empty(inner: Path) -> None:
    tables = inner / "PySide6" / "Qt" / "lib" / "libicudata.so.56"
    tables.write_bytes(b"25 MB")

    empty_icu(inner)

    # As ICU reads them: length of the head, its mark, its format, and how many entries follow.
    head = bytes((ctypes.c_char * 40).in_dll(ctypes.CDLL(str(tables)), "icudt56_dat"))
    assert (32, 0xDA, 0x27, b"ToCP", 0) == struct.unpack("<HBB8x4s16xI4x", head)


def test_what_is_needed_beside_the_folder_counts(inner: Path, tmp_path: Path) -> None:
    beside = library(tmp_path / "launcher", inner / "libfar.so.1")

    assert "libfar" not in str(needs_of(inner.parent, beside))
    (inner / "libnear.so.1").unlink()
    (inner / "libfar.so.1").unlink()
    with pytest.raises(PackageError, match=r"which ../launcher needs|_module"):
        needs_of(inner.parent, beside)
