"""A clip that was cut, altered or packed otherwise: a ``ClipError``, never anything else."""

from __future__ import annotations

import zipfile
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
import pytest

from yibao_face.drivers.api import ClipError
from yibao_face.drivers.clip import ClipReader

NAMES = ("clip.json", "color.mkv", "depth.mkv", "ir.mkv")


def content(path: Path) -> tuple[object, ...]:
    """Everything a clip tells, comparable."""
    clip = ClipReader(path)
    planes = [plane for p in clip.frames() for plane in (p.bgr, p.depth_mm, p.ir)]
    return clip.header, [None if plane is None else plane.tobytes() for plane in planes]


def outcome(path: Path, untouched: tuple[object, ...]) -> str:
    """`same`, `refused`, or what went wrong."""
    try:
        return "same" if untouched == content(path) else "other content"
    except ClipError:
        return "refused"
    except Exception as exc:  # noqa: BLE001  # whatever it is, it is what is looked for
        return repr(exc)


def outcomes(whole: Path, path: Path, flips: Sequence[tuple[int, int]]) -> Generator[str]:
    """What becomes of the clip when one byte is changed, for each of (position, bits)."""
    untouched, good = content(whole), whole.read_bytes()
    for at, bits in flips:
        data = bytearray(good)
        data[at] ^= bits
        path.write_bytes(data)
        found = outcome(path, untouched)
        yield found if found in ("same", "refused") else f"byte {at} ^ {bits}: {found}"


def span(path: Path, name: str) -> range:
    """Where the bytes of a member lie."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
    start = info.header_offset + 30 + len(info.filename)
    return range(start, start + info.file_size)


def test_one_changed_byte_anywhere_is_refused_or_harmless(whole: Path, tmp_path: Path) -> None:
    rng, size = np.random.default_rng(11), whole.stat().st_size
    flips = [(int(rng.integers(size)), int(rng.integers(1, 256))) for _ in range(200)]

    found = set(outcomes(whole, tmp_path / "flipped.rgbd", flips))

    assert {"same", "refused"} == found


@pytest.mark.parametrize("bits", [0x01, 0x08, 0x80])
def test_a_changed_bit_of_the_archives_own_bytes_is_refused_or_harmless(
    whole: Path, tmp_path: Path, bits: int
) -> None:
    taken = {at for name in NAMES for at in span(whole, name)}
    flips = [(at, bits) for at in range(whole.stat().st_size) if at not in taken]

    found = set(outcomes(whole, tmp_path / "flipped.rgbd", flips))

    assert len(flips) > 300
    assert {"same", "refused"} == found


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_byte_of_a_member_is_always_refused(
    whole: Path, tmp_path: Path, name: str
) -> None:
    places = span(whole, name)
    chosen = np.random.default_rng(12).choice(len(places), 50, replace=False)
    flips = [(places[int(at)], 0x10) for at in chosen]

    found = set(outcomes(whole, tmp_path / "flipped.rgbd", flips))

    assert {"refused"} == found


def test_a_truncated_clip_is_refused(whole: Path, tmp_path: Path) -> None:
    good = whole.read_bytes()
    some = np.random.default_rng(13).integers(0, len(good), 100).tolist()
    path = tmp_path / "cut.rgbd"

    for length in sorted({0, 1, len(good) - 1, *some}):
        path.write_bytes(good[:length])
        with pytest.raises(ClipError, match=r"cut\.rgbd"):
            ClipReader(path)


@pytest.mark.parametrize(
    "data", [b"", b"P", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"\x89PNG\r\n", bytes(5000)]
)
def test_a_file_that_is_no_clip_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.rgbd"
    path.write_bytes(data)

    with pytest.raises(ClipError):
        ClipReader(path)


@pytest.mark.parametrize("name", [".", "nothing.rgbd", "nowhere/nothing.rgbd"])
def test_a_folder_or_nothing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ClipError, match="not a readable clip"):
        ClipReader(tmp_path / name)


@pytest.mark.parametrize("missing", NAMES)
def test_a_clip_without_one_of_its_members_is_refused(
    tmp_path: Path, members: dict[str, bytes], missing: str
) -> None:
    path = tmp_path / "less.rgbd"
    with zipfile.ZipFile(path, "w") as archive:
        for name in members.keys() - {missing}:
            archive.writestr(name, members[name])

    with pytest.raises(ClipError, match=missing.replace(".", r"\.")):
        ClipReader(path)


@pytest.mark.parametrize("squeezed", NAMES)
@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_member_is_refused(
    tmp_path: Path, members: dict[str, bytes], squeezed: str, kind: int
) -> None:
    path = tmp_path / "squeezed.rgbd"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data, kind if name == squeezed else zipfile.ZIP_STORED)

    with pytest.raises(ClipError, match=rf"{squeezed}: .*not a stored"):
        ClipReader(path)
