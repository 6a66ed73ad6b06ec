"""A day of a pharmacist: in, out, twice, elsewhere, at the wrong time, and with the wrong face."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from harness import (
    FIRST,
    SECOND,
    Hands,
    Running,
    his_call,
    put_before_camera,
    running,
    unpaced,
    wait_for,
)

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.scene.detail import CHINA
from yibao_face.daemon.door.http import ATTENDANCE_PATH
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.section import EncounterConfig
from yibao_face.sync.api import Query, Record

PHARMACY = "001000200030"
IN, OUT = (0, "签到成功，当天有效"), (0, "签退成功")
AGAIN = (0, "刚刚已完成，无需重复")
STRANGER = "440101198512120000"


@dataclass(frozen=True, slots=True)
class Shop:
    """The pharmacy as its HIS and its staff see it."""

    site: Running
    hands: Hands
    clips: Path

    def show(self, clip: str) -> None:
        put_before_camera(self.site.config, self.clips, clip)

    def sign(self, at: str = "", number: str = FIRST, **more: str) -> tuple[int, str]:
        """One call of ``HisCallAtten``; the practitioner stands there."""
        if at:
            self.hands.at(at)
        answer = self.site.caller.attend(body(number, **more))
        assert ["code", "msg"] == list(answer)
        return answer["code"], answer["msg"]

    def act(self, name: str, **form: Any) -> dict[str, Any]:
        return self.site.caller.act(name, {"institution": PHARMACY, **form})

    def roster(self, *numbers: str) -> None:
        listed = [{"id": number, "name": "张三"} for number in numbers]
        assert self.act("roster", practitioners=listed, staff="1001")["ok"]

    def view(self, **asked: str) -> list[dict[str, Any]]:
        shown = self.site.caller.view("attendance", institution=PHARMACY, **asked)
        return list(shown["practitioners"])

    def records(self, kind: str = "attendance") -> list[Record]:
        return self.site.daemon.ledger.outbox.find(Query(kinds=(kind,)))

    def causes(self) -> list[str]:
        return [record.cause for record in self.records()]


def body(number: str = FIRST, **more: str) -> bytes:
    call = {"ID": number, "name": "张三", "fixmedins_code": PHARMACY, "fixmedins_name": "大药房"}
    return json.dumps({**call, **more}, ensure_ascii=False).encode()


def ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).replace(tzinfo=CHINA).timestamp() * 1000)


@pytest.fixture
def configured() -> bool:
    """Whether the camera is opened by its uri, as a daemon does; else frames come faster."""
    return False


@pytest.fixture
def shop(cast: Config, clips: Path, *, configured: bool) -> Generator[Shop, None, None]:
    """FIRST is on the roster and stands before the camera; it is 8 o'clock."""
    hands = Hands("2026-12-01T08:00")
    quick = replace(
        cast,
        encounter=EncounterConfig(deadline_s=20.0, capture_s=3.0),
        enrolment=replace(cast.enrolment, counter_s=0.5),
    )
    camera = None if configured else unpaced(quick)
    with running(quick, clock=hands.clock, camera=camera) as site:
        made = Shop(site, hands, clips)
        made.roster(FIRST)
        made.show("live-first")
        yield made


def test_a_day_is_signed_in_and_out(shop: Shop) -> None:
    assert IN == shop.sign("2026-12-01T08:00")
    assert OUT == shop.sign("2026-12-01T17:30")

    signed_in, signed_out = shop.records()
    assert ("signed-in", 1, 1, "2026-12-01") == (
        signed_in.cause,
        signed_in.code,
        signed_in.who,
        signed_in.day,
    )
    assert ("signed-out", 1) == (signed_out.cause, signed_out.code)
    assert ("", "") == (signed_in.certificate_no, signed_in.certificate)
    assert 64 == len(signed_in.evidence_sha256) == len(signed_in.request_sha256)
    [day] = shop.view()
    assert ["in", "out"] == [sign for sign, _ in day["signs"]]
    assert (False, False, False) == (day["on_duty"], day["missing_out"], day["made_up"])


