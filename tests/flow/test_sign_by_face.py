"""Signing by face alone: the right one of the roster, or nobody."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, SECOND, Hands, Running, put_before_camera, running, unpaced

from yibao_face.daemon.booth.still.photo import enrol
from yibao_face.daemon.cli.main import main
from yibao_face.daemon.config import Config
from yibao_face.daemon.gallery.gallery import Enrolment, Numbers
from yibao_face.daemon.section import DeskConfig, EncounterConfig, MatchConfig
from yibao_face.daemon.wiring import gallery_of
from yibao_face.models.suite import FaceModels
from yibao_face.sync.api import Query, Record

PHARMACY, BRANCH = "001000200030", "001000200031"
DOUBLE = "440101198512120000"
UNSURE = "无法确定是名单中的哪一位，请重试或输入证件号码签到"
Portrait = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Shop:
    """The pharmacy as its staff see it."""

    site: Running
    hands: Hands
    clips: Path

    def show(self, clip: str) -> None:
        put_before_camera(self.site.config, self.clips, clip)

    def sign(self, at: str = "", **form: Any) -> tuple[bool, str]:
        """Whether somebody signed, and the cause."""
        if at:
            self.hands.at(at)
        answer = self.answer(**form)
        return answer["ok"], answer["cause"]

    def answer(self, **form: Any) -> dict[str, Any]:
        return self.site.caller.act("attendance-face", form)

    def roster(self, *numbers: str, institution: str = PHARMACY) -> None:
        listed = [{"id": number, "name": "张三"} for number in numbers]
        form = {"institution": institution, "practitioners": listed, "staff": "1001"}
        assert self.site.caller.act("roster", form)["ok"]

    def digest(self, number: str) -> str:
        found = self.site.daemon.desk.gallery.find(Numbers(number))
        assert found is not None
        return found

    def records(self) -> list[Record]:
        return self.site.daemon.ledger.outbox.find(Query(kinds=("attendance",)))


@pytest.fixture
def quick(cast: Config) -> Config:
    """FIRST and SECOND are in the gallery; the site has named itself."""
    encounter = EncounterConfig(deadline_s=20.0, capture_s=3.0)
    return replace(cast, encounter=encounter, desk=DeskConfig(institution=PHARMACY))


@pytest.fixture
def shop(quick: Config, clips: Path) -> Generator[Shop, None, None]:
    """Both are on the roster, FIRST stands before the camera; it is 8 o'clock."""
    hands = Hands("2026-12-01T08:00")
    with running(quick, clock=hands.clock, camera=unpaced(quick)) as site:
        made = Shop(site, hands, clips)
        made.roster(FIRST, SECOND)
        made.show("live-first")
        yield made


def detail(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.detail)
    return found


def test_each_signs_as_himself_without_a_number(shop: Shop) -> None:
    answer = shop.answer()
    assert (True, "signed-in", "签到成功，当天有效") == (
        answer["ok"],
        answer["cause"],
        answer["msg"],
    )
    assert ("张*", shop.digest(FIRST)[:12]) == (answer["name"], answer["person"])
    shop.show("live-second")
    assert "李*" == shop.answer()["name"]

    first, second = shop.records()
    assert [shop.digest(FIRST), shop.digest(SECOND)] == [first.person, second.person]
    assert {("signed-in", 1, 1)} == {(r.cause, r.code, r.who) for r in (first, second)}
    assert {64} == {len(r.evidence_sha256) for r in (first, second)}


def test_the_record_tells_how_sure_the_search_was_and_names_nobody(shop: Shop) -> None:
    shop.sign()

    [record] = shop.records()
    told = detail(record)
    assert {"by", "among", "similarity", "lead"} == set(told)
    assert ("face", 2) == (told["by"], told["among"])
    assert told["lead"] >= 0.1
    assert pytest.approx(json.loads(record.scores)["similarity"], abs=1e-4) == told["similarity"]
    assert all(word not in record.detail for word in (FIRST, "张", "三"))


def test_a_day_by_face_has_the_rules_of_a_day_by_number(shop: Shop) -> None:
    assert (False, "not-signed-in") == shop.sign("2026-12-01T08:00", sign="out")
    assert (True, "signed-in") == shop.sign("2026-12-01T08:01")
    assert (True, "already-signed") == shop.sign("2026-12-01T08:03")
    assert (True, "already-signed") == shop.sign("2026-12-01T09:00", sign="in")
    assert (True, "signed-out") == shop.sign("2026-12-01T17:30")
    assert (True, "signed-in") == shop.sign("2026-12-02T08:00", sign="in")

    again = ["already-signed"] * 2
    causes = ["not-signed-in", "signed-in", *again, "signed-out", "signed-in"]
    assert causes == [record.cause for record in shop.records()]
    assert {shop.digest(FIRST)} == {record.person for record in shop.records()}
    [day] = shop.site.caller.view("attendance", day="2026-12-01")["practitioners"]
    assert ["in", "out"] == [sign for sign, _ in day["signs"]]


def test_signs_by_number_and_by_face_are_one_day(shop: Shop) -> None:
    call = {"ID": FIRST, "name": "张三", "fixmedins_code": PHARMACY, "fixmedins_name": "大药房"}
    shop.hands.at("2026-12-01T08:00")
    assert 0 == shop.site.caller.attend(json.dumps(call).encode())["code"]

    assert (True, "signed-out") == shop.sign("2026-12-01T17:30")


def test_a_clock_set_back_signs_nobody(shop: Shop) -> None:
    assert (True, "signed-in") == shop.sign("2026-12-02T08:00")

    assert (False, "clock-set-back") == shop.sign("2026-12-01T08:00")
    refused = shop.records()[-1]
    # Nobody was troubled to look into the camera.
    assert ("", "") == (refused.person, refused.camera)


