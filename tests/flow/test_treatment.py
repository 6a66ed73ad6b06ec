"""A treatment by two faces: before and after it, one at a time, and what a nurse may make up."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, SECOND, Hands, Running, put_before_camera, running, unpaced

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.scene.detail import CHINA
from yibao_face.daemon.core.scene.treatment import Item
from yibao_face.daemon.section import EncounterConfig
from yibao_face.sync.api import Query, Record

HOSPITAL = "001000200030"
CLIPS = {FIRST: "live-first", SECOND: "live-second"}
NURSE = {"staff": "护士01"}


@dataclass(frozen=True, slots=True)
class Room:
    """The treatment room as its nurse sees it."""

    site: Running
    hands: Hands
    clips: Path

    def begin(self, at: str, item: str = "tuina", number: str = FIRST) -> dict[str, Any]:
        """Sign in; the patient stands there."""
        self.hands.at(f"2026-12-0{at}")
        self.show(number)
        return self.act("treatment-in", id=number, item=item, **NURSE)

    def end(self, at: str, number: str = FIRST) -> dict[str, Any]:
        """Sign out."""
        self.hands.at(f"2026-12-0{at}")
        self.show(number)
        return self.act("treatment-out", id=number)

    def make_up(self, sign: str, at: str, /, **changed: str) -> dict[str, Any]:
        form = {"id": FIRST, "sign": sign, "at": f"2026-12-0{at}", "item": "tuina", **NURSE}
        return self.act("treatment-makeup", **{**form, "reason": "患者先行离开", **changed})

    def show(self, number: str) -> None:
        put_before_camera(self.site.config, self.clips, CLIPS[number])

    def act(self, name: str, **form: Any) -> dict[str, Any]:
        return self.site.caller.act(name, {"institution": HOSPITAL, **form})

    def view(self) -> dict[str, Any]:
        return self.site.caller.view("treatments", institution=HOSPITAL)

    def sessions(self) -> list[tuple[str, int, int | None, list[str]]]:
        """Item, sign-in, sign-out, findings of each."""
        listed = self.view()["sessions"]
        return [(s["item"], s["in_ms"], s["out_ms"], s["findings"]) for s in listed]

    def records(self, kind: str) -> list[Record]:
        return self.site.daemon.ledger.outbox.find(Query(kinds=(kind,)))


def ms(moment: str) -> int:
    there = datetime.fromisoformat(f"2026-12-0{moment}").replace(tzinfo=CHINA)
    return round(there.timestamp() * 1000)


def near(found: int | None, moment: str) -> bool:
    """Whether a time is that of the clock's hands, give or take what reading it costs."""
    return found is not None and 0 <= found - ms(moment) < 1000


@pytest.fixture
def room(cast: Config, clips: Path) -> Generator[Room, None, None]:
    hands = Hands("2026-12-01T08:00")
    quick = replace(cast, encounter=EncounterConfig(deadline_s=20.0, capture_s=3.0))
    with running(quick, clock=hands.clock, camera=unpaced(quick)) as site:
        yield Room(site, hands, clips)


def test_a_treatment_is_signed_in_and_out_by_the_patients_face(room: Room) -> None:
    begun = room.begin("1T09:00")
    ended = room.end("1T09:40")

    assert (True, True) == (begun["ok"], ended["ok"])
    [(item, in_ms, out_ms, findings)] = room.sessions()
    assert ("tuina", []) == (item, findings)
    assert near(in_ms, "1T09:00")
    assert near(out_ms, "1T09:40")
    [signed_in], [signed_out] = room.records("treatment-in"), room.records("treatment-out")
    assert begun["id"] == signed_in.id == json.loads(signed_out.detail)["session"]
    assert ("matched-self", 1, "") == (signed_in.cause, signed_in.code, signed_in.certificate_no)
    assert "护士01" == json.loads(signed_in.detail)["staff"]


@pytest.mark.parametrize("item", Item)
def test_every_item_has_its_sessions(room: Room, item: str) -> None:
    assert room.begin("1T09:00", item)["ok"]
    assert item == room.sessions()[0][0]


