"""The regulator's word on what was registered here: on record as the desk's own, once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from inbox_bed import (
    FIRST,
    HOSPITAL,
    SECOND,
    Counter,
    letter,
    person,
    persons,
    register_special,
    signed,
)

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.core.encounter import Who
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.core.scene.special import Review, covering, queue, registrations
from yibao_face.daemon.desk.desk import recorded
from yibao_face.daemon.desk.form import Form
from yibao_face.daemon.desk.registration import review
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.inbox.kind.review import apply_review
from yibao_face.daemon.inbox.table import KINDS
from yibao_face.daemon.ledger import Entry
from yibao_face.sync.uplink.api import LetterRefusedError

TODAY = Clock().today()
SOON = TODAY + timedelta(days=30)


def word(of: str, **changed: Any) -> dict[str, Any]:
    body = {"of": of, "kind": "special", "institution": HOSPITAL, "approved": True}
    said = {"reason": "照片清楚", "reviewer": "审核员甲", "at_ms": 1_795_305_600_000}
    return {**body, **said, **changed}


def standing(counter: Counter) -> list[tuple[Review, str]]:
    events = counter.desk.events(HOSPITAL, Kind.SPECIAL, Kind.REVIEW)
    return [(r.review, r.reviewer) for r in registrations(events)]


@pytest.mark.parametrize(
    ("approved", "verdict"), [(True, Review.APPROVED), (False, Review.REJECTED)]
)
def test_a_review_is_that_of_the_registration(
    counter: Counter, approved: bool, verdict: Review
) -> None:
    of = register_special(counter)
    assert [(Review.PENDING, "")] == standing(counter)

    counter.take_signed("review", 1, word(of, approved=approved))

    assert [(verdict, "审核员甲")] == standing(counter)
    events = counter.desk.events(HOSPITAL, Kind.SPECIAL, Kind.REVIEW)
    assert [] == queue(events)
    [registration] = counter.records("special")
    assert approved == bool(covering(events, registration.person, TODAY))
    assert [("review", of, 1)] == counter.in_force()


def test_it_is_recorded_as_the_desk_would_and_the_reason_is_sealed(counter: Counter) -> None:
    of, by_hand = register_special(counter), register_special(counter)
    form = {"of": by_hand, "approved": True, "staff": "审核员甲", "institution": HOSPITAL}
    review(counter.desk, Form(form), Attempt(1.0))
    counter.take_signed("review", 1, word(of, reason="张三\n的照片"))

    desk, ours = sorted(counter.records("review"), key=lambda r: of in r.detail)

    same = ("institution", "person", "code", "cause")
    assert [getattr(desk, n) for n in same] == [getattr(ours, n) for n in same]
    told, own = json.loads(ours.detail), json.loads(desk.detail)
    assert {**own, "of": of} == {key: told[key] for key in own}
    assert "张三" not in ours.detail
    assert "张三 的照片" == counter.desk.ledger.opened(ours)["reason"]


def test_the_same_word_again_changes_nothing_also_after_a_death_in_between(
    counter: Counter,
) -> None:
    of = register_special(counter)
    envelope = signed("review", 1, word(of))
    # Applied, and dead before the document was on record.
    apply_review(counter.inbox._site, counter.inbox._opened(*_letter(envelope)))

    for _ in range(2):
        counter.take(envelope)

    assert 1 == len(counter.records("review"))
    assert [("review", of, 1)] == counter.in_force()


def _letter(envelope: bytes) -> Any:
    return letter(envelope), KINDS["review"]


def test_a_later_word_counts_and_an_earlier_one_is_refused(counter: Counter) -> None:
    of = register_special(counter)
    counter.take_signed("review", 2, word(of, approved=False))
    counter.take_signed("review", 3, word(of, approved=True))
    with pytest.raises(LetterRefusedError, match="not newer"):
        counter.take_signed("review", 1, word(of, approved=False, reviewer="乙"))

    assert [(Review.APPROVED, "审核员甲")] == standing(counter)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"of": "nobody's"}, "本机没有这条登记"),
        ({"institution": "P1"}, "本机没有这条登记"),
        ({"kind": "agent"}, "本机没有这条登记"),
        ({"kind": "binding"}, "kind is none of agent, special"),
        ({"approved": "yes"}, "approved is neither"),
        ({"reviewer": ""}, "reviewer is not a text"),
        ({"reason": "\x00"}, "reason is not a text"),
        ({"reason": "x" * 501}, "reason is not a text"),
        ({"at_ms": -1}, "at_ms is not a whole number"),
        ({"more": 1}, "unknown key 'more'"),
    ],
)
def test_what_cannot_be_understood_changes_nothing(
    counter: Counter, changed: dict[str, Any], told: str
) -> None:
    of = register_special(counter)

    with pytest.raises(LetterRefusedError, match=told):
        counter.take_signed("review", 1, {**word(of), **changed})

    assert [(Review.PENDING, "")] == standing(counter)
    assert told.split(" / ", maxsplit=1)[0] in counter.alarms()[-1]


def test_without_a_verdict_nothing_is_decided(counter: Counter) -> None:
    payload = word(register_special(counter))
    del payload["approved"]

    with pytest.raises(LetterRefusedError, match="approved is missing"):
        counter.take_signed("review", 1, payload)


@pytest.fixture
def agent(counter: Counter) -> str:
    """A relation registered at this counter; its id."""
    data = counter.config.data
    made = persons(person(data, FIRST), person(data, SECOND))
    counter.take(counter.seal("person-references", 1, made))
    return _registered(counter)


def _registered(counter: Counter) -> str:
    gallery, desk = counter.desk.gallery, counter.desk
    principal, other = (gallery.person_of(Numbers(number)) for number in (FIRST, SECOND))
    detail: dict[str, Any] = {"event": "register", "agent": other, "relation": "子女"}
    detail |= {"until": SOON.isoformat(), "documents": ["5" * 64], "staff": "1001"}
    entry = Entry(Kind.AGENT, recorded(), HOSPITAL, principal, detail=detail)
    gallery.allow_agent(principal, other, "子女", SOON)
    return desk.note(entry).id


def may_buy(counter: Counter) -> bool:
    gallery, stamp = counter.desk.gallery, counter.inbox._site.stamp
    found = gallery.references(gallery.person_of(Numbers(FIRST)), stamp, TODAY)
    return any(r.who is Who.AGENT and not r.expired for r in found)


def events_of(counter: Counter) -> list[str]:
    return [json.loads(r.detail)["event"] for r in counter.records("agent")]


def test_a_rejected_relation_ends_at_once_and_once(counter: Counter, agent: str) -> None:
    assert may_buy(counter)

    for version in (1, 2):
        counter.take_signed("review", version, word(agent, kind="agent", approved=False))

    assert not may_buy(counter)
    assert ["register", "revoke"] == events_of(counter)


def test_an_approved_relation_stands(counter: Counter, agent: str) -> None:
    counter.take_signed("review", 1, word(agent, kind="agent"))

    assert may_buy(counter)
    assert (["register"], 1) == (events_of(counter), len(counter.records("review")))


def test_a_relation_registered_anew_outlives_the_word_on_the_old_one(
    counter: Counter, agent: str
) -> None:
    _registered(counter)

    counter.take_signed("review", 1, word(agent, kind="agent", approved=False))

    assert may_buy(counter)
    assert ["register", "register"] == events_of(counter)