def test_the_same_again_within_five_minutes_is_done_already_and_no_new_record(shop: Shop) -> None:
    assert IN == shop.sign("2026-12-01T08:00")
    assert AGAIN == shop.sign("2026-12-01T08:04:50")
    assert ["signed-in"] == shop.causes()

    assert OUT == shop.sign("2026-12-01T08:05:10")
    assert AGAIN == shop.sign("2026-12-01T08:06")
    assert ["signed-in", "signed-out"] == shop.causes()


def test_without_an_action_the_state_of_the_day_toggles(shop: Shop) -> None:
    hours = ("08:00", "12:00", "13:00", "18:00")

    assert [IN, OUT, IN, OUT] == [shop.sign(f"2026-12-01T{hour}") for hour in hours]


def test_an_action_that_is_named_is_what_happens(shop: Shop) -> None:
    not_in = (1, "[not-signed-in] 今天还没有签到，请先签到")
    assert not_in == shop.sign("2026-12-01T08:00", action="out")
    assert IN == shop.sign("2026-12-01T08:01", action="in")
    assert AGAIN == shop.sign("2026-12-01T12:00", action="in")
    # The other one, asked for by its name, is no repeat.
    assert OUT == shop.sign("2026-12-01T12:00:30", action="out")
    assert AGAIN == shop.sign("2026-12-01T12:01", action="out")

    assert ["not-signed-in", "signed-in", "signed-out"] == shop.causes()


def test_who_is_not_on_the_roster_is_told_so(shop: Shop) -> None:
    unknown = (-4, "[not-on-roster] 该机构下无此医师药师，请联系医保科维护名单")

    assert unknown == shop.sign(number=SECOND)
    assert unknown == shop.sign(fixmedins_code="001000200031")
    shop.roster(SECOND)
    assert unknown == shop.sign()
    assert ["not-on-roster"] * 3 == shop.causes()


def test_a_number_is_the_same_in_small_letters(shop: Shop) -> None:
    shop.roster("11010119491231002x")

    assert -4 != shop.sign(number="11010119491231002X")[0]


@pytest.mark.parametrize("configured", [True], ids=["by uri"])
def test_without_a_camera_it_is_code_minus_2(shop: Shop) -> None:
    (shop.site.config.data / "before-camera.rgbd").unlink()

    code, said = shop.sign()
    assert (-2, True) == (code, said.startswith("[camera-"))
    shop.show("live-first")
    assert IN == shop.sign()


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("person", "[cancelled-by-person] 本人已取消，如需继续请重新发起"),
        ("clerk", "[cancelled-by-clerk] 工作人员已取消，如需继续请重新发起"),
    ],
)
def test_whoever_cancels_it_is_code_minus_1(shop: Shop, by: str, said: str) -> None:
    shop.show("nobody")
    answers: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: answers.append(shop.sign()))
    thread.start()
    wait_for(lambda: shop.site.caller.look()["encounter"])
    shop.site.caller.cancel(shop.site.caller.look()["encounter"], by)
    thread.join(20)

    assert [(-1, said)] == answers
    assert [f"cancelled-by-{by}"] == shop.causes()


@pytest.mark.parametrize(
    ("clip", "said"),
    [
        ("live-second", "[other-person] 与参保人不符，请本人核验或办理代购登记"),
        ("flat-first", "[spoof-flat] 疑似照片或屏幕，已拒绝，请本人到场核验"),
        ("nobody", "[no-face] 未检测到人脸，请正对摄像头后重试"),
    ],
)
def test_a_face_that_does_not_pass_signs_nothing(shop: Shop, clip: str, said: str) -> None:
    shop.show(clip)

    assert (1, said) == shop.sign()
    assert [] == shop.view()
    shop.show("live-first")
    assert IN == shop.sign()


def test_an_agent_buys_but_never_signs(shop: Shop) -> None:
    gallery = shop.site.daemon.desk.gallery
    first, second = (gallery.find(Numbers(number)) for number in (FIRST, SECOND))
    assert first is not None
    assert second is not None
    gallery.allow_agent(first, second, "配偶", date(2026, 12, 31))
    shop.show("live-second")

    assert 2 == shop.site.caller.authenticate(his_call(FIRST))["type"]
    assert 1 == shop.sign()[0]
    assert ["other-person"] == shop.causes()


