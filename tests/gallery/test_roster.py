"""The index of a roster: its persons, today's network, and nobody who was erased."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from yibao_face.daemon.gallery.file import GalleryError
from yibao_face.daemon.gallery.gallery import Enrolment, Gallery, Numbers, Picture
from yibao_face.daemon.gallery.roster import RosterIndex
from yibao_face.daemon.gallery.vault import VaultError, open_vault
from yibao_face.models.api import Embedding, ModelStamp
from yibao_face.models.search import SearchError

STAMP, OTHER = ModelStamp("sface-2021dec", "a" * 64), ModelStamp("sface-2021dec", "b" * 64)
TODAY = date(2026, 12, 1)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "gallery.db", open_vault(tmp_path / "device.key"))


def template(seed: int) -> Embedding:
    """A random unit vector."""
    vector = np.random.default_rng(seed).normal(size=128)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def enrolled(gallery: Gallery, number: str, *seeds: int, stamp: ModelStamp = STAMP) -> str:
    enrolment = Enrolment(Numbers(number), "张三", "v1", "photo:test", "2026-11-22")
    return gallery.add(enrolment, [Picture(template(seed)) for seed in seeds], stamp)


def beside(gallery: Gallery) -> Gallery:
    """The same file as another process opens it."""
    return Gallery(gallery.path, gallery.vault)


def best(index: RosterIndex, roster: frozenset[str], seed: int) -> str | None:
    """Who a picture that was enrolled is found to be, if anyone; the picture itself, certainly."""
    hits = index.nearest(roster, template(seed), 1, STAMP).hits
    return hits[0].key if hits and hits[0].similarity > 0.99 else None


def test_each_is_found_by_any_of_his_samples(gallery: Gallery) -> None:
    one, two = enrolled(gallery, "1", 1, 2), enrolled(gallery, "2", 3)
    index, roster = RosterIndex(gallery), frozenset({one, two})

    assert [one, one, two] == [best(index, roster, seed) for seed in (1, 2, 3)]
    assert 2 == index.nearest(roster, template(1), 1, STAMP).persons
    assert {one, two} == {h.key for h in index.nearest(roster, template(1), 9, STAMP).hits}


def test_nobody_off_the_roster_is_found_or_held(gallery: Gallery) -> None:
    one, two = enrolled(gallery, "1", 1), enrolled(gallery, "2", 2)
    index = RosterIndex(gallery)

    assert best(index, frozenset({one}), 2) is None
    assert two not in index
    assert two == best(index, frozenset({two}), 2)
    assert one not in index


@pytest.mark.parametrize("roster", [frozenset[str](), frozenset({"nobody"})])
def test_a_roster_without_faces_finds_nobody(gallery: Gallery, roster: frozenset[str]) -> None:
    enrolled(gallery, "1", 1)
    found = RosterIndex(gallery).nearest(roster, template(1), 3, STAMP)

    assert ((), 0) == (found.hits, found.persons)


def test_samples_of_another_network_do_not_count(gallery: Gallery) -> None:
    one, two = enrolled(gallery, "1", 1), enrolled(gallery, "2", 2, stamp=OTHER)
    index, roster = RosterIndex(gallery), frozenset({one, two})

    assert (1, 1) == (index.size(roster, STAMP), index.size(roster, OTHER))
    assert best(index, roster, 2) is None
    gallery.add_samples(one, [Picture(template(3))], OTHER, TODAY)
    assert 2 == index.size(roster, OTHER)
    assert best(index, roster, 3) is None


@pytest.mark.parametrize("other_process", [False, True], ids=["same", "other-process"])
def test_whatever_is_written_holds_at_the_next_search(
    gallery: Gallery, other_process: bool
) -> None:
    one, two = enrolled(gallery, "1", 1), enrolled(gallery, "2", 2)
    index, roster = RosterIndex(gallery), frozenset({one, two})
    assert one == best(index, roster, 1)
    writer = beside(gallery) if other_process else gallery

    writer.add_samples(one, [Picture(template(3))], STAMP, TODAY)
    assert one == best(index, roster, 3)
    writer.remove(one)
    assert best(index, roster, 1) is None
    assert one not in index
    assert 1 == index.size(roster, STAMP)
    assert one == enrolled(writer, "1", 4)
    assert (None, one) == (best(index, roster, 1), best(index, roster, 4))


def test_what_was_erased_is_overwritten_in_memory(gallery: Gallery) -> None:
    one, two = enrolled(gallery, "1", 1), enrolled(gallery, "2", 2)
    index, roster = RosterIndex(gallery), frozenset({one, two})
    index.size(roster, STAMP)
    assert index._index is not None
    vectors = index._index._vectors
    assert vectors.any()

    gallery.remove(one)
    index.size(roster, STAMP)
    assert not vectors.any()


def test_without_a_write_nothing_is_read_again(gallery: Gallery) -> None:
    one = enrolled(gallery, "1", 1)
    index, roster = RosterIndex(gallery), frozenset({one})
    index.size(roster, STAMP)
    made = index._index
    gallery.find(Numbers("1"))
    gallery.references(one, STAMP, TODAY)

    assert one == best(index, frozenset({one}), 1)
    assert made is index._index


def test_a_gallery_put_in_the_place_of_another_is_followed(
    gallery: Gallery, tmp_path: Path
) -> None:
    one = enrolled(gallery, "1", 1)
    index, roster = RosterIndex(gallery), frozenset({one})
    assert one == best(index, roster, 1)
    restored = Gallery(tmp_path / "restored.db", gallery.vault)
    assert one == enrolled(restored, "1", 2)
    restored.path.replace(gallery.path)

    assert (None, one) == (best(index, roster, 1), best(index, roster, 2))


def test_a_gallery_that_cannot_be_read_finds_nobody(gallery: Gallery) -> None:
    one = enrolled(gallery, "1", 1)
    index, roster = RosterIndex(gallery), frozenset({one})
    assert one == best(index, roster, 1)
    gallery.path.write_bytes(b"no database" * 1000)

    with pytest.raises(GalleryError):
        index.nearest(roster, template(1), 1, STAMP)


def test_samples_under_another_key_are_not_searched(gallery: Gallery, tmp_path: Path) -> None:
    one = enrolled(gallery, "1", 1)
    index = RosterIndex(Gallery(gallery.path, open_vault(tmp_path / "other.key")))

    for _ in range(2):
        with pytest.raises(VaultError):
            index.size(frozenset({one}), STAMP)
    assert one not in index


def test_a_probe_of_other_length_is_refused(gallery: Gallery) -> None:
    one = enrolled(gallery, "1", 1)

    with pytest.raises(SearchError):
        RosterIndex(gallery).nearest(frozenset({one}), template(1)[:64], 1, STAMP)
