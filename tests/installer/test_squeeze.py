"""What is squeezed is one stream that any liblzma unpacks, the same bytes every time."""

from __future__ import annotations

import lzma
import shutil
import subprocess
from pathlib import Path

import pytest
from package_bed import require_bed

from yibao_face.installer.bundle.squeeze import squeeze


@pytest.mark.parametrize("preset", [0, 9])
def test_what_is_squeezed_comes_out_as_it_was(tmp_path: Path, preset: int) -> None:
    require_bed("xz", root=False)
    plain, packed = tmp_path / "plain", tmp_path / "packed.xz"
    plain.write_bytes(b"\xe8\x10\x00\x00\x00call" * 50_000 + bytes(range(256)))

    squeeze(plain, packed, preset)

    assert plain.read_bytes() == lzma.decompress(packed.read_bytes())
    unpack = [str(shutil.which("xz")), "-dc", packed]
    unpacked = subprocess.run(unpack, check=True, capture_output=True).stdout
    assert plain.read_bytes() == unpacked


def test_the_same_file_is_squeezed_to_the_same_bytes(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"the same" * 10_000)

    first, second = (squeeze(plain, tmp_path / name, 6).read_bytes() for name in "ab")

    assert first == second