def test_who_is_in_the_gallery_but_not_on_the_roster_does_not_sign(shop: Shop) -> None:
    shop.roster(FIRST)
    shop.show("live-second")

    answer = shop.answer()
    assert (False, UNSURE) == (answer["ok"], answer["msg"])
    assert {"ok", "cause", "msg", "id"} == set(answer)
    [record] = shop.records()
    assert ("", 0, 1) == (record.person, record.code, detail(record)["among"])
    shop.show("live-first")
    assert (True, "signed-in") == shop.sign()


def test_a_roster_is_that_of_its_institution_only(shop: Shop) -> None:
    shop.roster(SECOND, institution=BRANCH)

    assert not shop.sign(institution=BRANCH)[0]
    assert (True, "signed-in") == shop.sign(institution=PHARMACY)
    shop.show("live-second")
    assert (True, "signed-in") == shop.sign(institution=BRANCH)


def test_who_left_the_roster_does_not_sign(shop: Shop) -> None:
    assert (True, "signed-in") == shop.sign()
    shop.roster(SECOND)

    assert (False, UNSURE) == (shop.answer()["ok"], shop.answer()["msg"])


def test_an_erased_practitioner_does_not_sign(shop: Shop) -> None:
    assert (True, "signed-in") == shop.sign("2026-12-01T08:00")
    # As a command of another process does: by another gallery on the same file.
    gallery_of(shop.site.config).remove(shop.digest(FIRST))

    shop.hands.at("2026-12-01T17:00")
    assert UNSURE == shop.answer()["msg"]
    assert ("", 1) == (shop.records()[-1].person, detail(shop.records()[-1])["among"])
    gallery_of(shop.site.config).remove(shop.digest(SECOND))
    assert (False, "not-enrolled") == shop.sign()


def test_a_practitioner_enrolled_today_signs_at_once(
    shop: Shop, models: FaceModels, portrait: Portrait
) -> None:
    shop.roster(SECOND, DOUBLE)
    assert not shop.sign()[0]
    enrolment = Enrolment(Numbers(DOUBLE), "王五", "v1", "photo:test", "2026-11-22")
    enrol(gallery_of(shop.site.config), models, enrolment, [portrait("first-1")])

    assert "王*" == shop.answer()["name"]


@pytest.mark.parametrize("photos", [["first-1", "first-3"], ["first-2"]], ids=["same", "other"])
def test_one_face_under_two_numbers_has_to_type_its_number(
    shop: Shop, models: FaceModels, portrait: Portrait, photos: list[str]
) -> None:
    enrolment = Enrolment(Numbers(DOUBLE), "张三", "v1", "photo:test", "2026-11-22")
    enrol(gallery_of(shop.site.config), models, enrolment, [portrait(p) for p in photos])
    shop.roster(FIRST, SECOND, DOUBLE)

    assert UNSURE == shop.answer()["msg"]
    [record] = shop.records()
    assert ("", 0, 3) == (record.person, record.code, detail(record)["among"])
    # Off the roster the double is in nobody's way.
    shop.roster(FIRST, SECOND)
    assert (True, "signed-in") == shop.sign()


@pytest.mark.parametrize(
    ("clip", "cause"),
    [("flat-first", "spoof-flat"), ("tablet-first", "spoof-flat"), ("nobody", "no-face")],
)
def test_what_is_no_living_face_signs_nobody(shop: Shop, clip: str, cause: str) -> None:
    shop.show(clip)

    assert (False, cause) == shop.sign()
    [record] = shop.records()
    # Whose picture it was is not asked.
    assert ("", None) == (record.person, json.loads(record.scores)["similarity"])


def test_without_a_roster_nobody_signs(quick: Config, clips: Path) -> None:
    with running(quick) as site:
        shop = Shop(site, Hands("2026-12-01T08:00"), clips)
        shop.show("live-first")

        assert (False, "not-on-roster") == shop.sign()
        [record] = shop.records()
        assert ("", "not-on-roster", "") == (record.camera, record.cause, record.person)


def test_a_recording_signs_nobody_outside_the_demo(quick: Config, clips: Path) -> None:
    hands = Hands("2026-12-01T08:00")
    with running(quick, demo=False, clock=hands.clock) as site:
        shop = Shop(site, hands, clips)
        shop.roster(FIRST)
        shop.show("live-first")

        assert (False, "recorded-camera") == shop.sign()


def test_a_word_that_is_no_sign_is_told(shop: Shop) -> None:
    answer = shop.answer(sign="off")

    assert (False, "bad-request") == (answer["ok"], answer["cause"])
    assert [] == shop.records()


@pytest.mark.parametrize(("grow", "samples"), [(True, 3), (False, 2)])
def test_a_site_says_whether_passes_become_samples(
    quick: Config, clips: Path, grow: bool, samples: int
) -> None:
    hands = Hands("2026-12-01T08:00")
    with running(replace(quick, match=MatchConfig(grow=grow)), clock=hands.clock) as site:
        shop = Shop(site, hands, clips)
        shop.roster(FIRST, SECOND)
        shop.show("live-first")
        assert (True, "signed-in") == shop.sign()

        assert samples == len(site.daemon.desk.gallery.history(shop.digest(FIRST)))


def test_the_command_line_signs_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIBAO_FACE_HOME", str(shop.site.config.data))
    words = ["desk", "attendance-face", "sign=in", f"institution={PHARMACY}"]

    assert 0 == main([*words, "--port", str(shop.site.config.door.port)])
    assert "signed-in" == json.loads(capsys.readouterr().out)["cause"]
