"""Persons, their templates and agents in one file: found, guarded, erased."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from yibao_face.daemon.core.encounter import Who
from yibao_face.daemon.core.template import Probe, Sample, Source
from yibao_face.daemon.gallery.file import GalleryError
from yibao_face.daemon.gallery.gallery import (
    Enrolment,
    Gallery,
    Numbers,
    NumbersConflictError,
    PersonExistsError,
    Picture,
    UnknownPersonError,
)
from yibao_face.daemon.gallery.vault import VaultError, open_vault
from yibao_face.models.api import Embedding, ModelStamp
from yibao_face.models.embed import cosine

STAMP = ModelStamp("sface-2021dec", "a" * 64)
TODAY = date(2026, 11, 22)
ID, PSN, NAME = "32010119420215674X", "32000000000000012345", "欧阳张三"
OTHER = "110101199003070000"


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """An empty gallery; its key lies in another folder, so a scan sees only the gallery."""
    return Gallery(tmp_path / "site" / "gallery.db", open_vault(tmp_path / "key" / "device.key"))


def template(seed: int) -> Embedding:
    """A random unit vector."""
    vector = np.random.default_rng(seed).normal(size=128)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def picture(seed: int) -> Picture:
    return Picture(template(seed))


def person(number: str, name: str = NAME, person_number: str = "") -> Enrolment:
    return Enrolment(Numbers(number, person_number), name, "v1", "staff:1001", "2026-11-22")


def on_disk(gallery: Gallery) -> bytes:
    """Every byte of the gallery's folder."""
    files = sorted(gallery.path.parent.glob("gallery.db*"))
    assert files
    return b"".join(file.read_bytes() for file in files)


@pytest.mark.parametrize(
    "numbers",
    [Numbers(ID), Numbers(ID.lower()), Numbers("", PSN), Numbers(ID, PSN), Numbers(OTHER, PSN)],
)
def test_a_person_is_found_by_either_number(gallery: Gallery, numbers: Numbers) -> None:
    added = gallery.add(person(ID, person_number=PSN), [picture(1)], STAMP)

    assert added == gallery.find(numbers)
    assert 1 == gallery.count()


def test_a_person_enrolled_in_small_letters_is_found_in_capitals(gallery: Gallery) -> None:
    added = gallery.add(person(ID.lower()), [picture(1)], STAMP)

    assert added == gallery.find(Numbers(ID))


def test_an_id_number_is_no_person_number(gallery: Gallery) -> None:
    gallery.add(person(ID), [picture(1)], STAMP)

    assert gallery.find(Numbers("", ID)) is None
    assert gallery.find(Numbers(OTHER)) is None
    assert gallery.find(Numbers()) is None


def test_numbers_that_name_two_persons_are_refused(gallery: Gallery) -> None:
    gallery.add(person(ID), [picture(1)], STAMP)
    gallery.add(person(OTHER, person_number=PSN), [picture(2)], STAMP)

    with pytest.raises(NumbersConflictError):
        gallery.find(Numbers(ID, PSN))


def test_a_number_nobody_has_does_not_hide_the_person_of_the_other(gallery: Gallery) -> None:
    by_id = gallery.add(person(ID), [picture(1)], STAMP)

    assert by_id == gallery.find(Numbers(ID, PSN))


def test_an_empty_gallery_knows_nobody(gallery: Gallery) -> None:
    assert gallery.find(Numbers(ID)) is None
    assert 0 == gallery.count()
    with pytest.raises(UnknownPersonError):
        gallery.name("0" * 64)


@pytest.mark.parametrize("name", [NAME, "", "O'Brien; DROP TABLE person", "买买提·艾力" * 20])
def test_the_name_comes_back_as_it_was_given(gallery: Gallery, name: str) -> None:
    added = gallery.add(person(ID, name), [picture(1)], STAMP)

    assert name == gallery.name(added)


