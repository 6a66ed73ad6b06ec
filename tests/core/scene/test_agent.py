"""Agents: who may buy for whom, until when, and how many hang on one card."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_events import DAY1, DAY2, DAY3, HOSPITAL, OTHER_HOSPITAL, PHOTO, event, ms, passed

from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.scene.agent import (
    RELATIONS,
    AgentCounters,
    Excess,
    check_registration,
    counters,
    in_force,
    mandates,
    over,
)
from yibao_face.daemon.core.scene.event import Event, Kind


def register(
    at_ms: int, person: str, agent: str, until: str = "2025-12-31", **given: Any
) -> Event:
    detail = {"event": "register", "agent": agent, "relation": "子女", "until": until}
    detail |= {"staff": "S", **given.pop("detail", {})}
    return event(Kind.AGENT, at_ms, person, detail={**detail, "documents": [PHOTO]}, **given)


def revoke(at_ms: int, person: str, agent: str, **given: Any) -> Event:
    return event(Kind.AGENT, at_ms, person, detail={"event": "revoke", "agent": agent}, **given)


def purchase(at_ms: int, person: str, agent: str, deal_no: str = "", **given: Any) -> Event:
    facts = {"cause": Cause.MATCHED_AGENT, "detail": {"agent": agent}, "deal_no": deal_no, **given}
    return passed(Kind.SETTLEMENT, at_ms, person, **facts)


def agents(events: list[Event], now_ms: int, person: str = "p1") -> list[str]:
    return [mandate.agent for mandate in in_force(events, person, now_ms)]


@pytest.mark.parametrize(
    ("relation", "until", "documents", "expected"),
    [
        ("子女", DAY2, [PHOTO], None),
        ("邻居", DAY2 + timedelta(days=366), [PHOTO, PHOTO], None),
        ("关" * 20, DAY2, [PHOTO], None),
        ("关" * 21, DAY2, [PHOTO], "relation-too-long"),
        ("", DAY2, [PHOTO], "relation-missing"),
        ("  ", DAY2, [PHOTO], "relation-missing"),
        ("子\n女", DAY2, [PHOTO], "relation-control-character"),
        ("子女", DAY1, [PHOTO], "until-past"),
        ("子女", DAY2 + timedelta(days=367), [PHOTO], "until-too-far"),
        ("子女", DAY2, [], "document-missing"),
        ("子女", DAY2, [PHOTO, "x"], "document-digest"),
    ],
)
def test_a_registration_is_checked_before_it_is_made(
    relation: str, until: date, documents: list[str], expected: str | None
) -> None:
    assert expected == check_registration(relation, until, documents, DAY2)


@pytest.mark.parametrize("relation", RELATIONS)
def test_every_relation_the_desk_offers_is_taken(relation: str) -> None:
    assert check_registration(relation, DAY2, [PHOTO], DAY2) is None


@pytest.mark.parametrize(
    ("now_ms", "expected"),
    [(ms(DAY1), ["a1"]), (ms(DAY3, "00:00") - 1, ["a1"]), (ms(DAY3, "00:00"), [])],
    ids=["at-once", "last-day", "day-after"],
)
def test_a_registration_lasts_to_the_end_of_its_last_day(now_ms: int, expected: list[str]) -> None:
    assert expected == agents([register(ms(DAY1), "p1", "a1", "2025-03-02")], now_ms)


def test_a_revoked_agent_buys_no_more() -> None:
    events = [register(ms(DAY1), "p1", "a1"), revoke(ms(DAY2), "p1", "a1")]

    assert [] == agents(events, ms(DAY3))
    assert [] == agents(events, ms(DAY2))


@pytest.mark.parametrize(
    "other",
    [
        revoke(ms(DAY2), "p1", "a2"),
        revoke(ms(DAY2), "p2", "a1"),
        revoke(ms(DAY2), "p1", "a1", cause=Cause.STAFF_REFUSED),
    ],
    ids=["another-agent", "another-person", "refused"],
)
def test_a_revocation_that_does_not_fit_ends_nothing(other: Event) -> None:
    assert ["a1"] == agents([register(ms(DAY1), "p1", "a1"), other], ms(DAY3))


def test_a_renewed_registration_replaces_the_one_before() -> None:
    events = [
        register(ms(DAY1), "p1", "a1", "2025-12-31"),
        register(ms(DAY2), "p1", "a1", "2025-03-02"),
    ]

    assert [ms(DAY2), None] == [mandate.revoked_ms for mandate in mandates(events)]
    assert [] == agents(events, ms(DAY3))


def test_an_agent_may_be_registered_again_after_a_revocation() -> None:
    events = [
        register(ms(DAY1), "p1", "a1"),
        revoke(ms(DAY2), "p1", "a1"),
        register(ms(DAY3), "p1", "a1"),
    ]

    assert ["a1"] == agents(events, ms(DAY3))


@pytest.mark.parametrize(
    "broken",
    [
        {"agent": ""},
        {"agent": 1},
        {"until": "soon"},
        {"until": None},
        {"event": "allow"},
    ],
)
def test_a_record_that_cannot_be_read_allows_nobody(broken: dict[str, object]) -> None:
    assert [] == mandates([register(ms(DAY1), "p1", "a1", detail=broken)])


def test_a_refused_registration_allows_nobody() -> None:
    assert [] == mandates([register(ms(DAY1), "p1", "a1", cause=Cause.STAFF_REFUSED)])


def test_agents_and_cards_are_counted_once_per_pair() -> None:
    events = [
        register(ms(DAY1), "p1", "a1"),
        register(ms(DAY1), "p1", "a2"),
        register(ms(DAY1), "p2", "a1"),
        purchase(ms(DAY2), "p1", "a1", "D1"),
        purchase(ms(DAY2), "p1", "a1", "D2"),
        purchase(ms(DAY2), "p3", "a1", "D3"),
    ]

    expected = AgentCounters({"p1": 2, "p2": 1, "p3": 1}, {"a1": 3, "a2": 1}, 3)
    assert expected == counters(events, ms(DAY1))


def test_a_settlement_called_twice_is_one_purchase() -> None:
    events = [
        purchase(ms(DAY2), "p1", "a1", "D1"),
        purchase(ms(DAY2), "p1", "a1", "D1"),
        purchase(ms(DAY2), "p1", "a1", "D1", institution=OTHER_HOSPITAL),
        purchase(ms(DAY2), "p1", "a1"),
        purchase(ms(DAY2), "p1", "a1"),
    ]

    assert 4 == counters(events, 0).purchases


@pytest.mark.parametrize(
    "other",
    [
        purchase(ms(DAY2), "p1", "a1", answer=Answer.FAIL),
        purchase(ms(DAY2), "p1", "a1", cause=Cause.MATCHED_SELF),
        purchase(ms(DAY2), "p1", ""),
        purchase(ms(DAY1), "p1", "a1"),
        passed(Kind.ROUND, ms(DAY2), "p1", cause=Cause.MATCHED_AGENT, detail={"agent": "a1"}),
        register(ms(DAY1, "07:00"), "p1", "a1", "2025-03-01"),
    ],
    ids=["refused", "self", "nobody", "too-early", "no-purchase", "over-before"],
)
def test_what_is_no_purchase_since_then_counts_nothing(other: Event) -> None:
    assert AgentCounters({}, {}, 0) == counters([other], ms(DAY2))


def test_revoking_one_agent_after_the_other_hides_none() -> None:
    events = [
        register(ms(DAY1), "p1", "a1"),
        revoke(ms(DAY2), "p1", "a1"),
        register(ms(DAY3), "p1", "a2"),
    ]

    assert {"p1": 2} == counters(events, ms(DAY2)).agents_per_card
    assert {"p1": 1} == counters(events, ms(DAY2) + 1).agents_per_card


@pytest.mark.parametrize(
    ("max_agents", "max_cards", "expected"),
    [
        (2, 3, Excess((), ())),
        (1, 3, Excess(("p1", "p9"), ())),
        (2, 2, Excess((), ("a1",))),
        (0, 0, Excess(("p1", "p2", "p9"), ("a0", "a1"))),
    ],
)
def test_who_is_beyond_a_limit_is_named(max_agents: int, max_cards: int, expected: Excess) -> None:
    counted = AgentCounters({"p9": 2, "p2": 1, "p1": 2}, {"a1": 3, "a0": 1}, 7)

    assert expected == over(counted, max_agents, max_cards)


MAKERS: list[Callable[[int, str, str], Event]] = [register, revoke, purchase]
STEPS = st.tuples(
    st.sampled_from(MAKERS),
    st.integers(0, 48),
    st.sampled_from(["p1", "p2"]),
    st.sampled_from(["a1", "a2", "a3"]),
)


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    steps = draw(st.lists(STEPS, max_size=15))
    events = [make(ms(DAY1) + hour * 3_600_000, *pair) for make, hour, *pair in steps]
    return sorted(events, key=lambda e: e.at_ms)


@settings(max_examples=200, deadline=None)
@given(logs(), st.integers(0, 48))
def test_both_counters_count_the_same_pairs(log: list[Event], hour: int) -> None:
    counted = counters(log, ms(DAY1) + hour * 3_600_000)

    pairs = sum(counted.agents_per_card.values())
    assert pairs == sum(counted.cards_per_agent.values()) <= len(log)
    assert counted.purchases <= len([e for e in log if e.institution == HOSPITAL])


@settings(max_examples=200, deadline=None)
@given(logs())
def test_a_pair_has_at_most_one_registration_in_force(log: list[Event]) -> None:
    for person in ("p1", "p2"):
        allowed = agents(log, ms(DAY3, "12:00"), person)
        last = {
            e.text("agent"): e.text("event")
            for e in log
            if e.person == person and e.kind is Kind.AGENT
        }
        assert sorted(allowed) == sorted(a for a, word in last.items() if word == "register")
