"""Three days of a ward: admission, bed change, leave, task, missed round, discharge, rate."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, SECOND, Hands, Running, his_call, put_before_camera, running

from yibao_face.daemon.booth.still.photo import enrol
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.scene.detail import CHINA
from yibao_face.daemon.gallery.gallery import Enrolment, Numbers
from yibao_face.daemon.section import EncounterConfig
from yibao_face.daemon.trust.document import keys_text, sign_document
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.daemon.wiring import centre_keys_path, gallery_of
from yibao_face.models.suite import FaceModels

THIRD = "440101198512120000"
HOSPITAL = "001000200030"
CENTRE = Ed25519Signer(bytes(32))
CLIPS = {FIRST: "live-first", SECOND: "live-second", THIRD: "live-third"}


@dataclass(frozen=True, slots=True)
class Ward:
    """The ward as its staff see it: who stands there, what the HIS sends, what the desk shows."""

    site: Running
    hands: Hands
    clips: Path

    def his(self, number: str, bed: str, stas: int = 1, *, shown: str = "") -> dict[str, Any]:
        """A HIS call of the ward; ``shown``: another face than the one named."""
        put_before_camera(self.site.config, self.clips, CLIPS[shown or number])
        place = {"PatWard": "三病区", "Dep": "胸外科", "DepNo": "0301", "BedID": bed}
        stay = {**place, "DiagnosisText": "肋骨骨折", "insho_stas": stas}
        return self.site.caller.authenticate(his_call(number, med_type="21", exp_content=stay))

    def round(self, number: str, **more: str) -> dict[str, Any]:
        """A nurse holds the terminal to the bed."""
        put_before_camera(self.site.config, self.clips, CLIPS[number])
        return self.act("round", id=number, staff="护士01", **more)

    def act(self, name: str, **form: Any) -> dict[str, Any]:
        return self.site.caller.act(name, {"institution": HOSPITAL, **form})

    def view(self, name: str, **asked: str) -> dict[str, Any]:
        return self.site.caller.view(name, institution=HOSPITAL, **asked)

    def who(self, number: str) -> str:
        person = gallery_of(self.site.config).find(Numbers(number))
        assert person is not None
        return person[:12]

    def states(self) -> dict[str, str]:
        """By person, how he stands today."""
        return {i["person"]: i["state"] for i in self.view("rounds")["inpatients"]}

    def kinds(self) -> list[str]:
        return [row.kind for row in self.site.daemon.ledger.outbox.waiting() if row.code]


@pytest.fixture
def ward(
    cast: Config, clips: Path, models: FaceModels, portrait: Callable[[str], bytes]
) -> Generator[Ward, None, None]:
    third = Enrolment(Numbers(THIRD), "王五", "v1", "photo:test", "2026-11-22")
    enrol(gallery_of(cast), models, third, [portrait("third")])
    centre_keys_path(cast).write_text(keys_text([CENTRE]), "utf-8")
    hands = Hands("2026-12-01T08:00")
    quick = replace(cast, encounter=EncounterConfig(deadline_s=20.0, capture_s=3.0))
    with running(quick, clock=hands.clock) as site:
        yield Ward(site, hands, clips)


def ms(moment: str) -> int:
    there = datetime.fromisoformat(moment).replace(tzinfo=CHINA)
    return round(there.timestamp() * 1000)


def task(number: str, **scope: Any) -> str:
    """A round task the centre signed: the afternoon of the second day."""
    payload = {
        "task": number,
        "institution": HOSPITAL,
        "from_ms": ms("2026-12-02T13:00"),
        "until_ms": ms("2026-12-02T14:00"),
        **scope,
    }
    signed = sign_document("round-task", 1, json.dumps(payload, ensure_ascii=False), CENTRE)
    return base64.b64encode(signed).decode()


def test_three_days_of_a_ward(ward: Ward, portrait: Callable[[str], bytes]) -> None:
    first_day(ward)
    second_day(ward, base64.b64encode(portrait("second")).decode())
    third_day(ward)
    the_rate_is_the_hand_checked_one(ward)


def first_day(ward: Ward) -> None:
    """Three are admitted, an impostor is not, one bed is changed; everybody was seen."""
    assert (1, 1) == code_type(ward.his(FIRST, "01"))
    ward.hands.at("2026-12-01T08:30")
    impostor = ward.his(SECOND, "02", shown=FIRST)
    assert (0, 0) == code_type(impostor)
    assert "与参保人不符" in impostor["msg"]
    assert [ward.who(FIRST)] == [i["person"] for i in ward.view("ward")["inpatients"]]
    ward.hands.at("2026-12-01T08:40")
    assert (1, 1) == code_type(ward.his(SECOND, "02"))
    ward.hands.at("2026-12-01T09:00")
    assert (1, 1) == code_type(ward.his(THIRD, "03"))
    ward.hands.at("2026-12-01T15:00")
    assert (1, 1) == code_type(ward.his(FIRST, "05"))

    assert ["admission", "admission", "admission", "bed-change"] == ward.kinds()
    ward.hands.at("2026-12-01T21:00")
    assert {ward.who(n): "checked" for n in CLIPS} == ward.states()


def second_day(ward: Ward, photo: str) -> None:
    """A round, a leave with its slip, a task of the centre half done, a round missed."""
    ward.hands.at("2026-12-02T09:00")
    assert {ward.who(n): "due" for n in CLIPS} == ward.states()
    assert ward.round(FIRST)["ok"]
    unproven = ward.act("special", id=SECOND, case="on-leave", staff="护士01")
    assert (False, "bad-request") == (unproven["ok"], unproven["cause"])
    leave = {"case": "on-leave", "until": "2026-12-03", "staff": "护士01", "photos": [photo]}
    assert ward.act("special", id=SECOND, **leave)["ok"]
    assert ward.act("task", document=task("T1", scope="department", departments=["胸外科"]))["ok"]
    assert ward.act("task", document=task("T2", scope="person", persons=[THIRD]))["ok"]

    ward.hands.at("2026-12-02T13:30")
    assert ward.round(FIRST, task="T1")["ok"]
    ward.hands.at("2026-12-02T14:10")
    progress = {t["task"]: by_person(t["persons"]) for t in ward.view("tasks")["tasks"]}
    # A leave that covers the day answers the task: nobody can be seen who is not there.
    assert {
        ward.who(FIRST): "done",
        ward.who(SECOND): "done",
        ward.who(THIRD): "missed",
    } == progress["T1"]
    assert {ward.who(THIRD): "missed"} == progress["T2"]

    ward.hands.at("2026-12-02T21:00")
    assert {
        ward.who(FIRST): "checked",
        ward.who(SECOND): "excused",
        ward.who(THIRD): "overdue",
    } == ward.states()


def third_day(ward: Ward) -> None:
    """The missed one stays missed; one is discharged; one comes back from leave."""
    ward.hands.at("2026-12-03T09:00")
    yesterday = ward.view("rounds", day="2026-12-02")["inpatients"]
    assert "overdue" == by_person(yesterday)[ward.who(THIRD)]
    assert ward.round(THIRD)["ok"]
    late = {t["task"]: by_person(t["persons"]) for t in ward.view("tasks")["tasks"]}
    assert "late" == late["T1"][ward.who(THIRD)]

    ward.hands.at("2026-12-03T10:00")
    assert (1, 1) == code_type(ward.his(FIRST, "05", stas=0))
    gone = ward.round(FIRST)
    assert (False, "not-inpatient") == (gone["ok"], gone["cause"])
    assert {ward.who(SECOND), ward.who(THIRD)} == {
        i["person"] for i in ward.view("ward")["inpatients"]
    }
    [waiting] = ward.view("queue")["waiting"]
    assert (ward.who(SECOND), "请假") == (waiting["person"], waiting["title"])


def the_rate_is_the_hand_checked_one(ward: Ward) -> None:
    """Day 1: 4 of 4 calls. Day 2: the leave of 1. Day 3: the discharge, 1 of 2 settlements."""
    for day, count in (("2026-12-01", 4), ("2026-12-02", 1), ("2026-12-03", 2)):
        assert ward.act("settled", day=day, count=count, source="his")["ok"]
    shown = ward.view("rate", **{"from": "2026-12-01", "to": "2026-12-03"}, explain="1")

    assert (5, 1, 7) == (shown["authenticated"], shown["specials"], shown["settled"])
    # Four, one and one, of seven.
    assert "85.71" == shown["percent"]
    assert 6 == sum(counted for _, _, counted, _, _ in shown["lines"])

    [waiting] = ward.view("queue")["waiting"]
    assert ward.act("review", of=waiting["of"], approved=False, staff="监管01")["ok"]
    after = ward.view("rate", **{"from": "2026-12-01", "to": "2026-12-03"})
    # 5 / 7: what the regulator rejects no longer counts.
    assert (0, "71.43") == (after["specials"], after["percent"])
    assert [] == ward.view("queue")["waiting"]


def code_type(answer: dict[str, Any]) -> tuple[int, int]:
    return answer["code"], answer["type"]


def by_person(listed: list[dict[str, Any]]) -> dict[str, str]:
    return {item["person"]: item["state"] for item in listed}