def test_a_practitioner_without_a_face_in_the_gallery_is_told_so(shop: Shop) -> None:
    shop.roster(STRANGER)

    code, said = shop.sign(number=STRANGER)
    assert (1, True) == (code, said.startswith("[counter-silent] "))


def test_a_sign_holds_for_its_day_in_china_only(shop: Shop) -> None:
    assert IN == shop.sign("2026-12-01T23:59:50")
    assert AGAIN == shop.sign("2026-12-01T23:59:55")
    # Ten seconds on, and still the same day in Greenwich.
    assert IN == shop.sign("2026-12-02T00:00:05")
    assert OUT == shop.sign("2026-12-02T08:30")

    assert ["2026-12-01", "2026-12-02", "2026-12-02"] == [r.day for r in shop.records()]
    [first] = shop.view(day="2026-12-01")
    [second] = shop.view()
    assert (["in"], True) == ([s for s, _ in first["signs"]], first["missing_out"])
    assert (["in", "out"], False) == ([s for s, _ in second["signs"]], second["missing_out"])


def test_who_did_not_sign_out_is_on_duty_today_and_missing_tomorrow(shop: Shop) -> None:
    shop.sign("2026-12-01T08:00")
    [today] = shop.view()
    shop.hands.at("2026-12-02T08:00")
    [yesterday] = shop.view(day="2026-12-01")

    assert (True, False) == (today["on_duty"], today["missing_out"])
    assert (False, True) == (yesterday["on_duty"], yesterday["missing_out"])


def test_a_sign_out_that_was_forgotten_is_made_up_with_a_reason(shop: Shop) -> None:
    shop.sign("2026-12-01T08:00")
    shop.hands.at("2026-12-02T07:00")
    form = {"id": FIRST, "sign": "out", "at": "2026-12-01T17:00", "staff": "主任01"}

    nameless = shop.act("attendance-makeup", **form)
    assert (False, "请填写补签原因(reason)") == (nameless["ok"], nameless["msg"])
    assert shop.act("attendance-makeup", **form, reason="忘记签退")["ok"]

    [day] = shop.view(day="2026-12-01")
    assert [["in", "out"], False, True] == [
        [sign for sign, _ in day["signs"]],
        day["missing_out"],
        day["made_up"],
    ]
    [record] = shop.records("attendance-makeup")
    detail = json.loads(record.detail)
    assert ("out", ms("2026-12-01T17:00"), "主任01", "忘记签退") == tuple(
        detail[key] for key in ("sign", "at_ms", "staff", "reason")
    )
    # No face is claimed for it.
    assert (0, "recorded", "") == (record.code, record.cause, record.evidence_sha256)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"at": "2026-12-01T06:59"}, "makeup-late"),
        ({"at": "2026-12-02T07:01"}, "makeup-late"),
        ({"id": SECOND}, "not-on-roster"),
        ({"sign": "off"}, "bad-request"),
        ({"at": "yesterday"}, "bad-request"),
        ({"staff": ""}, "bad-request"),
    ],
    ids=["too-late", "in-the-future", "not-here", "no-sign", "no-time", "no-name"],
)
def test_a_make_up_has_its_limits(shop: Shop, changed: dict[str, str], cause: str) -> None:
    shop.hands.at("2026-12-02T07:00")
    form = {"id": FIRST, "sign": "in", "at": "2026-12-02T06:00", "staff": "主任01", "reason": "忘"}

    answer = shop.act("attendance-makeup", **{**form, **changed})
    assert (False, cause) == (answer["ok"], answer["cause"])
    assert [] == shop.view() + shop.view(day="2026-12-01")


