"""Pictures of attacks are sealed, kept for some days by the caller's clock, and then gone."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest

from yibao_face.daemon.gallery.crop import CropStore
from yibao_face.daemon.gallery.evidence import EvidenceError
from yibao_face.daemon.gallery.vault import VaultError, open_vault

DAY_MS = 86_400_000
NOW_MS = 1_796_056_200_000
ONE, TWO = "01a22f1d-9ed3-7588-a946-f7b73c7de2e5", "01a22f1d-9eda-7c26-85a6-a148c2e99df9"


@pytest.fixture
def store(tmp_path: Path) -> CropStore:
    return CropStore(tmp_path / "attacks", open_vault(tmp_path / "device.key"), 7)


def names(store: CropStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir())


def pictures() -> list[bytes]:
    """The same face as PNG, as JPEG and as the archive the booth makes."""
    face = np.arange(112 * 112 * 3, dtype=np.uint8).reshape(112, 112, 3)
    packed = io.BytesIO()
    np.savez_compressed(packed, face=face)
    encoded = [cv2.imencode(kind, face)[1].tobytes() for kind in (".png", ".jpg")]
    return [*encoded, packed.getvalue()]


@pytest.mark.parametrize("picture", pictures(), ids=["png", "jpg", "npz"])
def test_what_lies_on_the_disk_is_no_picture(store: CropStore, picture: bytes) -> None:
    store.put(ONE, picture, NOW_MS)

    [file] = store.folder.iterdir()
    sealed = file.read_bytes()
    assert f"{ONE}.crop" == file.name
    assert all(mark not in sealed for mark in (b"\x89PNG", b"JFIF", b"PK\x03\x04", picture[:12]))
    assert picture == store.get(ONE)


def test_another_key_opens_nothing(store: CropStore, tmp_path: Path) -> None:
    store.put(ONE, b"face", NOW_MS)
    other = CropStore(store.folder, open_vault(tmp_path / "other.key"), 7)

    with pytest.raises(VaultError):
        other.get(ONE)


def test_a_picture_under_the_id_of_another_encounter_is_found_out(store: CropStore) -> None:
    store.put(ONE, b"face", NOW_MS)
    store.put(TWO, b"other", NOW_MS)
    (store.folder / f"{ONE}.crop").write_bytes((store.folder / f"{TWO}.crop").read_bytes())

    with pytest.raises(VaultError):
        store.get(ONE)


@pytest.mark.parametrize(
    ("later_ms", "left"),
    [(0, [ONE, TWO]), (7 * DAY_MS, [ONE, TWO]), (7 * DAY_MS + 1000, [TWO])],
)
def test_the_next_picture_drives_out_what_is_too_old(
    store: CropStore, later_ms: int, left: list[str]
) -> None:
    store.put(ONE, b"face", NOW_MS)
    store.put(TWO, b"face", NOW_MS + later_ms)

    assert [f"{id_}.crop" for id_ in left] == names(store)


def test_what_was_written_under_a_clock_that_ran_ahead_goes_too(store: CropStore) -> None:
    store.put(ONE, b"face", NOW_MS + 30 * DAY_MS)
    store.expire(NOW_MS)

    assert [] == names(store)


def test_a_part_that_was_left_behind_goes_too(store: CropStore) -> None:
    store.put(ONE, b"face", NOW_MS)
    (store.folder / f"{ONE}.crop").rename(store.folder / f"{ONE}.crop.part")
    store.expire(NOW_MS + 8 * DAY_MS)

    assert [] == names(store)


def test_a_site_that_keeps_none_adds_none_and_loses_the_old_ones(store: CropStore) -> None:
    store.put(ONE, b"face", NOW_MS)
    shy = CropStore(store.folder, store.vault, 7, keep=False)

    shy.put(TWO, b"face", NOW_MS + DAY_MS)
    assert [f"{ONE}.crop"] == names(store)
    shy.put(TWO, b"face", NOW_MS + 8 * DAY_MS)
    assert [] == names(store)


@pytest.mark.parametrize("id_", ["", "..", "../device.key", "a/b", "A", "x" * 65])
def test_an_id_that_is_none_leads_nowhere(store: CropStore, id_: str) -> None:
    with pytest.raises(EvidenceError):
        store.put(id_, b"face", NOW_MS)
    with pytest.raises(EvidenceError):
        store.get(id_)


def test_what_is_gone_is_told(store: CropStore) -> None:
    with pytest.raises(EvidenceError, match="cannot be read"):
        store.get(ONE)


def test_a_folder_that_cannot_be_is_told(store: CropStore) -> None:
    store.folder.write_bytes(b"a file")

    with pytest.raises(EvidenceError, match="cannot be written"):
        store.put(ONE, b"face", NOW_MS)
