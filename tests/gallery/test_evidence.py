"""A photograph kept as evidence is sealed, found again as it was, and missed when changed."""

from __future__ import annotations

import hashlib
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yibao_face.daemon.core.scene.detail import is_sha256
from yibao_face.daemon.gallery.evidence import MAX_PHOTO_BYTES, Evidence, EvidenceError
from yibao_face.daemon.gallery.vault import Vault, VaultError, open_vault

PHOTO = b"\xff\xd8\xff\xe0" + "请假条 李四 110101199003070000".encode() * 20


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    """A folder that does not exist yet, under a vault of its own."""
    return Evidence(tmp_path / "evidence", open_vault(tmp_path / "device.key"))


def files(evidence: Evidence) -> list[Path]:
    return sorted(evidence.folder.iterdir()) if evidence.folder.exists() else []


@contextmanager
def full_disk() -> Generator[None, None, None]:
    """No file of this process may grow: what a full disk looks like."""
    import resource  # noqa: PLC0415  # there is none on Windows

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(min_size=1, max_size=500))
def test_what_was_kept_is_found_again(evidence: Evidence, data: bytes) -> None:
    assert data == evidence.get(evidence.put(data))


def test_the_largest_picture_is_kept(evidence: Evidence) -> None:
    data = bytes(MAX_PHOTO_BYTES)

    assert data == evidence.get(evidence.put(data))


def test_nothing_of_a_picture_lies_in_clear_on_the_disk(evidence: Evidence) -> None:
    evidence.put(PHOTO)

    [kept] = files(evidence)
    for part in (PHOTO[:16], PHOTO[20:40], "李四".encode(), b"110101199003070000"):
        assert part not in kept.read_bytes()
        assert part not in kept.name.encode()


def test_the_same_picture_is_kept_once(evidence: Evidence) -> None:
    names = {evidence.put(PHOTO) for _ in range(3)}

    assert names == {file.name for file in files(evidence)}
    assert 1 == len(names)


def test_another_picture_has_another_name(evidence: Evidence) -> None:
    assert evidence.put(PHOTO) != evidence.put(PHOTO + b"x")
    assert 2 == len(files(evidence))


def test_a_name_is_one_that_records_take_and_nobody_can_guess(
    evidence: Evidence, tmp_path: Path
) -> None:
    name = evidence.put(PHOTO)
    elsewhere = Evidence(tmp_path / "other", open_vault(tmp_path / "other.key"))

    assert is_sha256(name)
    assert name != hashlib.sha256(PHOTO).hexdigest()
    assert name != elsewhere.put(PHOTO)


def test_another_vault_opens_nothing(evidence: Evidence, tmp_path: Path) -> None:
    name = evidence.put(PHOTO)

    with pytest.raises(VaultError):
        Evidence(evidence.folder, open_vault(tmp_path / "other.key")).get(name)


def test_no_byte_on_the_disk_can_be_changed(evidence: Evidence) -> None:
    name = evidence.put(b"photo")
    file = evidence.folder / name
    sealed = file.read_bytes()
    for at in range(len(sealed)):
        other = bytearray(sealed)
        other[at] ^= 1
        file.write_bytes(other)
        with pytest.raises(VaultError):
            evidence.get(name)


def test_a_picture_under_the_name_of_another_is_found_out(evidence: Evidence) -> None:
    one, two = evidence.put(PHOTO), evidence.put(PHOTO + b"x")
    (evidence.folder / one).write_bytes((evidence.folder / two).read_bytes())

    with pytest.raises(VaultError):
        evidence.get(one)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "device.key",
        "../device.key",
        "..",
        "/etc/hostname",
        "a" * 63,
        "a" * 65,
        "A" * 64,
        "g" * 64,
        "../" + "a" * 61,
        "a" * 61 + "/..",
        "a" * 63 + "\n",
        "a" * 63 + "\x00",
        "٠" * 64,
    ],
)
def test_what_is_no_name_of_ours_is_never_looked_up(evidence: Evidence, name: str) -> None:
    with pytest.raises(EvidenceError, match="no name"):
        evidence.get(name)


def test_what_was_never_kept_is_an_error(evidence: Evidence) -> None:
    with pytest.raises(EvidenceError, match=r"aaaaaaaa cannot be read"):
        evidence.get("a" * 64)


@pytest.mark.parametrize("size", [0, MAX_PHOTO_BYTES + 1])
def test_nothing_and_too_much_are_refused(evidence: Evidence, size: int) -> None:
    with pytest.raises(EvidenceError, match=f"evidence of {size} bytes"):
        evidence.put(bytes(size))
    assert [] == files(evidence)


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_bytes(b"")
    vault = Vault(bytes(range(32)), bytes(range(32, 64)))

    with pytest.raises(EvidenceError, match="cannot be written"):
        Evidence(tmp_path / "evidence", vault).put(PHOTO)


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX")
def test_on_a_full_disk_nothing_half_is_left_and_it_is_kept_once_there_is_room(
    evidence: Evidence,
) -> None:
    evidence.folder.mkdir()
    with full_disk(), pytest.raises(EvidenceError, match="cannot be written"):
        evidence.put(PHOTO)

    assert [] == files(evidence)
    assert PHOTO == evidence.get(evidence.put(PHOTO))


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX")
def test_a_picture_is_its_owners_alone(evidence: Evidence) -> None:
    name = evidence.put(PHOTO)

    assert 0o600 == stat.S_IMODE((evidence.folder / name).stat().st_mode)