@pytest.mark.parametrize(
    "second",
    [person(ID), person(ID.lower()), person(OTHER, person_number=PSN), person("", "", PSN)],
)
def test_a_number_is_enrolled_once(gallery: Gallery, second: Enrolment) -> None:
    first = gallery.add(person(ID, person_number=PSN), [picture(1)], STAMP)

    with pytest.raises(PersonExistsError):
        gallery.add(second, [picture(2)], STAMP)
    assert 1 == gallery.count()
    assert NAME == gallery.name(first)
    assert gallery.find(Numbers(OTHER)) is None
    [kept] = gallery.references(first, STAMP, TODAY)
    assert cosine(kept.template, template(1)) == pytest.approx(1)


def test_a_person_needs_a_number_and_a_template(gallery: Gallery) -> None:
    with pytest.raises(GalleryError):
        gallery.add(person(""), [picture(1)], STAMP)
    with pytest.raises(GalleryError):
        gallery.add(person(ID), [], STAMP)
    assert 0 == gallery.count()


@pytest.mark.parametrize("other", [replace(STAMP, id="other"), replace(STAMP, sha256="b" * 64)])
def test_templates_of_another_model_give_no_reference(gallery: Gallery, other: ModelStamp) -> None:
    added = gallery.add(person(ID), [picture(1)], STAMP)

    assert [] == gallery.references(added, other, TODAY)
    gallery.add_samples(added, [picture(2)], other, TODAY)
    [new] = gallery.references(added, other, TODAY)
    assert cosine(new.template, template(2)) == pytest.approx(1)


def test_several_samples_are_fused_to_their_unit_mean(gallery: Gallery) -> None:
    added = gallery.add(person(ID), [picture(1), picture(2)], STAMP)
    gallery.add_samples(added, [picture(3)], STAMP, TODAY)

    [reference] = gallery.references(added, STAMP, TODAY)
    mean = np.mean([template(1), template(2), template(3)], axis=0)
    np.testing.assert_allclose(mean / np.linalg.norm(mean), reference.template, atol=1e-6)
    assert (Who.SELF, added) == (reference.who, reference.person)
    assert np.dtype(np.float32) == reference.template.dtype


@pytest.mark.parametrize(
    ("until", "allowed"),
    [(date(2026, 11, 21), False), (date(2026, 11, 22), True), (date(2027, 1, 1), True)],
)
def test_an_agent_may_come_until_the_last_day(
    gallery: Gallery, until: date, allowed: bool
) -> None:
    principal = gallery.add(person(ID), [picture(1)], STAMP)
    agent = gallery.add(person(OTHER), [picture(2)], STAMP)
    gallery.allow_agent(principal, agent, "子女", until)

    found = gallery.references(principal, STAMP, TODAY)
    expected = [(Who.SELF, principal, False), (Who.AGENT, agent, not allowed)]
    assert expected == [(r.who, r.person, r.expired) for r in found]
    assert [(Who.SELF, agent)] == [
        (r.who, r.person) for r in gallery.references(agent, STAMP, TODAY)
    ]


def test_allowing_an_agent_again_moves_the_last_day(gallery: Gallery) -> None:
    principal = gallery.add(person(ID), [picture(1)], STAMP)
    agent = gallery.add(person(OTHER), [picture(2)], STAMP)
    gallery.allow_agent(principal, agent, "子女", date(2027, 1, 1))
    gallery.allow_agent(principal, agent, "子女", date(2026, 1, 1))

    found = gallery.references(principal, STAMP, TODAY)
    assert [(Who.SELF, False), (Who.AGENT, True)] == [(r.who, r.expired) for r in found]


def test_a_revoked_agent_is_a_stranger_at_once(gallery: Gallery) -> None:
    principal = gallery.add(person(ID), [picture(1)], STAMP)
    agent = gallery.add(person(OTHER), [picture(2)], STAMP)
    gallery.allow_agent(principal, agent, "子女", date(2027, 1, 1))
    gallery.revoke_agent(principal, agent)

    assert [Who.SELF] == [r.who for r in gallery.references(principal, STAMP, TODAY)]
    with pytest.raises(UnknownPersonError):
        gallery.revoke_agent(principal, agent)