def test_a_second_treatment_at_the_same_time_is_refused(room: Room) -> None:
    assert room.begin("1T09:00")["ok"]
    overlapping = room.begin("1T09:30", "acupuncture")
    other = room.begin("1T09:31", "acupuncture", SECOND)

    assert (False, "treatment-open") == (overlapping["ok"], overlapping["cause"])
    assert "上一次治疗还未签退，请先签退" == overlapping["msg"]
    assert other["ok"]
    assert room.end("1T09:40")["ok"]
    assert room.begin("1T09:41", "acupuncture")["ok"]
    assert ["tuina", "acupuncture", "acupuncture"] == [s[0] for s in room.sessions()]
    assert [] == room.view()["overlaps"]
    # The refusal is on record too.
    assert ["matched-self", "treatment-open", "matched-self", "matched-self"] == [
        r.cause for r in room.records("treatment-in")
    ]


def test_a_treatment_that_never_began_is_not_ended(room: Room) -> None:
    nothing = room.end("1T09:00")
    room.begin("1T09:01")
    room.end("1T09:40")
    twice = room.end("1T09:41")

    for answer in (nothing, twice):
        assert (False, "treatment-not-open") == (answer["ok"], answer["cause"])


@pytest.mark.parametrize(
    ("item", "until", "finding"),
    [
        ("tuina", "1T09:09", ["too-short"]),
        ("tuina", "1T09:11", []),
        ("tuina", "1T11:01", ["too-long"]),
        ("haemodialysis", "1T10:59", ["too-short"]),
        ("haemodialysis", "1T13:00", []),
    ],
)
def test_how_long_it_took_is_a_finding_not_a_refusal(
    room: Room, item: str, until: str, finding: list[str]
) -> None:
    room.begin("1T09:00", item)

    assert room.end(until)["ok"]
    assert [finding] == [session[3] for session in room.sessions()]


def test_a_sign_out_that_never_came_is_missing_after_the_longest_time(room: Room) -> None:
    session = room.begin("1T09:00")["id"]
    room.hands.at("2026-12-01T10:59")
    assert [] == room.view()["missing_sign_outs"]
    room.hands.at("2026-12-01T11:01")

    assert [session] == room.view()["missing_sign_outs"]
    # It blocks nobody, and is not ended by the next one's sign-out.
    assert room.begin("2T09:00")["ok"]
    assert room.end("2T09:30")["ok"]
    assert [session] == room.view()["missing_sign_outs"]


def test_yesterdays_treatment_is_not_ended_today(room: Room) -> None:
    room.begin("1T09:00")

    assert "treatment-not-open" == room.end("2T09:00")["cause"]


def test_a_treatment_over_midnight_is_ended_after_it(room: Room) -> None:
    room.begin("1T23:30")

    assert room.end("2T00:30")["ok"]
    assert [[]] == [session[3] for session in room.sessions()]


def test_a_nurse_makes_up_a_sign_out_that_was_forgotten(room: Room) -> None:
    session = room.begin("1T09:00")["id"]
    room.hands.at("2026-12-01T18:00")
    assert room.make_up("out", "1T09:45", session=session)["ok"]

    [(_, _, out_ms, findings)] = room.sessions()
    assert (ms("1T09:45"), ["made-up"]) == (out_ms, findings)
    assert [] == room.view()["missing_sign_outs"]
    [record] = room.records("treatment-makeup")
    detail = json.loads(record.detail)
    assert ("护士01", "患者先行离开", session) == tuple(
        detail[key] for key in ("staff", "reason", "session")
    )
    # No face is claimed for it.
    assert (0, "recorded", "") == (record.code, record.cause, record.evidence_sha256)


def test_a_treatment_that_is_made_up_whole_may_show_that_two_overlap(room: Room) -> None:
    room.begin("1T09:00")
    room.end("1T10:00")
    room.hands.at("2026-12-01T18:00")
    begun = room.make_up("in", "1T09:30", item="acupuncture")
    room.make_up("out", "1T10:30", item="acupuncture", session=begun["id"])

    [first, second] = room.view()["sessions"]
    assert [[first["session"], second["session"]]] == room.view()["overlaps"]
    assert (begun["id"], ["made-up"]) == (second["session"], second["findings"])


