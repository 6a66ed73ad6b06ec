"""One of many: the limit grows with their number, and twins have to be named."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.core.decision import (
    DECADE,
    Identified,
    Likeness,
    MatchPolicy,
    Outcome,
    decide,
    identify,
    refused,
)
from yibao_face.daemon.core.encounter import Answer, Cause, Who

NAN, INF = float("nan"), float("inf")
# 0.4 for one, 0.5 among ten, 0.6 among a hundred; 0.1 ahead of the second.
DEMO = MatchPolicy(0.4, demo=True, decade=0.1, lead=0.1)
COUNTER = replace(DEMO, demo=False)
COSINES = st.floats(-1, 1) | st.just(NAN)


def like(similarity: float, person: str = "a", to_anchors: float | None = None) -> Likeness:
    return Likeness(Who.SELF, similarity, person, to_anchors=to_anchors)


def found(*likenesses: Likeness, persons: int = 1, policy: MatchPolicy = DEMO) -> Identified:
    return identify(None, likenesses, persons, recorded=False, policy=policy)


@pytest.mark.parametrize(
    ("persons", "similarity", "answer"),
    [
        (1, 0.4, Answer.PASS),
        (1, 0.399, Answer.FAIL),
        (10, 0.5001, Answer.PASS),
        (10, 0.4999, Answer.FAIL),
        (100, 0.6001, Answer.PASS),
        (100, 0.5999, Answer.FAIL),
        (10**6, 1.0, Answer.PASS),
        (10**7, 1.0, Answer.FAIL),
        (1, NAN, Answer.FAIL),
        (1, INF, Answer.FAIL),
        (1, -INF, Answer.FAIL),
    ],
)
def test_ten_times_as_many_persons_ask_for_one_power_of_ten_more(
    persons: int, similarity: float, answer: Answer
) -> None:
    assert answer is found(like(similarity), persons=persons).outcome.answer


def test_who_passes_is_named_with_his_similarity_and_lead() -> None:
    told = found(like(0.25, "b"), like(0.75, "a"), persons=10)

    assert Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF, 0.75, "a") == told.outcome
    assert 0.5 == told.lead


def test_who_is_alone_has_no_lead() -> None:
    assert found(like(0.75)).lead is None


@pytest.mark.parametrize(
    ("best", "second", "answer"),
    [
        (0.9, 0.3999, Answer.PASS),
        (0.9, 0.4, Answer.FAIL),
        (0.9, 0.89, Answer.FAIL),
        (0.9, 0.9, Answer.FAIL),
        (0.45, 0.34, Answer.PASS),
        (0.45, 0.36, Answer.FAIL),
        (0.9, NAN, Answer.FAIL),
        (0.9, -INF, Answer.FAIL),
        (NAN, 0.1, Answer.FAIL),
    ],
    ids=[
        *("nobody-near", "second-would-pass", "twins", "equal", "lead", "no-lead"),
        *("second-no-number", "second-minus-inf", "best-no-number"),
    ],
)
def test_doubles_are_nobody(best: float, second: float, answer: Answer) -> None:
    # Two of two: log10(2) of a decade more than alone.
    policy = replace(DEMO, decade=0.0)
    pair = (like(best, "a"), like(second, "b"))
    answers = {found(*order, persons=2, policy=policy).outcome for order in permutations(pair)}

    assert [answer] == [outcome.answer for outcome in answers]
    assert {"a" if answer is Answer.PASS else ""} == {outcome.matched for outcome in answers}


def test_a_second_whose_anchors_disagree_is_a_rival_all_the_same() -> None:
    rival = like(0.5, "b", to_anchors=-1.0)

    assert Answer.FAIL is found(like(0.95), rival).outcome.answer


@pytest.mark.parametrize(
    ("to_anchors", "answer"),
    [(0.451, Answer.PASS), (0.449, Answer.FAIL), (NAN, Answer.FAIL), (None, Answer.PASS)],
)
def test_grown_samples_alone_identify_nobody(to_anchors: float | None, answer: Answer) -> None:
    # Among ten 0.5 is asked for, of the anchors one power of ten of the comparison less.
    assert answer is found(like(0.9, to_anchors=to_anchors), persons=10).outcome.answer


@pytest.mark.parametrize("persons", [0, -1, 1])
def test_fewer_persons_than_were_compared_are_not_believed(persons: int) -> None:
    near = tuple(like(at, str(at)) for at in (0.42, 0.1, 0.0, -0.1))

    assert Answer.FAIL is found(*near, persons=persons).outcome.answer
    assert Answer.PASS is found(near[0], persons=persons).outcome.answer


def test_nobody_compared_is_nobody() -> None:
    assert Identified(refused(Cause.NOT_IDENTIFIED)) == found(persons=3)


@pytest.mark.parametrize("spoof", [Cause.SPOOF_FLAT, Cause.SPOOF_SHAPE, Cause.SPOOF_RIGID])
@pytest.mark.parametrize("recorded", [False, True], ids=["live", "recorded"])
def test_a_photo_of_a_practitioner_is_a_photo(spoof: Cause, recorded: bool) -> None:
    assert Identified(refused(spoof)) == identify(spoof, (like(1.0),), 1, recorded, COUNTER)


def test_a_recording_identifies_nobody_at_a_counter() -> None:
    recorded = identify(None, (like(1.0),), 1, recorded=True, policy=COUNTER)

    assert Identified(refused(Cause.RECORDED_CAMERA)) == recorded
    assert Answer.PASS is identify(None, (like(1.0),), 1, True, DEMO).outcome.answer


@pytest.mark.parametrize("broken", ["min_similarity", "decade", "lead"])
def test_a_limit_that_is_no_number_lets_nobody_pass(broken: str) -> None:
    policy = replace(DEMO, **{broken: NAN})

    assert Answer.FAIL is found(like(1.0, "a"), like(-1.0, "b"), policy=policy).outcome.answer


def test_without_a_figure_of_its_own_a_network_is_asked_for_more() -> None:
    policy = MatchPolicy(0.4, demo=True)

    assert (
        Answer.FAIL is found(like(0.4 + DECADE - 1e-6), persons=10, policy=policy).outcome.answer
    )
    assert (
        Answer.PASS is found(like(0.4 + DECADE + 1e-6), persons=10, policy=policy).outcome.answer
    )


@given(st.lists(COSINES, min_size=1, max_size=6), st.integers(1, 100_000), st.booleans())
def test_a_search_never_passes_whom_a_comparison_refuses(
    cosines: list[float], persons: int, recorded: bool
) -> None:
    likenesses = tuple(like(at, str(place)) for place, at in enumerate(cosines))
    outcome = identify(None, likenesses, persons, recorded, DEMO).outcome

    if outcome.answer is Answer.PASS:
        [own] = [f for f in likenesses if f.person == outcome.matched]
        assert Answer.PASS is decide(None, (own,), recorded, DEMO).answer
        assert all(f.similarity < 0.4 for f in likenesses if f is not own)
