"""Evidence is listed whoever dies, room is made by worth, and results are never touched."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sync_bed import result

from yibao_face.daemon.gallery.crop import CropStore
from yibao_face.daemon.gallery.evidence import Evidence, EvidenceError
from yibao_face.daemon.gallery.keeper import (
    AGENT,
    ATTACK,
    REGISTRATION,
    ROUTINE,
    WARD,
    WORTH,
    Dropped,
    EvidenceKeeper,
)
from yibao_face.daemon.gallery.vault import Vault
from yibao_face.sync.evidence import EvidenceLane, Quota
from yibao_face.sync.outbox import Outbox

DAY_MS = 86_400_000
NOW_MS = 1_796_056_200_000
ID = "01a22f1d-9ed3-7588-a946-f7b73c7de2e5"
VAULT = Vault(bytes(range(32)), bytes(range(32, 64)))
PHOTO = b"p" * 1000


@dataclass
class Site:
    """A data folder: evidence, its list, and what was told."""

    data: Path
    outbox: Outbox
    most_bytes: int = 10_000
    told: list[Dropped] = field(default_factory=list[Dropped])

    @property
    def keeper(self) -> EvidenceKeeper:
        lane = EvidenceLane(self.outbox.file, self.data / "evidence")
        quota = Quota(self.most_bytes, WORTH)
        return EvidenceKeeper(lane, self.data / "evidence", quota, self.told.append)

    @property
    def crops(self) -> CropStore:
        return CropStore(self.data / "attacks", VAULT, 7, keeper=self.keeper)

    def put(self, content: bytes) -> str:
        return Evidence(self.data / "evidence", VAULT).put(content)

    def keep(self, content: bytes, lane: str, at_ms: int = NOW_MS) -> str:
        name = self.put(content)
        self.keeper.kept(name, lane, ID, at_ms)
        return name

    def listed(self) -> dict[str, tuple[str, str]]:
        """Lane and record by name, of those that were not dropped."""
        return {p.name: (p.lane, p.record_id) for p in self.keeper.lane.due(Quota(0, {}))}

    def files(self) -> set[str]:
        return {path.name for path in (self.data / "evidence").iterdir()}


@pytest.fixture
def site(tmp_path: Path) -> Generator[Site, None, None]:
    with Outbox(tmp_path / "results.db") as outbox:
        outbox.put(result())
        yield Site(tmp_path, outbox)


def test_what_is_kept_is_listed_with_its_worth_and_its_record(site: Site) -> None:
    name = site.keep(PHOTO, AGENT)

    assert {name: (AGENT, ID)} == site.listed()
    health = site.keeper.health()
    size = (site.data / "evidence" / name).stat().st_size
    assert {"bytes": size, "quota_bytes": 10_000, "waiting": 1, "sent": 0, "dropped": 0} == health


def test_room_is_made_by_worth_then_age_and_told_with_what_the_centre_lacks(site: Site) -> None:
    old = site.keep(b"1" * 3000, WARD, 1)
    routine = site.keep(b"2" * 3000, ROUTINE, 2)
    site.keep(b"3" * 3000, ATTACK, 3)
    attack = site.keep(b"4" * 3000, ATTACK, 0)
    agent = site.keep(b"5" * 3000, AGENT, 4)

    assert [routine, old] == [p.name for dropped in site.told for p in dropped.pieces]
    assert {attack, agent} < set(site.listed())
    assert site.files() == set(site.listed())
    detail = site.told[0].detail()
    assert ({"routine": 1}, [routine]) == (detail["lost"], detail["names"])
    assert 2 == site.keeper.health()["dropped"]
    assert (1, 1) == (site.outbox.count(), site.outbox.delivery.counts().waiting)


def test_what_the_centre_has_goes_first_and_is_no_loss(site: Site) -> None:
    sent = site.keep(b"1" * 4000, ATTACK, 9)
    site.keeper.lane.sent([sent])
    for digit in (b"2", b"3"):
        site.keep(digit * 4000, ROUTINE, 1)

    [dropped] = site.told
    assert ([sent], ()) == ([p.name for p in dropped.pieces], dropped.lost)


def test_a_smaller_quota_is_kept_from_the_start(site: Site) -> None:
    for digit in (b"1", b"2", b"3"):
        site.keep(digit * 3000, AGENT)
    site.most_bytes = 4000
    site.keeper.mend(NOW_MS / 1000)

    assert 1 == len(site.files()) == len(site.listed())


def test_a_file_nobody_listed_is_listed_at_the_start(site: Site) -> None:
    name = site.put(PHOTO)
    assert {} == site.listed()
    site.keeper.mend(NOW_MS / 1000)

    assert {name: (REGISTRATION, "")} == site.listed()
    site.keeper.mend(NOW_MS / 1000)
    assert [] == site.told


def test_one_that_is_listed_and_gone_is_forgotten_at_the_start(site: Site) -> None:
    name = site.keep(PHOTO, AGENT)
    (site.data / "evidence" / name).unlink()
    site.keeper.mend(NOW_MS / 1000)

    assert {} == site.listed()
    assert 0 == site.keeper.health()["bytes"]
    assert name == site.keep(PHOTO, AGENT)
    assert {name} == set(site.listed())


def test_half_a_file_of_a_start_before_goes_and_one_being_written_stays(site: Site) -> None:
    name = site.put(PHOTO)
    old, new = (site.data / "evidence" / f"{name}.{mark}.part" for mark in ("aa", "bb"))
    for path, at_s in ((old, NOW_MS / 1000 - 7200), (new, NOW_MS / 1000 - 5)):
        path.write_bytes(b"half")
        os.utime(path, (at_s, at_s))
    site.keeper.mend(NOW_MS / 1000)

    assert {name, new.name} == site.files()
    assert {name} == set(site.listed())


def test_a_picture_of_an_attack_is_evidence_under_a_second_name(site: Site) -> None:
    site.crops.put(ID, b"face", NOW_MS)

    [(name, about)] = site.listed().items()
    assert (ATTACK, ID) == about
    assert b"face" == site.crops.get(ID)
    twin, crop = site.data / "evidence" / name, site.data / "attacks" / f"{ID}.crop"
    assert crop.read_bytes() == twin.read_bytes()
    # The same bytes, once.
    assert crop.stat().st_ino == twin.stat().st_ino


def test_a_picture_of_an_attack_goes_under_both_names_in_its_time(site: Site) -> None:
    site.crops.put(ID, b"face", NOW_MS)
    site.keeper.lane.sent(site.listed())
    site.crops.expire(NOW_MS + 8 * DAY_MS)

    assert (set(), []) == (site.files(), list((site.data / "attacks").iterdir()))
    assert 0 == site.keeper.health()["bytes"]


def dies_before_listing(site: Site) -> None:
    CropStore(site.data / "attacks", VAULT, 7).put(ID, b"face", NOW_MS)


def dies_after_linking(site: Site) -> None:
    dies_before_listing(site)
    (site.data / "evidence").mkdir()
    os.link(
        site.data / "attacks" / f"{ID}.crop", site.data / "evidence" / VAULT.digest("crop", ID)
    )


@pytest.mark.parametrize("death", [dies_before_listing, dies_after_linking])
def test_a_picture_of_an_attack_that_was_not_listed_is_at_the_start(
    site: Site, death: Callable[[Site], None]
) -> None:
    death(site)
    for _ in range(2):
        site.crops.mend()
        site.keeper.mend(NOW_MS / 1000)

    assert [(ATTACK, ID)] == list(site.listed().values())


def test_a_list_that_cannot_be_written_is_an_error_of_evidence(site: Site) -> None:
    name = site.put(PHOTO)
    site.outbox.close()

    for act in (
        lambda: site.keeper.kept(name, AGENT, ID, 1),
        lambda: site.keeper.mend(1.0),
        site.keeper.health,
    ):
        with pytest.raises(EvidenceError):
            act()


def test_a_file_that_is_not_there_is_not_listed(site: Site) -> None:
    with pytest.raises(EvidenceError, match="cannot be read"):
        site.keeper.kept("a" * 64, AGENT, ID, 1)
    assert {} == site.listed()
