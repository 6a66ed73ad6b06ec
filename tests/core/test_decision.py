"""The decision: liveness before identity, recordings only in a demo, doubt is refusal."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from yibao_face.daemon.core.decision import (
    Likeness,
    MatchPolicy,
    Outcome,
    decide,
    exempt,
    is_certain,
    refused,
)
from yibao_face.daemon.core.encounter import Answer, Cause, Who

NAN, INF = float("nan"), float("inf")
COUNTER = MatchPolicy(min_similarity=0.4, demo=False)
DEMO = MatchPolicy(min_similarity=0.4, demo=True)


def own(similarity: float) -> Likeness:
    return Likeness(Who.SELF, similarity)


def agent(similarity: float) -> Likeness:
    return Likeness(Who.AGENT, similarity)


def test_photo_of_the_right_person_is_refused() -> None:
    outcome = decide(Cause.SPOOF_FLAT, (own(0.99),), recorded=False, policy=COUNTER)

    assert Outcome(Answer.FAIL, Who.NOBODY, Cause.SPOOF_FLAT, None) == outcome


@pytest.mark.parametrize("policy", [COUNTER, DEMO], ids=["counter", "demo"])
@pytest.mark.parametrize("recorded", [False, True], ids=["live", "recorded"])
@pytest.mark.parametrize(
    "spoof", [Cause.SPOOF_FLAT, Cause.SPOOF_SIZE, Cause.SPOOF_SHAPE, Cause.DEPTH_POOR]
)
def test_what_liveness_found_is_the_answer_whoever_it_looks_like(
    spoof: Cause, recorded: bool, policy: MatchPolicy
) -> None:
    assert refused(spoof) == decide(spoof, (own(1.0), agent(1.0)), recorded, policy)


@pytest.mark.parametrize(
    ("recorded", "policy", "answer", "cause"),
    [
        (False, COUNTER, Answer.PASS, Cause.MATCHED_SELF),
        (False, DEMO, Answer.PASS, Cause.MATCHED_SELF),
        (True, DEMO, Answer.PASS, Cause.MATCHED_SELF),
        (True, COUNTER, Answer.FAIL, Cause.RECORDED_CAMERA),
    ],
    ids=["live-counter", "live-demo", "recorded-demo", "recorded-counter"],
)
def test_a_recording_passes_in_a_demo_only(
    recorded: bool, policy: MatchPolicy, answer: Answer, cause: Cause
) -> None:
    outcome = decide(None, (own(0.9),), recorded, policy)

    assert (answer, cause) == (outcome.answer, outcome.cause)


def test_a_recording_of_a_stranger_is_told_apart_from_a_stranger() -> None:
    assert refused(Cause.RECORDED_CAMERA) == decide(None, (own(0.1),), True, COUNTER)


@pytest.mark.parametrize(
    ("similarity", "answer"),
    [
        (1.0, Answer.PASS),
        (0.4, Answer.PASS),
        (0.3999999, Answer.FAIL),
        (0.0, Answer.FAIL),
        (-1.0, Answer.FAIL),
        (-INF, Answer.FAIL),
        (NAN, Answer.FAIL),
    ],
)
@pytest.mark.parametrize("who", [Who.SELF, Who.AGENT])
def test_only_a_similarity_from_the_threshold_on_passes(
    who: Who, similarity: float, answer: Answer
) -> None:
    assert answer is decide(None, (Likeness(who, similarity),), False, COUNTER).answer


@pytest.mark.parametrize("similarity", [-1.0, 0.0, 1.0, INF, NAN])
def test_a_threshold_that_is_no_number_lets_nobody_pass(similarity: float) -> None:
    outcome = decide(None, (own(similarity),), False, MatchPolicy(NAN, demo=True))

    assert Answer.FAIL is outcome.answer


def test_without_references_nobody_passes() -> None:
    assert refused(Cause.OTHER_PERSON) == decide(None, (), False, COUNTER)


def test_a_stranger_is_refused_with_the_best_similarity_seen() -> None:
    outcome = decide(None, (own(0.1), agent(0.35), own(-0.2)), False, COUNTER)

    assert refused(Cause.OTHER_PERSON, 0.35) == outcome


@pytest.mark.parametrize(
    ("likenesses", "expected"),
    [
        ((own(0.8),), Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF, 0.8)),
        ((agent(0.8),), Outcome(Answer.PASS, Who.AGENT, Cause.MATCHED_AGENT, 0.8)),
        ((own(0.4), agent(0.9)), Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF, 0.4)),
        ((agent(0.9), own(0.4)), Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF, 0.4)),
        ((own(0.39), agent(0.9)), Outcome(Answer.PASS, Who.AGENT, Cause.MATCHED_AGENT, 0.9)),
        ((own(-0.1), own(0.6)), Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF, 0.6)),
        ((agent(0.5), agent(0.7)), Outcome(Answer.PASS, Who.AGENT, Cause.MATCHED_AGENT, 0.7)),
    ],
    ids=["self", "agent", "both", "both-turned", "agent-only", "second-photo", "two-agents"],
)
def test_the_insured_person_is_preferred_to_an_agent(
    likenesses: tuple[Likeness, ...], expected: Outcome
) -> None:
    assert expected == decide(None, likenesses, False, COUNTER)


@pytest.mark.parametrize(
    "likenesses",
    [
        (own(NAN), own(0.9)),
        (agent(NAN), own(0.9)),
        (own(0.5), own(0.9)),
        (own(0.4), own(0.5), agent(0.9)),
        (own(0.1), own(0.2), agent(0.3)),
    ],
    ids=["one-broken", "agent-broken", "two-own", "two-own-and-agent", "strangers"],
)
def test_the_order_of_the_references_changes_nothing(likenesses: tuple[Likeness, ...]) -> None:
    outcomes = {decide(None, order, False, COUNTER) for order in permutations(likenesses)}

    assert 1 == len(outcomes), outcomes


FORMER = Likeness(Who.AGENT, 0.8, "former", expired=True)


@pytest.mark.parametrize(
    ("likenesses", "expected"),
    [
        ((FORMER,), refused(Cause.AGENT_EXPIRED, 0.8)),
        ((own(0.39), FORMER), refused(Cause.AGENT_EXPIRED, 0.8)),
        ((agent(0.39), FORMER), refused(Cause.AGENT_EXPIRED, 0.8)),
        (
            (own(0.4), FORMER),
            Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF, 0.4),
        ),
        (
            (agent(0.4), FORMER),
            Outcome(Answer.PASS, Who.AGENT, Cause.MATCHED_AGENT, 0.4),
        ),
        (
            (own(0.1), Likeness(Who.AGENT, 0.39, "former", expired=True)),
            refused(Cause.OTHER_PERSON, 0.39),
        ),
        ((Likeness(Who.AGENT, NAN, "former", expired=True),), refused(Cause.OTHER_PERSON)),
    ],
    ids=["alone", "not-self", "not-agent", "self", "agent", "stranger", "no-number"],
)
def test_an_agent_whose_registration_is_over_is_told_apart_and_refused(
    likenesses: tuple[Likeness, ...], expected: Outcome
) -> None:
    outcomes = {decide(None, order, False, COUNTER) for order in permutations(likenesses)}

    assert {expected} == outcomes


@pytest.mark.parametrize("spoof", [Cause.SPOOF_FLAT, Cause.SPOOF_SIZE, Cause.SPOOF_SHAPE])
def test_a_photo_of_a_former_agent_is_a_photo(spoof: Cause) -> None:
    assert refused(spoof) == decide(spoof, (FORMER,), False, COUNTER)


def test_a_recording_of_a_former_agent_is_a_recording() -> None:
    assert refused(Cause.RECORDED_CAMERA) == decide(None, (FORMER,), True, COUNTER)


@pytest.mark.parametrize(
    ("likenesses", "matched"),
    [
        ((Likeness(Who.SELF, 0.9, "p"), Likeness(Who.AGENT, 0.95, "a")), "p"),
        ((Likeness(Who.SELF, 0.1, "p"), Likeness(Who.AGENT, 0.5, "a")), "a"),
        ((Likeness(Who.AGENT, 0.5, "a"), Likeness(Who.AGENT, 0.6, "b")), "b"),
        ((Likeness(Who.SELF, 0.1, "p"), Likeness(Who.AGENT, 0.2, "a")), ""),
        ((FORMER,), ""),
    ],
    ids=["self", "agent", "nearest-agent", "stranger", "former-agent"],
)
def test_who_stood_there_is_named_only_where_somebody_passed(
    likenesses: tuple[Likeness, ...], matched: str
) -> None:
    assert matched == decide(None, likenesses, False, COUNTER).matched


@pytest.mark.parametrize("cause", [Cause.POLICY_EXEMPT, Cause.SPECIAL_EXEMPT])
def test_an_exemption_is_code_2_and_claims_no_face(cause: Cause) -> None:
    assert Outcome(Answer.NOT_NEEDED, Who.NOBODY, cause, None, "") == exempt(cause)


SIZED = MatchPolicy(0.46, demo=False, limits=((0.46, 0.47), (0.48, 0.49), (0.5, 0.51)))


@pytest.mark.parametrize(
    ("template", "probe", "needed"),
    [(1, 1, 0.46), (1, 2, 0.47), (1, 9, 0.47), (2, 1, 0.48), (3, 2, 0.51), (9, 9, 0.51)],
)
def test_more_pictures_have_a_limit_of_their_own(template: int, probe: int, needed: float) -> None:
    at = Likeness(Who.SELF, needed, "p", template=template, probe=probe)
    below = replace(at, similarity=needed - 1e-6)

    assert Answer.PASS is decide(None, (at,), False, SIZED).answer
    assert Answer.FAIL is decide(None, (below,), False, SIZED).answer


@pytest.mark.parametrize(
    ("to_anchors", "answer"),
    [(0.411, Answer.PASS), (0.409, Answer.FAIL), (NAN, Answer.FAIL), (None, Answer.PASS)],
)
def test_grown_samples_alone_let_nobody_pass(to_anchors: float | None, answer: Answer) -> None:
    likeness = Likeness(Who.SELF, 0.9, "p", to_anchors=to_anchors)

    assert answer is decide(None, (likeness,), False, MatchPolicy(0.46, demo=False)).answer


@pytest.mark.parametrize(
    ("similarity", "probe", "who", "certain"),
    [
        (0.62, 1, Who.SELF, True),
        (0.60, 1, Who.SELF, False),
        (0.62, 1, Who.AGENT, False),
        (0.2, 1, Who.SELF, False),
        (0.2, 3, Who.SELF, True),
        (0.3, 3, Who.SELF, False),
        (NAN, 5, Who.SELF, False),
    ],
)
def test_looking_on_is_spared_only_where_it_would_change_nothing(
    similarity: float, probe: int, who: Who, certain: bool
) -> None:
    likeness = Likeness(who, similarity, "p", probe=probe)

    assert certain is is_certain((likeness,), MatchPolicy(0.46, demo=False))
