"""The soft score denies what the gates let by, and never lets by what they deny."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.gate import Gate, LivenessPolicy, SoftScore, Term, judge

NAN = float("nan")
SCORE = SoftScore(
    (Term("deep", 20.0, 4.0, 1.0, 0.5), Term("wide", 60.0, 5.0, 0.0, 1.0)),
    bias=2.0,
    least=0.0,
    cause=Cause.SPOOF_SHAPE,
)
GATES = (Gate("deep", 8.0, 60.0, Cause.SPOOF_FLAT),)
POLICY = LivenessPolicy((), GATES, frames=3, attack_frames=2, version="test", soft=SCORE)
LIKE = {"deep": 20.0, "wide": 60.0}
ODD = {"deep": 20.0, "wide": 80.0}
FLAT = {"deep": 1.0, "wide": 60.0}


@pytest.mark.parametrize(
    ("features", "score"),
    [
        (LIKE, 2.0),
        ({"deep": 24.0, "wide": 60.0}, 2.5),
        ({"deep": 16.0, "wide": 60.0}, 0.5),
        ({"deep": 20.0, "wide": 65.0}, 1.0),
        ({"deep": 20.0, "wide": 55.0}, 1.0),
        ({"deep": 20.0, "wide": 1000.0}, -6.0),
        ({"deep": 20.0, "wide": math.inf}, -6.0),
    ],
)
def test_each_feature_counts_by_side_and_by_distance_and_never_without_bound(
    features: dict[str, float], score: float
) -> None:
    assert pytest.approx(score) == SCORE.of(features)


@pytest.mark.parametrize("features", [{"deep": 20.0}, {"deep": 20.0, "wide": NAN}])
def test_a_score_without_one_of_its_features_is_no_number(features: dict[str, float]) -> None:
    assert math.isnan(SCORE.of(features))


def test_the_median_frame_decides() -> None:
    alive, denied = judge([LIKE, LIKE, ODD], POLICY), judge([LIKE, ODD, ODD], POLICY)

    assert alive is not None
    assert denied is not None
    assert (alive.cause, alive.score) == (None, 2.0)
    assert (denied.cause, denied.score) == (Cause.SPOOF_SHAPE, -2.0)


def test_a_good_score_never_outweighs_a_gate() -> None:
    generous = replace(POLICY, soft=replace(SCORE, least=-1e9))
    verdict = judge([LIKE, FLAT, FLAT], generous)

    assert verdict is not None
    assert verdict.cause is Cause.SPOOF_FLAT


def test_a_score_that_is_no_number_denies() -> None:
    verdict = judge([LIKE, {**LIKE, "wide": NAN}, LIKE], POLICY)

    assert verdict is not None
    assert verdict.cause is Cause.SPOOF_SHAPE


def test_nothing_is_scored_before_enough_frames() -> None:
    assert judge([ODD, ODD], POLICY) is None