def test_records_name_persons_by_digests_of_the_numbers_given(gallery: Gallery) -> None:
    both = gallery.digests(Numbers("11010119900307000x", "PSN-1"))

    assert both == gallery.digests(Numbers("11010119900307000X", "PSN-1"))
    assert (both[0],) == gallery.digests(Numbers("11010119900307000X"))
    assert (both[1],) == gallery.digests(Numbers("", "PSN-1"))
    assert () == gallery.digests(Numbers())


def test_the_consent_of_a_person_is_the_version_agreed_to(gallery: Gallery) -> None:
    added = gallery.add(person(ID), [picture(1)], STAMP)

    assert person(ID).consent == gallery.consent(added)
    with pytest.raises(UnknownPersonError):
        gallery.consent("0" * 64)


def test_nobody_is_his_own_agent_nor_a_strangers(gallery: Gallery) -> None:
    added = gallery.add(person(ID), [picture(1)], STAMP)

    for principal, agent in ((added, added), (added, "0" * 64), ("0" * 64, added)):
        with pytest.raises(GalleryError):
            gallery.allow_agent(principal, agent, "子女", TODAY)
    assert [Who.SELF] == [r.who for r in gallery.references(added, STAMP, TODAY)]


def test_a_stranger_gets_no_samples(gallery: Gallery) -> None:
    with pytest.raises(GalleryError):
        gallery.add_samples("0" * 64, [picture(1)], STAMP, TODAY)


def test_removing_erases_numbers_samples_and_agent_relations(gallery: Gallery) -> None:
    erased = gallery.add(person(ID, person_number=PSN), [picture(1)], STAMP)
    other = gallery.add(person(OTHER), [picture(2)], STAMP)
    gallery.allow_agent(erased, other, "子女", TODAY)
    gallery.allow_agent(other, erased, "配偶", TODAY)
    with closing(sqlite3.connect(gallery.path)) as db:
        query = "SELECT template FROM sample WHERE person = ?"
        sealed: bytes = db.execute(query, (erased,)).fetchone()[0]
    assert sealed in on_disk(gallery)

    gallery.remove(erased)

    assert gallery.find(Numbers(ID, PSN)) is None
    assert [] == gallery.references(erased, STAMP, TODAY)
    assert [(Who.SELF, other)] == [
        (r.who, r.person) for r in gallery.references(other, STAMP, TODAY)
    ]
    left = on_disk(gallery)
    assert erased.encode() not in left
    assert sealed not in left
    with pytest.raises(UnknownPersonError):
        gallery.remove(erased)


def test_an_erased_person_may_enrol_again_without_the_old_agents(gallery: Gallery) -> None:
    first = gallery.add(person(ID), [picture(1)], STAMP)
    agent = gallery.add(person(OTHER), [picture(2)], STAMP)
    gallery.allow_agent(first, agent, "子女", TODAY)
    gallery.remove(first)
    again = gallery.add(person(ID), [picture(3)], STAMP)

    [reference] = gallery.references(again, STAMP, TODAY)
    assert cosine(reference.template, template(3)) == pytest.approx(1)


def test_no_plain_name_number_or_template_lies_on_disk(gallery: Gallery) -> None:
    samples = [template(1), template(2)]
    pictures = [Picture(sample) for sample in samples]
    added = gallery.add(person(ID, person_number=PSN), pictures, STAMP)
    agent = gallery.add(person(OTHER, "诸葛李四"), [picture(3)], STAMP)
    gallery.allow_agent(added, agent, "子女", TODAY)

    written = on_disk(gallery)
    names = [name.encode(c) for name in (NAME, "诸葛李四") for c in ("utf-8", "gbk", "utf-16-le")]
    numbers = [number.encode() for number in (ID, ID.lower(), PSN, OTHER)]
    vectors = [t.tobytes()[at : at + 16] for t in (*samples, template(3)) for at in (0, 256)]
    assert b"2026-11-22" in written
    assert [] == [secret for secret in (*names, *numbers, *vectors) if secret in written]


