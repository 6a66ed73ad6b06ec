"""The four cases in which no face can be shown: evidence, policy, review, rate (S0-52)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
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
    sign_policy,
)

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.scene.special import EVIDENCE, TITLES, Case
from yibao_face.daemon.section import EncounterConfig
from yibao_face.sync.api import Query, Record

HOSPITAL = "001000200030"
Portrait = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Ward:
    """The ward, whose patients cannot all come to the camera."""

    site: Running
    hands: Hands
    photo: str

    def register(self, case: str, number: str = FIRST, /, **changed: Any) -> dict[str, Any]:
        form = {"id": number, "case": case, "photos": [self.photo], "staff": "护士01"}
        return self.act("special", **{**form, **changed})

    def review(self, of: str, approved: object, /, **changed: Any) -> dict[str, Any]:
        return self.act("review", **{"of": of, "approved": approved, "staff": "监管01", **changed})

    def act(self, name: str, **form: Any) -> dict[str, Any]:
        return self.site.caller.act(name, {"institution": HOSPITAL, **form})

    def queue(self) -> list[dict[str, Any]]:
        return list(self.site.caller.view("queue", institution=HOSPITAL)["waiting"])

    def call(self, number: str = FIRST, **changed: Any) -> tuple[int, str]:
        """A settlement of the patient, nobody before the camera: code and rule on record."""
        answer = self.site.caller.authenticate(his_call(number, **changed))
        return answer["code"], self.records("settlement")[-1].rule

    def rate(self, **days: str) -> tuple[int, int, str]:
        """Authenticated, special, percent."""
        shown = self.site.caller.view("rate", institution=HOSPITAL, **days)
        return shown["authenticated"], shown["specials"], shown["percent"]

    def records(self, kind: str) -> list[Record]:
        return self.site.daemon.ledger.outbox.find(Query(kinds=(kind,)))


@pytest.fixture
def capture_s() -> float:
    """As short as it may be: where nobody stands before the camera it is waited for in full."""
    return 0.5


@pytest.fixture
def ward(
    cast: Config, clips: Path, portrait: Portrait, capture_s: float
) -> Generator[Ward, None, None]:
    """The centre spares two of the four cases; nobody stands before the camera."""
    spared = {"face-unrecognised": False, "on-leave": False, "in-treatment": True}
    sign_policy(cast, 1, [], specials=spared)
    hands = Hands("2026-12-01T09:00")
    quick = replace(cast, encounter=EncounterConfig(deadline_s=20.0, capture_s=capture_s))
    put_before_camera(quick, clips, "nobody")
    with running(quick, clock=hands.clock) as site:
        yield Ward(site, hands, base64.b64encode(portrait("second")).decode())


@pytest.mark.parametrize("case", Case)
def test_each_case_is_registered_with_its_photograph_and_waits_for_review(
    ward: Ward, case: Case, portrait: Portrait
) -> None:
    done = ward.register(case, note="家属陪同")

    assert (True, "recorded") == (done["ok"], done["cause"])
    [waiting] = ward.queue()
    assert (done["id"], case, TITLES[case]) == (waiting["of"], waiting["case"], waiting["title"])
    assert ("2026-12-01", "2026-12-01", "护士01") == (
        waiting["from"],
        waiting["until"],
        waiting["staff"],
    )
    [photo] = waiting["photos"]
    assert portrait("second") == ward.site.daemon.desk.evidence.get(photo)
    [record] = ward.records("special")
    assert {"note": "家属陪同"} == ward.site.daemon.ledger.opened(record)
    assert "家属陪同" not in record.detail
    # Nobody passed: it is a word of the staff, and has no certificate.
    assert (0, "") == (record.code, record.certificate_no)


@pytest.mark.parametrize("case", Case)
def test_without_its_photograph_no_case_is_registered(ward: Ward, case: Case) -> None:
    answer = ward.register(case, photos=[])

    assert (False, f"{TITLES[case]}：{EVIDENCE[case]}后再登记") == (answer["ok"], answer["msg"])
    assert [] == ward.queue()


@pytest.mark.parametrize(
    ("changed", "cause", "said"),
    [
        ({"photos": [base64.b64encode(b"no picture").decode()]}, "id-photo-unusable", "证件照"),
        ({"photos": [""]}, "id-photo-unusable", "证件照"),
        ({"photos": ["no base64!"]}, "bad-request", "base64"),
        ({"photos": "x"}, "bad-request", "须为列表"),
        ({"case": "holiday"}, "bad-request", "登记类型(case)须为"),
        ({"case": ""}, "bad-request", "请填写登记类型(case)"),
        ({"staff": ""}, "bad-request", "请填写工号(staff)"),
        ({"id": ""}, "bad-request", "请填写证件号码(id)或个人编号(psn)"),
        ({"until": "tomorrow"}, "bad-request", "结束日期(until)须为日期"),
        ({"note": "说" * 201}, "bad-request", "说明(note)超过200个字符"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_registration_that_proves_nothing_is_refused(
    ward: Ward, changed: dict[str, Any], cause: str, said: str
) -> None:
    answer = ward.register("on-leave", **changed)

    assert (False, cause) == (answer["ok"], answer["cause"])
    assert said in answer["msg"]
    assert ([], []) == (ward.queue(), ward.records("special"))


@pytest.mark.parametrize(
    ("case", "days", "said"),
    [
        ("on-leave", ("2026-12-01", "2026-12-31"), ""),
        ("on-leave", ("2026-12-03", "2026-12-05"), ""),
        ("on-leave", ("2026-12-01", "2027-01-01"), "日期太远"),
        ("on-leave", ("2026-11-30", "2026-12-01"), "开始日期不能早于今天"),
        ("on-leave", ("2026-12-03", "2026-12-02"), "结束日期不能早于开始日期"),
        ("in-treatment", ("2026-12-01", "2026-12-02"), "只能登记当天"),
        ("transferred", ("2026-12-02", "2026-12-02"), "只能登记当天"),
        ("face-unrecognised", ("2026-11-30", "2026-11-30"), "只能登记当天"),
    ],
)
def test_a_leave_lasts_for_days_and_every_other_case_for_today(
    ward: Ward, case: str, days: tuple[str, str], said: str
) -> None:
    answer = ward.register(case, **{"from": days[0], "until": days[1]})

    assert (said == "") is answer["ok"]
    assert said in answer["msg"]
    assert ([] if said else [days]) == [(w["from"], w["until"]) for w in ward.queue()]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("face-unrecognised", (2, "special:face-unrecognised")),
        ("on-leave", (2, "special:on-leave")),
        ("in-treatment", (0, "default")),
        ("transferred", (0, "default")),
    ],
)
def test_the_policy_of_the_centre_says_which_case_is_spared(
    ward: Ward, case: str, expected: tuple[int, str]
) -> None:
    assert (0, "default") == ward.call()
    ward.register(case)

    assert expected == ward.call()


def test_a_spared_settlement_has_a_certificate_that_names_no_face(ward: Ward) -> None:
    ward.register("face-unrecognised")
    answer = ward.site.caller.authenticate(his_call(FIRST))

    assert (2, "已办特殊登记，本次无需人脸核验", 0) == (
        answer["code"],
        answer["msg"],
        answer["type"],
    )
    [record] = ward.records("settlement")
    assert ("special-exempt", answer["cp_no"], "") == (
        record.cause,
        record.certificate_no,
        record.evidence_sha256,
    )


def test_a_case_spares_nobody_else_nowhere_else_and_no_other_day(ward: Ward) -> None:
    ward.register("face-unrecognised")

    assert 0 == ward.call(SECOND)[0]
    assert 0 == ward.call(fixmedins_code="001000200031")[0]
    ward.hands.at("2026-12-02T09:00")
    assert 0 == ward.call()[0]


@pytest.mark.parametrize(
    ("day", "code"), [("2026-12-02", 0), ("2026-12-03", 2), ("2026-12-05", 2), ("2026-12-06", 0)]
)
def test_a_leave_spares_from_its_first_to_its_last_day(ward: Ward, day: str, code: int) -> None:
    ward.register("on-leave", **{"from": "2026-12-03", "until": "2026-12-05"})
    ward.hands.at(f"{day}T23:00")

    assert code == ward.call()[0]


def test_what_the_regulator_rejects_is_looked_at_again(ward: Ward) -> None:
    of = ward.register("face-unrecognised")["id"]
    assert 2 == ward.call()[0]
    assert ward.review(of, False)["ok"]

    assert (0, "default") == ward.call()
    assert ward.review(of, True)["ok"]
    assert 2 == ward.call()[0]


def test_a_review_is_a_word_of_somebody_about_something(ward: Ward) -> None:
    of = ward.register("on-leave")["id"]
    for changed, said in (
        ({"of": "nowhere"}, "没有这条特殊登记"),
        ({"of": ""}, "请填写登记编号(of)"),
        ({"approved": "true"}, "是否通过(approved)须为true或false"),
        ({"approved": None}, "是否通过(approved)须为true或false"),
        ({"staff": ""}, "请填写审核人工号(staff)"),
        ({"institution": "other"}, "没有这条特殊登记"),
        ({"staff": "护士01"}, "登记人不能审核自己的登记，请由另一人审核"),
        ({"staff": " 护士01 "}, "登记人不能审核自己的登记，请由另一人审核"),
    ):
        answer = ward.review(of, True, **changed)
        assert (False, True) == (answer["ok"], said in answer["msg"]), changed
    assert [of] == [waiting["of"] for waiting in ward.queue()]

    assert ward.review(of, True)["ok"]
    [record] = ward.records("review")
    assert {"of": of, "approved": True, "reviewer": "监管01"} == json.loads(record.detail)


def test_the_queue_is_the_oldest_first_and_what_was_reviewed_is_gone(ward: Ward) -> None:
    ids = [ward.register(case)["id"] for case in Case]
    assert ids == [waiting["of"] for waiting in ward.queue()]
    ward.review(ids[1], True)
    ward.review(ids[2], False)

    assert [ids[0], ids[3]] == [waiting["of"] for waiting in ward.queue()]


def test_the_rate_counts_them_as_authentications_unless_rejected(ward: Ward) -> None:
    assert ward.act("settled", day="2026-12-01", count=4)["ok"]
    first = ward.register("face-unrecognised")["id"]
    ward.register("face-unrecognised")
    second = ward.register("on-leave", SECOND)["id"]

    # The same case of the same person on one day is one.
    assert (0, 2, "50.00") == ward.rate()
    ward.review(first, True)
    ward.review(second, False)
    assert (0, 1, "25.00") == ward.rate()


@pytest.mark.parametrize("capture_s", [3.0], ids=["time to be seen"])
def test_who_was_seen_after_all_counts_once(ward: Ward, clips: Path) -> None:
    assert ward.act("settled", day="2026-12-01", count=4)["ok"]
    ward.register("in-treatment")
    put_before_camera(ward.site.config, clips, "live-first")
    assert 1 == ward.call()[0]

    assert (1, 0, "25.00") == ward.rate()
