"""The desk in the page: the same acts as behind its door, in the name of who is logged in."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from console_bed import SITE, Office, Window, office, photo, picture
from harness import FIRST, SECOND, Hands, his_call, put_before_camera

from yibao_face.daemon.booth.counter import Stage
from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.sync.api import Query

STRANGER = "440101198512120000"
STAY = {"PatWard": "一病区", "Dep": "内科", "DepNo": "0301", "BedID": "12", "insho_stas": 1}
HOSTILE = '<img src=x onerror="alert(1)">'


def records(made: Office, kind: str) -> list[dict[str, Any]]:
    found = made.site.daemon.ledger.outbox.find(Query(kinds=(kind,)))
    return [{**json.loads(r.detail), "cause": r.cause, "person": r.person} for r in found]


def agent(**changed: Any) -> dict[str, Any]:
    form = {"id": FIRST, "agent_id": SECOND, "relation": "配偶", "until": "2026-12-31"}
    return {**form, "photos": [photo()], **changed}


@pytest.fixture
def hands() -> Hands:
    return Hands("2026-12-01T09:00")


@pytest.fixture
def desk(cast: Config, clips: Path, hands: Hands) -> Any:
    put_before_camera(cast, clips, "live-first")
    with office(cast, clock=hands.clock) as made:
        yield made


def test_an_agent_is_registered_with_photographs_listed_and_revoked(desk: Office) -> None:
    clerk = desk.window(Role.CLERK)

    assert clerk.act("agent", **agent())["ok"]
    [row] = clerk.ask("/relations").json()["relations"]
    assert ("张*", "李*", "配偶", False) == (
        row["person_name"],
        row["agent_name"],
        row["relation"],
        row["expired"],
    )
    [written] = records(desk, "agent")
    assert "1001" == written["staff"]
    assert picture() == desk.site.daemon.desk.evidence.get(written["documents"][0])
    assert clerk.act("agent-revoke", id=FIRST, agent_id=SECOND)["ok"]
    assert [] == clerk.ask("/relations").json()["relations"]


def test_whoever_is_named_in_the_form_the_one_logged_in_did_it(desk: Office) -> None:
    desk.window(Role.PHARMACIST).act("agent", **agent(staff="1001"))

    assert ["2001"] == [row["staff"] for row in records(desk, "agent")]


def test_an_agent_without_a_photograph_is_told(desk: Office) -> None:
    answer = desk.window(Role.CLERK).act("agent", **agent(photos=[]))

    assert (False, "请拍摄委托人和代购人的证件后再登记") == (answer["ok"], answer["msg"])


@pytest.mark.parametrize("case", ["transferred", "in-treatment", "face-unrecognised", "on-leave"])
def test_each_special_case_is_registered_and_reviewed_by_another(desk: Office, case: str) -> None:
    form = {"id": FIRST, "case": case, "photos": [photo()], "note": HOSTILE}
    assert desk.window(Role.CLERK).act("special", **form)["ok"]

    reviewer = desk.window(Role.PHARMACIST)
    [waiting] = reviewer.ask("/desk/queue").json()["waiting"]
    assert ("张*", "1001", case) == (waiting["person_name"], waiting["staff"], waiting["case"])
    shown = reviewer.ask(f"/photos/{waiting['photos'][0]}")
    assert ("image/jpeg", picture()) == (shown.headers["Content-Type"], shown.content)
    assert reviewer.act("review", of=waiting["of"], approved=True)["ok"]
    assert [] == reviewer.ask("/desk/queue").json()["waiting"]
    assert ["2001"] == [row["reviewer"] for row in records(desk, "review")]


def test_nobody_reviews_what_he_registered_himself(desk: Office) -> None:
    pharmacist = desk.window(Role.PHARMACIST)
    form = {"id": FIRST, "case": "in-treatment", "photos": [photo()]}
    assert pharmacist.act("special", **form)["ok"]
    [waiting] = pharmacist.ask("/desk/queue").json()["waiting"]

    refused = pharmacist.act("review", of=waiting["of"], approved=True, staff="9001")
    assert (False, "登记人不能审核自己的登记，请由另一人审核") == (refused["ok"], refused["msg"])
    assert [] == records(desk, "review")
    assert desk.window(Role.MANAGER).act("review", of=waiting["of"], approved=True)["ok"]


@pytest.mark.parametrize("name", ["0" * 64, "x", "..%2Fdevice.key", "0" * 63 + "G"])
def test_a_photograph_that_is_none_is_told(desk: Office, name: str) -> None:
    assert desk.window(Role.MANAGER).ask(f"/photos/{name}").status_code in (400, 404)


def test_a_pause_is_lifted_with_a_reason(desk: Office) -> None:
    assert desk.window(Role.PHARMACIST).act("release", id=FIRST, reason="已核对证件")["ok"]
    assert not desk.window(Role.PHARMACIST).act("release", id=FIRST, reason="")["ok"]


def test_who_is_on_the_roster_signs_by_face_and_a_forgotten_sign_is_made_up(
    desk: Office, hands: Hands
) -> None:
    manager = desk.window(Role.MANAGER)
    people = [{"id": FIRST, "name": "张三"}, {"id": SECOND, "name": "李四"}]
    assert manager.act("roster", practitioners=people)["ok"]
    assert "张*" == desk.window(Role.CLERK).act("attendance-face")["name"]
    hands.at("2026-12-01T18:00")
    form = {"id": SECOND, "sign": "in", "at": "2026-12-01T08:30", "reason": "忘记签到"}
    assert desk.window(Role.PHARMACIST).act("attendance-makeup", **form)["ok"]

    listed = desk.window(Role.CLERK).ask("/desk/attendance").json()["practitioners"]
    assert {("张*", False), ("李*", True)} == {(r["person_name"], r["made_up"]) for r in listed}
    late = desk.window(Role.MANAGER).act("attendance-makeup", **{**form, "at": "2026-11-20T08:30"})
    assert "makeup-late" == late["cause"]


def test_a_treatment_is_signed_in_and_out_by_face(desk: Office, hands: Hands) -> None:
    clerk = desk.window(Role.CLERK)

    assert clerk.act("treatment-in", id=FIRST, item="tuina")["ok"]
    [session] = clerk.ask("/desk/treatments").json()["sessions"]
    assert ("张*", None) == (session["person_name"], session["out_ms"])
    hands.at("2026-12-01T09:30")
    assert clerk.act("treatment-out", id=FIRST)["ok"]


def test_the_ward_shows_who_is_overdue_and_who_was_seen(desk: Office, hands: Hands) -> None:
    clerk = desk.window(Role.CLERK)
    assert "not-inpatient" == clerk.act("round", id=FIRST)["cause"]
    call = his_call(FIRST, med_type="21", exp_content=STAY, fixmedins_code=SITE)
    assert 1 == desk.site.caller.authenticate(call)["code"]
    [lies] = clerk.ask("/desk/ward").json()["inpatients"]
    assert ("张*", "一病区") == (lies["person_name"], lies["ward"])

    hands.at("2026-12-02T21:00")
    assert ["overdue"] == [r["state"] for r in clerk.ask("/desk/rounds").json()["inpatients"]]
    hands.at("2026-12-03T10:00")
    assert clerk.act("round", id=FIRST)["ok"]
    assert ["checked"] == [r["state"] for r in clerk.ask("/desk/rounds").json()["inpatients"]]
    assert {"tasks": []} == clerk.ask("/desk/tasks").json()


def test_a_person_is_erased_for_good_and_that_is_on_record(desk: Office) -> None:
    manager, clerk = desk.window(Role.MANAGER), desk.window(Role.CLERK)
    clerk.act("agent", **agent())
    gallery = desk.site.daemon.desk.gallery
    [row] = clerk.ask("/persons", id=FIRST).json()["rows"]
    assert ("张*", 2, "v1") == (row["name"], row["samples"], row["consent"])

    form = {"id": FIRST, "reason": "本人要求"}
    assert not manager.act("erase", **form, confirmed=False)["ok"]
    assert not manager.act("erase", id=FIRST, confirmed=True)["ok"]
    assert gallery.find(Numbers(FIRST))
    assert manager.act("erase", **form, confirmed=True)["ok"]
    assert gallery.find(Numbers(FIRST)) is None
    assert [] == clerk.ask("/persons", id=FIRST).json()["rows"]
    assert [] == clerk.ask("/relations").json()["relations"]
    [written] = records(desk, "erasure")
    assert ("9001", "本人要求", 2) == (written["staff"], written["reason"], written["samples"])
    # Once is enough, and a stranger is nobody.
    assert "not-enrolled" == manager.act("erase", **form, confirmed=True)["cause"]


def test_persons_are_listed_by_the_page_and_masked(desk: Office) -> None:
    found = desk.window(Role.CLERK).ask("/persons").json()

    assert (2, {"张*", "李*"}) == (found["total"], {row["name"] for row in found["rows"]})
    assert FIRST not in json.dumps(found)
    assert 400 == desk.window(Role.CLERK).ask("/persons", page="x").status_code


def test_the_rate_is_told_by_day(desk: Office) -> None:
    clerk = desk.window(Role.CLERK)
    assert desk.site.caller.authenticate(his_call(FIRST, fixmedins_code=SITE))["code"] == 1
    assert clerk.act("settled", day="2026-12-01", count=2)["ok"]

    found = clerk.ask("/rate").json()
    [day] = found["days"]
    assert ("50.00", "2026-12-01", 1, 2) == (
        found["percent"],
        day["day"],
        day["authenticated"],
        day["settled"],
    )
    for asked in ({"from": "2026-12-02"}, {"from": "2020-01-01"}, {"from": "x"}):
        assert 400 == clerk.ask("/rate", **asked).status_code


def wait_for_prompt(window: Window, stage: Stage) -> dict[str, Any]:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        prompt = window.poll("/counter").json()["prompt"]
        if prompt and prompt["stage"] == stage:
            found: dict[str, Any] = prompt
            return found
        time.sleep(0.05)
    raise AssertionError(f"no {stage} was asked")


def test_the_counters_questions_are_answered_in_the_page(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-third")
    with office(cast) as made, ThreadPoolExecutor(1) as his:
        clerk = made.window(Role.CLERK)
        clerk.ask("/counter")
        call = his.submit(made.site.caller.authenticate, his_call(STRANGER, name="王五"))
        asked = wait_for_prompt(clerk, Stage.CONSENT)
        assert STRANGER not in json.dumps(asked)
        given = {"encounter": asked["encounter"], "accepted": True, "staff": "forged"}
        # To something else than what is asked.
        assert 409 == clerk.send("/counter", **given, stage="confirm").status_code
        assert clerk.send("/counter", **given, stage="consent").ok
        wait_for_prompt(clerk, Stage.CONFIRM)
        assert clerk.send("/counter", **given, stage="confirm").ok

        assert 1 == call.result(30)["code"]
        person = made.site.daemon.desk.gallery.find(Numbers(STRANGER))
        found = made.site.daemon.desk.gallery.alike(person or "")
        assert found is not None
        assert "staff:1001" == found.enrolled_by


def test_an_encounter_is_cancelled_in_the_page(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "nobody")
    patient = replace(cast, encounter=replace(cast.encounter, capture_s=20.0))
    with office(patient) as made, ThreadPoolExecutor(1) as his:
        clerk = made.window(Role.CLERK)
        before = clerk.ask("/counter").json()["encounter"]
        call = his.submit(made.site.caller.authenticate, his_call(FIRST))
        until = time.monotonic() + 10
        while (now := clerk.ask("/counter").json()["encounter"]) == before:
            assert time.monotonic() < until
        assert 400 == clerk.send("/counter/cancel", encounter=now, by="x").status_code
        while not clerk.send("/counter/cancel", encounter=now, by="clerk").ok:
            assert time.monotonic() < until

        assert "工作人员已取消，如需继续请重新发起" == call.result(30)["msg"]
        assert 409 == clerk.send("/counter/cancel", encounter=now, by="clerk").status_code
