"""What is squeezed is one stream that any liblzma unpacks, the same bytes every time."""

from __future__ import annotations

import lzma
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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


@settings(max_examples=50, deadline=None)
@given(
    st.binary(max_size=400),
    st.lists(st.integers(0, 400), max_size=6).map(sorted),
)
def test_tables_in_blocks_of_their_own_come_out_in_their_place(data: bytes, at: list[int]) -> None:
    cuts = [min(one, len(data)) for one in at[: len(at) // 2 * 2]]
    spans = [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=True) if a < b]
    with TemporaryDirectory() as held:
        plain, packed = Path(held) / "plain", Path(held) / "packed.xz"
        plain.write_bytes(data)

        squeeze(plain, packed, 0, spans)

        assert data == lzma.decompress(packed.read_bytes())


def test_numbers_are_smaller_where_they_are_said_to_be_some(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(np.random.RandomState(0).normal(0, 0.05, 50_000).astype("<f4").tobytes())
    size = plain.stat().st_size

    without, told = (
        len(squeeze(plain, tmp_path / "packed", 6, spans).read_bytes())
        for spans in ((), ((0, size),))
    )

    assert told < 0.98 * without


def test_the_same_file_is_squeezed_to_the_same_bytes(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"the same" * 10_000)

    first, second = (squeeze(plain, tmp_path / name, 6).read_bytes() for name in "ab")

    assert first == second
