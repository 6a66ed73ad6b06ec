"""What is shipped: built twice the same, exporting two names, importing what Windows 7 has."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import require

from yibao_face.shim import build
from yibao_face.shim.source import SourceError, monocypher


def sums(out: Path) -> str:
    return (out / "SHA256SUMS").read_text("ascii")


def test_two_builds_are_the_same_bit_for_bit_and_may_be_shipped(tmp_path: Path) -> None:
    for target in build.TARGETS:
        require(target.compiler)
    for name in ("one", "two"):
        assert 0 == build.main(["native", "--out", str(tmp_path / name)])

    assert sums(tmp_path / "one") == sums(tmp_path / "two")
    assert 9 == sums(tmp_path / "one").count("\n")
    assert 0 == build.main(["check", "--out", str(tmp_path / "one")])


def test_the_other_convention_is_found_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for target in build.TARGETS:
        require(target.compiler)
    assert 0 == build.main(["native", "--only", "windows", "--out", str(tmp_path)])
    swapped = tmp_path / "x86-cdecl" / "HisCallFace.dll"
    swapped.write_bytes((tmp_path / "x86-stdcall" / "HisCallFace.dll").read_bytes())

    assert 1 == build.main(["check", "--only", "windows", "--out", str(tmp_path)])
    assert "x86-cdecl: is of the other calling convention" in capsys.readouterr().out


def test_generated_files_are_what_the_declaration_says() -> None:
    folder = build.ROOM / "src" / "gen"

    assert {name: (folder / name).read_text("ascii") for name in build.generated()} == (
        build.generated()
    )


def test_another_package_under_the_pinned_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pymonocypher-4.0.3.4.tar.gz").write_bytes(b"something else")

    with pytest.raises(SourceError, match="is not the pinned file"):
        monocypher(tmp_path)
