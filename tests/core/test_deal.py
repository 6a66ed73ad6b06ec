"""One settlement, one person: what repeats, what conflicts, and who is paused after spoofs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_events import DAY1, event, ms, passed

from yibao_face.daemon.core.deal import (
    SPOOFS,
    LockPolicy,
    RepeatPolicy,
    earlier_answer,
    locked_until_ms,
    recent_spoofs,
)
from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.scene.event import HIS_KINDS, Event, Kind

PROPERTY = settings(max_examples=300, deadline=None)
NOW = ms(DAY1, "10:00")
SECOND, MINUTE = 1000, 60_000
REPEAT = RepeatPolicy(10 * MINUTE)
LOCK = LockPolicy(3, 30 * MINUTE, 5 * MINUTE)


def call(person: str, ago_ms: int = MINUTE, **given: Any) -> Event:
    """A refused HIS call of the settlement, unless ``given`` says how else it ended."""
    facts: dict[str, Any] = {
        "kind": Kind.SETTLEMENT,
        "cause": Cause.OTHER_PERSON,
        "deal_no": "D1",
        **given,
    }
    return event(facts.pop("kind"), NOW - ago_ms, person, **facts)


def through(person: str, ago_ms: int = MINUTE, **given: Any) -> Event:
    """A pass of the settlement."""
    facts = {"answer": Answer.PASS, "cause": Cause.MATCHED_SELF, **given}
    return call(person, ago_ms, **facts)


def spared(person: str, ago_ms: int = MINUTE) -> Event:
    return call(person, ago_ms, answer=Answer.NOT_NEEDED, cause=Cause.POLICY_EXEMPT)


TAKEN = call("b", cause=Cause.DEAL_TAKEN)
PASS = through("a")


def test_the_first_call_of_a_settlement_has_nothing_before_it() -> None:
    assert earlier_answer([], {"a"}, NOW, REPEAT) is None


@pytest.mark.parametrize("kind", sorted(HIS_KINDS))
@pytest.mark.parametrize("made", [through, spared], ids=["code-1", "code-2"])
def test_what_let_somebody_go_on_is_answered_again(kind: Kind, made: Any) -> None:
    first = made("a") if made is spared else through("a", kind=kind)

    assert first is earlier_answer([first], {"a"}, NOW, REPEAT)


def test_a_refusal_is_never_answered_again() -> None:
    assert earlier_answer([call("a"), call("a")], {"a"}, NOW, REPEAT) is None


def test_of_several_the_newest_pass_is_answered_again() -> None:
    old, new = through("a", 3 * MINUTE), through("a", 2 * MINUTE)

    assert new is earlier_answer([old, new, call("a")], {"a"}, NOW, REPEAT)


@pytest.mark.parametrize(
    ("events", "taken"),
    [
        ([call("a")], True),
        ([through("a")], True),
        ([spared("a")], True),
        ([call("a", 600 * MINUTE)], True),
        ([call("a"), TAKEN], True),
        ([TAKEN], False),
        ([TAKEN, TAKEN], False),
        ([call("b")], False),
        ([event(Kind.TREATMENT_IN, NOW, "a")], False),
    ],
    ids=[
        "refused",
        "passed",
        "exempt",
        "long-ago",
        "asked-before",
        "only-conflicts",
        "conflicts",
        "own",
        "no-his-call",
    ],
)
def test_the_first_person_called_for_owns_the_number(events: list[Event], taken: bool) -> None:
    found = earlier_answer(events, {"b"}, NOW, REPEAT)

    assert (Cause.DEAL_TAKEN if taken else None) is found


def test_a_conflict_leaves_the_owner_his_number() -> None:
    assert PASS is earlier_answer([PASS, TAKEN], {"a"}, NOW, REPEAT)


@pytest.mark.parametrize(
    ("ago_ms", "repeats"),
    [
        (0, True),
        (10 * MINUTE, True),
        (10 * MINUTE + 1, False),
        (-10 * MINUTE, True),
        (-10 * MINUTE - 1, False),
        (600 * MINUTE, False),
        (-600 * MINUTE, False),
    ],
)
def test_a_pass_repeats_within_its_time_whichever_way_the_clock_was_set(
    ago_ms: int, repeats: bool
) -> None:
    first = through("a", ago_ms)

    assert (first if repeats else None) is earlier_answer([first], {"a"}, NOW, REPEAT)


def test_without_a_time_only_the_same_moment_repeats() -> None:
    never = RepeatPolicy(0)

    assert earlier_answer([through("a", 1)], {"a"}, NOW, never) is None


@pytest.mark.parametrize(
    ("numbers", "persons", "owner"),
    [
        (["id-a", "psn-a"], {"psn-a"}, True),
        (["id-a", "psn-a"], {"id-a", "other"}, True),
        (("id-a", "psn-a"), {"psn-a"}, True),
        (["id-a"], {"psn-a"}, False),
        ([], {"person-a"}, True),
        ("psn-a", {"psn-a"}, False),
        (None, {"person-a"}, True),
        (7, {"7"}, False),
    ],
)
def test_every_number_a_call_named_names_its_person(
    numbers: object, persons: set[str], owner: bool
) -> None:
    first = through("person-a", detail={"numbers": numbers})

    assert (first if owner else Cause.DEAL_TAKEN) is earlier_answer([first], persons, NOW, REPEAT)


PERSONS = st.sampled_from(["a", "b", "c"])
CAUSES = st.sampled_from([Cause.OTHER_PERSON, Cause.DEAL_TAKEN, Cause.NO_FACE])


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """What any sequence of calls of one settlement leaves behind, by the rule itself."""
    events: list[Event] = []
    for person in draw(st.lists(PERSONS, max_size=8)):
        ago_ms = draw(st.integers(-1200, 1200)) * SECOND
        found = earlier_answer(events, {person}, NOW - ago_ms, REPEAT)
        if isinstance(found, Event):
            continue
        if found is not None:
            events.append(call(person, ago_ms, cause=found))
        else:
            events.append(draw(st.sampled_from([call, through, spared]))(person, ago_ms))
    return events


@PROPERTY
@given(logs(), PERSONS, st.integers(-1200, 1200))
def test_neither_a_refusal_nor_the_pass_of_another_is_ever_answered_again(
    events: list[Event], person: str, seconds: int
) -> None:
    found = earlier_answer(events, {person}, NOW + seconds * SECOND, REPEAT)

    if isinstance(found, Event):
        assert Answer.FAIL is not found.answer
        assert person == found.person
    assert found in (None, Cause.DEAL_TAKEN) or isinstance(found, Event)


@PROPERTY
@given(logs())
def test_only_one_person_ever_passes_with_one_number(events: list[Event]) -> None:
    assert len({e.person for e in events if e.answer is not Answer.FAIL}) <= 1


def test_a_call_that_named_two_persons_opens_the_number_to_one_of_them_only() -> None:
    both = call("a", cause=Cause.NUMBERS_CONFLICT, detail={"numbers": ["a", "b"]})
    passed_a = through("a")

    assert passed_a is earlier_answer([both, passed_a], {"a"}, NOW, REPEAT)
    assert Cause.DEAL_TAKEN is earlier_answer([both, passed_a], {"b"}, NOW, REPEAT)


def spoof(at_min: float, cause: Cause = Cause.SPOOF_FLAT, kind: Kind = Kind.SETTLEMENT) -> Event:
    return event(kind, NOW + round(at_min * MINUTE), "a", cause=cause)


def until(at_min: float) -> int:
    return NOW + round(at_min * MINUTE) + LOCK.lock_ms


PASSED = passed(Kind.SETTLEMENT, NOW + 2 * MINUTE, "a")
AGENT_PASSED = passed(Kind.SETTLEMENT, NOW + 2 * MINUTE, "a", cause=Cause.MATCHED_AGENT)
SIGNED = passed(Kind.ATTENDANCE, NOW + 2 * MINUTE, "a", cause=Cause.SIGNED_IN)
RELEASED = event(Kind.RELEASE, NOW + 2 * MINUTE, "a")
EXEMPT = event(Kind.SETTLEMENT, NOW, "a", answer=Answer.NOT_NEEDED, cause=Cause.POLICY_EXEMPT)
PAUSED = event(Kind.SETTLEMENT, NOW + 4 * MINUTE, "a", cause=Cause.LOCKED_OUT)
THREE = [spoof(0), spoof(1), spoof(3)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], None),
        ([spoof(0)], None),
        ([spoof(0), spoof(1)], None),
        (THREE, until(3)),
        ([spoof(0, Cause.SPOOF_SIZE), spoof(1, Cause.SPOOF_SHAPE), spoof(2)], until(2)),
        ([spoof(0), spoof(1, kind=Kind.ROUND), spoof(2, kind=Kind.ATTENDANCE)], until(2)),
        ([spoof(0), spoof(1), spoof(30)], until(30)),
        ([spoof(0), spoof(1), spoof(30.1)], None),
        ([spoof(0), spoof(20), spoof(35), spoof(40)], until(40)),
        ([spoof(0), spoof(1), PASSED, spoof(3)], None),
        ([spoof(0), spoof(1), AGENT_PASSED, spoof(3)], None),
        ([spoof(0), spoof(1), SIGNED, spoof(3)], None),
        ([spoof(0), spoof(1), RELEASED, spoof(3)], None),
        ([*THREE, RELEASED], None),
        ([*THREE, PASSED], None),
        ([*THREE, RELEASED, spoof(4), spoof(5)], None),
        ([*THREE, RELEASED, spoof(4), spoof(5), spoof(6)], until(6)),
        ([spoof(0), spoof(1), EXEMPT, spoof(3)], until(3)),
        ([*THREE, PAUSED, PAUSED, PAUSED], until(3)),
        ([*THREE, spoof(9)], until(3)),
        ([*THREE, spoof(9), spoof(10)], until(3)),
        ([*THREE, spoof(9), spoof(10), spoof(11)], until(11)),
        ([spoof(0), call("a", cause=Cause.OTHER_PERSON), spoof(1), spoof(2)], until(2)),
        ([call("a")] * 10, None),
    ],
    ids=[
        "nothing",
        "one",
        "two",
        "three",
        "of-every-kind",
        "in-every-scene",
        "just-within",
        "just-beyond",
        "sliding",
        "passed-between",
        "agent-passed-between",
        "signed-between",
        "released-between",
        "released",
        "passed-after",
        "anew-after-release",
        "again-after-release",
        "an-exemption-clears-nothing",
        "refused-while-paused",
        "one-after",
        "two-after",
        "again",
        "others-between",
        "other-refusals",
    ],
)
def test_spoofs_in_a_row_pause_a_person(events: list[Event], expected: int | None) -> None:
    assert expected == locked_until_ms(events, LOCK)


def test_without_a_number_of_spoofs_nobody_is_ever_paused() -> None:
    assert locked_until_ms(THREE * 10, LockPolicy(0, 30 * MINUTE, 5 * MINUTE)) is None


def test_one_spoof_may_be_enough() -> None:
    assert until(0) == locked_until_ms([spoof(0)], LockPolicy(1, 30 * MINUTE, 5 * MINUTE))


def test_the_spoofs_are_those_liveness_knows() -> None:
    assert {c for c in Cause if c.value.startswith("spoof-")} == SPOOFS


@PROPERTY
@given(st.lists(st.sampled_from([*SPOOFS, Cause.LOCKED_OUT, Cause.NO_FACE]), max_size=12))
def test_a_release_always_ends_the_pause(causes: list[Cause]) -> None:
    events = [spoof(n, cause) for n, cause in enumerate(causes)]

    assert locked_until_ms([*events, event(Kind.RELEASE, NOW, "a")], LOCK) is None


@PROPERTY
@given(st.lists(st.sampled_from([*SPOOFS, Cause.NO_FACE]), max_size=12))
def test_what_is_refused_while_paused_prolongs_nothing(causes: list[Cause]) -> None:
    events = [spoof(n, cause) for n, cause in enumerate(causes)]

    assert locked_until_ms(events, LOCK) == locked_until_ms([*events, PAUSED], LOCK)


def test_spoofs_of_the_window_count_until_a_pass_or_a_release() -> None:
    old, one, two = (call("a", m * MINUTE, cause=Cause.SPOOF_FLAT) for m in (31, 20, 10))
    other = call("a", 5 * MINUTE)
    release = event(Kind.RELEASE, NOW - 15 * MINUTE, "a", cause=Cause.RECORDED)

    assert 0 == recent_spoofs([], NOW, LOCK)
    assert 2 == recent_spoofs([old, one, two, other], NOW, LOCK)
    assert 1 == recent_spoofs([one, through("a", 15 * MINUTE), two], NOW, LOCK)
    assert 1 == recent_spoofs([one, release, two], NOW, LOCK)
    assert 0 == recent_spoofs([one, two, through("a", MINUTE)], NOW, LOCK)


def test_spoofs_count_where_nobody_is_ever_paused() -> None:
    never = LockPolicy(0, LOCK.window_ms, LOCK.lock_ms)

    assert 1 == recent_spoofs([call("a", cause=Cause.SPOOF_RIGID)], NOW, never)
