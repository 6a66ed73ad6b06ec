"""Relations of the centre: on record first, then in the gallery, each once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from inbox_bed import FIRST, HOSPITAL, SECOND, THIRD, Counter, agents, person, persons, relation

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.core.encounter import Who
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.sync.uplink.api import LetterRefusedError

SOON = (Clock().today() + timedelta(days=30)).isoformat()


@pytest.fixture
def staffed(counter: Counter) -> Counter:
    """Two of three are enrolled."""
    data = counter.config.data
    made = persons(person(data, FIRST), person(data, SECOND))
    counter.take(counter.seal("person-references", 1, made))
    return counter


def allowed(counter: Counter) -> list[tuple[Who, bool]]:
    gallery, stamp = counter.desk.gallery, counter.inbox._site.stamp
    found = gallery.references(gallery.person_of(Numbers(FIRST)), stamp, Clock().today())
    return [(r.who, r.expired) for r in found if r.who is Who.AGENT]


def facts(counter: Counter) -> dict[str, Any]:
    return dict(json.loads(counter.records("document")[-1].detail))


def test_a_relation_is_recorded_and_lets_the_agent_buy(staffed: Counter) -> None:
    staffed.take_signed("agents", 1, agents(relation(until=SOON)))

    [record] = staffed.records("agent")
    detail = json.loads(record.detail)
    assert (HOSPITAL, "register", "子女", SOON, "centre") == (
        record.institution,
        detail["event"],
        detail["relation"],
        detail["until"],
        detail["staff"],
    )
    assert [(Who.AGENT, False)] == allowed(staffed)
    assert (1, 0, 0) == tuple(facts(staffed)[k] for k in ("given", "ended", "waiting"))


def test_one_that_is_over_lets_nobody_buy(staffed: Counter) -> None:
    staffed.take_signed("agents", 1, agents(relation(until="2020-01-01")))

    assert [(Who.AGENT, True)] == allowed(staffed)


def test_an_ended_one_is_gone_and_ending_it_twice_is_once(staffed: Counter) -> None:
    staffed.take_signed("agents", 1, agents(relation(until=SOON)))
    for version in (2, 3):
        staffed.take_signed("agents", version, agents(relation(until=SOON, ended=True)))

    assert [] == allowed(staffed)
    events = [json.loads(r.detail)["event"] for r in staffed.records("agent")]
    assert ["register", "revoke"] == events


def test_the_same_relation_in_a_newer_list_is_no_new_record(staffed: Counter) -> None:
    staffed.take_signed("agents", 1, agents(relation(until=SOON)))
    staffed.take_signed("agents", 2, agents(relation(until=SOON), relation(agent_id=THIRD)))

    assert 1 == len(staffed.records("agent"))
    assert 1 == facts(staffed)["waiting"]


def test_the_numbers_of_those_who_wait_are_sealed(staffed: Counter) -> None:
    staffed.take_signed("agents", 1, agents(relation(agent_id=THIRD)))

    record = staffed.records("document")[-1]
    assert THIRD not in record.detail
    assert THIRD.encode() not in record.sealed_request
    assert THIRD in str(staffed.desk.ledger.opened(record))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"agent_id": FIRST}, "is the insured person's own"),
        ({"agent_id": FIRST.lower() + " "}, ""),
        ({"relation": ""}, "relation is not a text"),
        ({"relation": "子" * 21}, "relation is not a text"),
        ({"until": "2999-01-01"}, "more than a year ahead"),
        ({"until": 7}, "until is not a date"),
        ({"ended": "yes"}, "ended is neither true nor false"),
        ({"photo": ""}, "unknown key 'photo'"),
    ],
)
def test_a_relation_that_cannot_be_understood_refuses_the_list(
    staffed: Counter, changed: dict[str, Any], told: str
) -> None:
    made = agents(relation(until=SOON), relation(**{"until": SOON, **changed}))
    if not told:  # a number nobody has: it waits
        staffed.take_signed("agents", 1, made)
        assert 1 == facts(staffed)["waiting"]
        return
    with pytest.raises(LetterRefusedError, match=told):
        staffed.take_signed("agents", 1, made)
    assert [] == staffed.records("agent")
    assert [] == allowed(staffed)
