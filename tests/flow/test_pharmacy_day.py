"""A day of a pharmacy: self, agent, agent expired, exempt, busy, retry, cancel, lock, the rate."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
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
    wait_for,
)

from yibao_face.daemon.config import Config
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.section import EncounterConfig
from yibao_face.daemon.trust.certificate import verify
from yibao_face.daemon.wiring import policy_paths
from yibao_face.sync.api import Query, Record

PHARMACY = "001000200030"
# The policy of the day: purchases under 50 yuan need no face, unless of a chronic disease.
RULES = [
    {"id": "chronic", "check": True, "when": {"group_any": ["慢特病"]}},
    {"id": "small", "check": False, "when": {"medfee_below": "50"}},
]
GROUPS = {"慢特病": {"disease": ["E11"]}}


@dataclass(frozen=True, slots=True)
class Counter:
    """The counter as clerk and HIS see it."""

    site: Running
    hands: Hands
    clips: Path

    def show(self, clip: str) -> None:
        put_before_camera(self.site.config, self.clips, clip)

    def buy(self, number: str, clip: str, **changed: Any) -> dict[str, Any]:
        self.show(clip)
        return self.site.caller.authenticate(his_call(number, **changed))

    def act(self, name: str, **form: Any) -> dict[str, Any]:
        return self.site.caller.act(name, {"institution": PHARMACY, **form})

    def records(self, **asked: Any) -> list[Record]:
        return self.site.daemon.ledger.outbox.find(Query(**asked))

    @property
    def shown(self) -> str:
        """The encounter the counter window shows."""
        return str(self.site.caller.look()["encounter"])


@pytest.fixture
def counter(cast: Config, clips: Path) -> Generator[Counter, None, None]:
    sign_policy(cast, 1, RULES, groups=GROUPS)
    hands = Hands("2026-12-01T09:00")
    quick = replace(cast, encounter=EncounterConfig(deadline_s=20.0, capture_s=1.5))
    with running(quick, clock=hands.clock) as site:
        yield Counter(site, hands, clips)


@contextmanager
def calling(counter: Counter, body: bytes) -> Generator[list[dict[str, Any]], None, None]:
    """A HIS that waits for its answer in the background; it is under way when this is entered."""
    answers: list[dict[str, Any]] = []
    before = counter.shown
    thread = threading.Thread(
        target=lambda: answers.append(counter.site.caller.authenticate(body))
    )
    thread.start()
    wait_for(lambda: counter.shown != before)
    try:
        yield answers
    finally:
        thread.join(20)


def test_a_day_of_a_pharmacy(counter: Counter, portrait: Callable[[str], bytes]) -> None:
    papers = [base64.b64encode(portrait(name)).decode() for name in ("first-1", "second")]
    self_purchase(counter)
    agent_purchase(counter, papers)
    exempt_purchase(counter)
    busy_retry_and_cancel(counter)
    spoofs_pause_the_card(counter)
    the_agent_expires(counter)
    the_rate_is_the_hand_checked_one(counter)


def self_purchase(counter: Counter) -> None:
    """The insured person passes; the certificate vouches for it; the HIS may ask again."""
    body = his_call(FIRST)
    counter.show("live-first")
    answer = counter.site.caller.authenticate(body)
    counter.show("nobody")
    again = counter.site.caller.authenticate(body)
    [record] = counter.records(certificate_no=answer["cp_no"])
    signer = counter.site.daemon.ledger.signer
    no, facts = verify(record.certificate, {signer.key_id: signer.public_key()})

    assert (1, 1) == (answer["code"], answer["type"])
    assert answer == again
    assert (answer["cp_no"], record.deal_no, 1) == (no, facts.deal_no, facts.code)
    assert len(answer["cp_no"]) <= 30
    assert ("v1", "2023-106-1") == (record.consent, record.consent_text)
    other = counter.buy(SECOND, "live-second", deal_no=record.deal_no)
    assert (0, "该结算流水号已用于另一人，请HIS重新取流水号") == (other["code"], other["msg"])


def agent_purchase(counter: Counter, papers: list[str]) -> None:
    """A stranger to the card is refused; registered with papers, the agent passes as type 2."""
    assert 0 == counter.buy(FIRST, "live-second")["code"]
    form = {"id": FIRST, "agent_id": SECOND, "relation": "配偶", "staff": "1001"}
    without = counter.act("agent", until="2026-12-01", **form)
    assert (False, "请拍摄委托人和代购人的证件后再登记") == (without["ok"], without["msg"])
    registered = counter.act("agent", until="2026-12-01", photos=papers, **form)
    assert registered["ok"]

    answer = counter.buy(FIRST, "live-second")
    [record] = counter.records(certificate_no=answer["cp_no"])
    counted = counter.site.caller.view("agents", institution=PHARMACY)

    assert (1, 2, "代购人核验通过") == (answer["code"], answer["type"], answer["msg"])
    agent = counter.site.daemon.desk.gallery.find(Numbers(SECOND))
    assert agent == json.loads(record.detail)["agent"]
    assert (1, [1], [1]) == (
        counted["purchases"],
        list(counted["agents_per_card"].values()),
        list(counted["cards_per_agent"].values()),
    )


def exempt_purchase(counter: Counter) -> None:
    """A small purchase needs no face, by a rule on record; a chronic one does; a lost sum too."""
    answer = counter.buy(FIRST, "nobody", medfee_sumamt="49.99")
    [record] = counter.records(certificate_no=answer["cp_no"])

    assert (2, 0) == (answer["code"], answer["type"])
    assert ("small", 2, "policy-exempt") == (record.rule, record.code, record.cause)
    assert 0 == counter.buy(FIRST, "nobody", medfee_sumamt="49.99", dise_codg="E11.9")["code"]
    assert 0 == counter.buy(FIRST, "nobody", medfee_sumamt="很少")["code"]
    inbox, _ = policy_paths(counter.site.config)
    inbox.write_bytes(inbox.read_bytes().replace(b"50", b"5000"))
    assert 0 == counter.buy(FIRST, "nobody", medfee_sumamt="3000")["code"]
    assert ["alarm"] == [r.kind for r in counter.records(kinds=("alarm",))]


def busy_retry_and_cancel(counter: Counter) -> None:
    """A second person is told busy, a retry joins, the clerk and the person may cancel."""
    counter.show("nobody")
    body = his_call(FIRST)
    with calling(counter, body) as first:
        busy = counter.site.caller.authenticate(his_call(SECOND))
        joined = counter.site.caller.authenticate(body)
    assert (0, "正在为另一位核验，请稍候重试") == (busy["code"], busy["msg"])
    assert [joined] == first
    assert 1 == len(counter.records(deal_no=deal_of(body)))

    for by, said in (("clerk", "工作人员已取消"), ("person", "本人已取消")):
        with calling(counter, his_call(FIRST)) as cancelled:
            counter.site.caller.cancel(counter.shown, by)
        assert 0 == cancelled[0]["code"]
        assert said in cancelled[0]["msg"]


def spoofs_pause_the_card(counter: Counter) -> None:
    """Three photographs and the card pauses; a named clerk releases it, which is on record."""
    for _ in range(3):
        assert "疑似" in counter.buy(SECOND, "flat-first")["msg"]
    paused = counter.buy(SECOND, "live-second")
    assert (0, True) == (paused["code"], "已暂停核验" in paused["msg"])
    assert 1 == counter.buy(FIRST, "live-first")["code"]
    nameless = counter.act("release", id=SECOND, reason="已核对身份证")
    assert (False, "请填写工号(staff)") == (nameless["ok"], nameless["msg"])
    assert counter.act("release", id=SECOND, reason="已核对身份证", staff="1001")["ok"]
    assert 1 == counter.buy(SECOND, "live-second")["code"]

    for _ in range(3):
        counter.buy(SECOND, "flat-first")
    assert 0 == counter.buy(SECOND, "live-second")["code"]
    counter.hands.at("2026-12-01T15:00")
    assert 1 == counter.buy(SECOND, "live-second")["code"]


def the_agent_expires(counter: Counter) -> None:
    """The day after the last day the agent is told so, not taken for a stranger."""
    counter.hands.at("2026-12-02T09:00")
    late = counter.buy(FIRST, "live-second")

    assert (0, "代购登记已过期，请重新办理代购登记") == (late["code"], late["msg"])


def the_rate_is_the_hand_checked_one(counter: Counter) -> None:
    """Passed on the first: self, agent, FIRST again, SECOND twice: 5 of 8 settlements."""
    assert counter.act("settled", day="2026-12-01", count=8)["ok"]
    shown = counter.site.caller.view(
        "rate", **{"institution": PHARMACY, "from": "2026-12-01", "to": "2026-12-01"}
    )

    assert (5, 1, 8, "62.50") == (
        shown["authenticated"],
        shown["exempt"],
        shown["settled"],
        shown["percent"],
    )


def deal_of(body: bytes) -> str:
    return str(json.loads(body)["deal_no"])