def test_a_make_up_counts_for_the_state_of_the_day(shop: Shop) -> None:
    shop.hands.at("2026-12-01T12:00")
    form = {"id": FIRST, "sign": "in", "at": "2026-12-01T08:00", "staff": "1001", "reason": "忘"}
    assert shop.act("attendance-makeup", **form)["ok"]

    assert OUT == shop.sign("2026-12-01T17:00")


def test_a_clock_set_back_is_refused_until_somebody_answers_for_it(shop: Shop) -> None:
    shop.roster(FIRST, SECOND)
    assert IN == shop.sign("2026-12-01T12:00")
    set_back = (1, "[clock-set-back] 电脑时间被调早，请校准时间后重试或联系工程师")
    assert set_back == shop.sign("2026-12-01T11:00")

    shop.show("live-second")
    assert set_back == shop.sign(number=SECOND)
    nameless = shop.act("clock", reason="CMOS电池已更换")
    assert (False, "请填写工号(staff)") == (nameless["ok"], nameless["msg"])
    assert set_back == shop.sign(number=SECOND)
    assert shop.act("clock", staff="1001", reason="CMOS电池已更换")["ok"]
    assert IN == shop.sign(number=SECOND)

    assert [("1001", "CMOS电池已更换")] == [
        (json.loads(r.detail)["staff"], json.loads(r.detail)["reason"])
        for r in shop.records("clock")
    ]


def test_a_clock_set_back_by_a_day_is_refused_too(shop: Shop) -> None:
    assert IN == shop.sign("2026-12-02T08:00")

    assert "clock-set-back" in shop.sign("2026-12-01T08:00")[1]
    assert IN == shop.sign("2026-12-03T08:00")


def test_a_clock_that_lags_by_a_minute_is_none_set_back(shop: Shop) -> None:
    shop.hands.at("2026-12-01T08:01")
    shop.roster(FIRST)

    assert IN == shop.sign("2026-12-01T08:00")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "[bad-request] 请求内容为空"),
        (b"hello", "[bad-request] 入参不是有效的JSON"),
        (b"[" * 50_000, "[bad-request] "),
        (b'{"ID": "1"}', "[bad-request] 姓名(name)不能为空"),
        (body(""), "[bad-request] 证件号码(ID)不能为空"),
        (body("1" * 31), "[bad-request] 证件号码(ID)超过30个字符"),
        (body(fixmedins_code=""), "[bad-request] 定点医药机构编号(fixmedins_code)不能为空"),
        (b"x" * 100_000, "请求内容过大"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_call_nobody_can_serve_is_told_what_to_mend(shop: Shop, sent: bytes, said: str) -> None:
    answer = shop.site.caller.attend(sent)

    assert ["code", "msg"] == list(answer)
    assert (1, True) == (answer["code"], said in answer["msg"])
    assert [] == shop.records()


def test_an_action_we_do_not_know_is_noted_and_left_open(shop: Shop) -> None:
    assert IN == shop.sign(action="上班")

    [record] = shop.records()
    assert "action" in [finding["field"] for finding in json.loads(record.findings)]


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
@pytest.mark.parametrize("path", [ATTENDANCE_PATH, "/hiscallatten", "/HisCallAtten/"])
def test_a_hospital_is_answered_in_its_own_charset(shop: Shop, charset: str, path: str) -> None:
    door = shop.site.config.door
    connection = http.client.HTTPConnection(door.host, door.port, timeout=30)
    connection.request("POST", path, body().decode().encode(charset))
    response = connection.getresponse()
    raw = response.read()
    connection.close()

    assert (200, charset) == (response.status, response.headers.get_content_charset())
    assert {"code": 0, "msg": IN[1]} == json.loads(raw.decode(charset))
    assert IN[1].encode(charset) in raw


def test_what_names_the_practitioner_is_sealed(shop: Shop) -> None:
    shop.sign(action="in", 备注="夜班")

    [record] = shop.records()
    opened = shop.site.daemon.ledger.opened(record)
    assert (FIRST, "张三", {"备注": "夜班"}) == (opened["ID"], opened["name"], opened["extra"])
    assert FIRST not in repr(record)
    assert shop.site.daemon.desk.gallery.find(Numbers(FIRST)) == record.person