def test_a_template_moved_to_another_person_does_not_open(gallery: Gallery) -> None:
    first = gallery.add(person(ID), [picture(1)], STAMP)
    second = gallery.add(person(OTHER), [picture(2)], STAMP)
    with closing(sqlite3.connect(gallery.path)) as db, db:
        move = "UPDATE sample SET template = (SELECT template FROM sample WHERE person = ?)"
        db.execute(move + " WHERE person = ?", (second, first))

    with pytest.raises(VaultError):
        gallery.references(first, STAMP, TODAY)


def test_the_gallery_survives_reopening(gallery: Gallery, tmp_path: Path) -> None:
    added = gallery.add(person(ID), [picture(1)], STAMP)
    again = Gallery(gallery.path, open_vault(tmp_path / "key" / "device.key"))

    assert added == again.find(Numbers(ID))
    assert NAME == again.name(added)


def test_a_gallery_of_a_newer_program_is_refused_unchanged(gallery: Gallery) -> None:
    gallery.add(person(ID), [picture(1)], STAMP)
    with closing(sqlite3.connect(gallery.path)) as db:
        db.execute("PRAGMA user_version = 3")
    before = on_disk(gallery)

    with pytest.raises(GalleryError, match="schema 3"):
        gallery.find(Numbers(ID))
    with pytest.raises(GalleryError, match="schema 3"):
        gallery.add(person(OTHER), [picture(2)], STAMP)
    assert before == on_disk(gallery)


def test_a_file_that_is_no_database_is_a_gallery_error(gallery: Gallery) -> None:
    gallery.path.parent.mkdir()
    gallery.path.write_bytes(b"not a database " * 1000)

    with pytest.raises(GalleryError, match=r"gallery\.db"):
        gallery.find(Numbers(ID))
    with pytest.raises(GalleryError, match=r"gallery\.db"):
        gallery.add(person(ID), [picture(1)], STAMP)


def test_a_folder_that_cannot_be_made_is_a_gallery_error(gallery: Gallery) -> None:
    gallery.path.parent.write_bytes(b"a file where the folder should be")

    with pytest.raises(GalleryError, match=r"gallery\.db"):
        gallery.find(Numbers(ID))


def test_threads_may_add_at_once(gallery: Gallery) -> None:
    gallery.count()

    def add(n: int) -> str:
        return gallery.add(person(str(n), f"第{n}"), [picture(n)], STAMP)

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(add, range(40)))

    assert 40 == gallery.count()
    assert [f"第{n}" for n in range(40)] == [gallery.name(digest) for digest in added]


def test_of_threads_adding_the_same_person_one_wins(gallery: Gallery) -> None:
    gallery.count()
    start = threading.Barrier(8)

    def add(seed: int) -> str | GalleryError:
        start.wait()
        try:
            return gallery.add(person(ID), [picture(seed)], STAMP)
        except GalleryError as exc:
            return exc

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(add, range(8)))

    assert [gallery.find(Numbers(ID))] == [end for end in ends if isinstance(end, str)]
    assert 1 == gallery.count()
    with closing(sqlite3.connect(gallery.path)) as db:
        assert 1 == db.execute("SELECT count(*) FROM sample").fetchone()[0]


def test_threads_may_make_the_file_at_once(gallery: Gallery) -> None:
    for race in range(10):
        fresh = replace(gallery, path=gallery.path.with_name(f"{race}.db"))
        start = threading.Barrier(4)

        def add(n: int, fresh: Gallery = fresh, start: threading.Barrier = start) -> str:
            start.wait()
            return fresh.add(person(str(n)), [picture(n)], STAMP)

        with ThreadPoolExecutor(4) as pool:
            added = set(pool.map(add, range(4)))

        assert 4 == len(added) == fresh.count()


def offered(alike: float, day: date) -> Probe:
    return Probe(alike, 0.46, day, 1.0)