@pytest.mark.parametrize(
    ("changed", "cause", "said"),
    [
        ({"at": "2026-12-01T17:59"}, "makeup-late", "补签时间超出范围"),
        ({"at": "2026-12-02T18:01"}, "makeup-late", "补签时间超出范围"),
        ({"reason": ""}, "bad-request", "请填写补签原因(reason)"),
        ({"reason": "患" * 101}, "bad-request", "补签原因(reason)超过100个字符"),
        ({"staff": ""}, "bad-request", "请填写护士工号(staff)"),
        ({"sign": "off"}, "bad-request", "签到或签退(sign)须为in或out"),
        ({"item": "massage"}, "bad-request", "治疗项目(item)须为"),
        ({"at": ""}, "bad-request", "请填写治疗时间(at)"),
        ({"id": ""}, "bad-request", "请填写证件号码(id)或个人编号(psn)"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_make_up_has_its_limits(
    room: Room, changed: dict[str, str], cause: str, said: str
) -> None:
    room.hands.at("2026-12-02T18:00")
    answer = room.make_up("in", "2T17:00", **changed)

    assert (False, cause) == (answer["ok"], answer["cause"])
    assert said in answer["msg"]
    assert [] == room.sessions()


@pytest.mark.parametrize(("shown", "number"), [(SECOND, FIRST), (FIRST, SECOND)])
def test_the_face_of_another_neither_begins_nor_ends(room: Room, shown: str, number: str) -> None:
    room.show(shown)
    wrong = room.act("treatment-in", id=number, item="tuina", **NURSE)
    assert (False, "other-person") == (wrong["ok"], wrong["cause"])
    assert [] == room.sessions()

    assert room.begin("1T09:00", number=number)["ok"]
    room.show(shown)
    wrong = room.act("treatment-out", id=number)
    assert (False, "other-person") == (wrong["ok"], wrong["cause"])
    assert [None] == [session[2] for session in room.sessions()]
    assert room.end("1T09:40", number)["ok"]


def test_a_photograph_neither_begins_nor_ends(room: Room) -> None:
    put_before_camera(room.site.config, room.clips, "flat-first")
    answer = room.act("treatment-in", id=FIRST, item="tuina", **NURSE)

    assert (False, "spoof-flat") == (answer["ok"], answer["cause"])
    assert [] == room.sessions()


def test_data_of_a_dialysis_is_sealed_and_counted(room: Room) -> None:
    session = room.begin("1T08:00", "haemodialysis")["id"]
    data = {"purification": {"方式": "HDF"}, "device": [{"编号": "D-7"}]}
    assert room.act("treatment-data", session=session, data=data)["ok"]
    assert room.act("treatment-data", session=session, data={"tests": {"尿素": "9.1"}})["ok"]

    assert [2] == [s["data"] for s in room.view()["sessions"]]
    first, _ = room.records("treatment-data")
    [signed_in] = room.records("treatment-in")
    assert data == room.site.daemon.ledger.opened(first)
    assert {"session": session, "sections": ["purification", "device"]} == json.loads(first.detail)
    assert signed_in.person == first.person
    assert "HDF" not in repr(first)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"session": "nowhere", "data": {"tests": {"k": 1}}}, "没有这次治疗"),
        ({"session": "", "data": {"tests": {"k": 1}}}, "请填写治疗编号(session)"),
        ({"data": {}}, "入参有误"),
        ({"data": {"blood": {"k": 1}}}, "入参有误"),
        ({"data": "tests"}, "入参有误"),
        ({}, "入参有误"),
    ],
)
def test_data_that_belongs_to_nothing_is_refused(
    room: Room, form: dict[str, Any], said: str
) -> None:
    session = room.begin("1T08:00", "haemodialysis")["id"]
    answer = room.act("treatment-data", **{"session": session, **form})

    assert (False, True) == (answer["ok"], said in answer["msg"])
    assert [0] == [s["data"] for s in room.view()["sessions"]]


def test_another_hospital_sees_nothing_of_it(room: Room) -> None:
    room.begin("1T09:00")

    shown = room.site.caller.view("treatments", institution="other")
    assert [] == shown["sessions"]