def test_a_clear_pass_of_another_day_becomes_a_sample(gallery: Gallery) -> None:
    added = gallery.add(person(ID), [picture(1)], STAMP)
    day = TODAY + timedelta(8)

    assert "too-unlike" == gallery.grow(added, template(2), STAMP, offered(0.5, day))
    assert "added" == gallery.grow(added, template(2), STAMP, offered(0.9, day))
    assert "too-soon" == gallery.grow(added, template(3), STAMP, offered(0.9, day))
    stored = gallery.samples(added, STAMP)
    assert [Source.ENROLMENT, Source.PASS] == [s.sample.source for s in stored]
    assert day == stored[1].sample.day
    [reference] = gallery.references(added, STAMP, TODAY)
    assert reference.anchors is not None
    assert (2, 1.0) == (reference.samples, pytest.approx(cosine(reference.anchors, template(1))))


def test_a_full_template_gives_its_oldest_grown_sample_away(gallery: Gallery) -> None:
    added = gallery.add(person(ID), [picture(1)], STAMP)
    days = [TODAY + timedelta(8 * n) for n in range(1, 8)]
    became = [gallery.grow(added, template(9), STAMP, offered(0.9, day)) for day in days]

    assert ["added"] * 5 + ["replaced"] * 2 == became
    stored = gallery.samples(added, STAMP)
    assert [date(2026, 11, 22), *days[2:]] == [s.sample.day for s in stored]


def test_a_gallery_of_the_first_schema_is_taken_over(gallery: Gallery) -> None:
    added = gallery.add(person(ID), [picture(1)], STAMP)
    with closing(sqlite3.connect(gallery.path)) as db:
        for column in ("source", "day", "merit"):
            db.execute(f"ALTER TABLE sample DROP COLUMN {column}")
        db.execute("PRAGMA user_version = 1")
        db.commit()

    [kept] = gallery.samples(added, STAMP)
    assert Sample(Source.ENROLMENT, date(2026, 11, 22), 0.0) == kept.sample
    assert pytest.approx(1.0) == cosine(kept.embedding, template(1))
    assert "added" == gallery.grow(added, template(2), STAMP, offered(0.9, TODAY + timedelta(30)))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_gallery_cut_off_is_an_error_and_stays_as_it_is(gallery: Gallery, share: float) -> None:
    for number in range(40):
        gallery.add(person(str(number)), [picture(number)], STAMP)
    whole = gallery.path.read_bytes()
    gallery.path.write_bytes(whole[: int(len(whole) * share)])
    cut = gallery.path.read_bytes()

    with pytest.raises(GalleryError):
        for number in range(40):
            gallery.references(gallery.digests(Numbers(str(number)))[0], STAMP, TODAY)
            gallery.name(gallery.digests(Numbers(str(number)))[0])
    assert cut == gallery.path.read_bytes()


def test_under_another_key_no_template_opens_and_nothing_changes(
    gallery: Gallery, tmp_path: Path
) -> None:
    added = gallery.add(person(ID), [picture(1)], STAMP)
    before = on_disk(gallery)
    stranger = Gallery(gallery.path, open_vault(tmp_path / "other.key"))

    with pytest.raises(VaultError):
        stranger.samples(added, STAMP)
    with pytest.raises(VaultError):
        stranger.grow(added, template(2), STAMP, offered(0.9, TODAY + timedelta(30)))
    assert before == on_disk(gallery)


def test_grown_samples_are_listed_and_erased_alone(gallery: Gallery) -> None:
    added = gallery.add(person(ID), [picture(1)], STAMP)
    gallery.grow(added, template(2), STAMP, offered(0.9, date(2026, 12, 1)))
    own = (Source.ENROLMENT, "2026-11-22", STAMP.id)

    assert [own, (Source.PASS, "2026-12-01", STAMP.id)] == gallery.history(added)
    assert (1, 0) == (gallery.drop_grown(added), gallery.drop_grown(added))
    assert [own] == gallery.history(added)
