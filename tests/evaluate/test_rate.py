"""Counts and exact intervals against published figures; nothing here is measured."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any

import pytest

from yibao_face.daemon.calibrate.interval import Rate
from yibao_face.daemon.evaluate.baseline import PLANE, Limit, limit_at
from yibao_face.daemon.evaluate.report.rate import (
    Count,
    band_of,
    study,
    tally_of,
    upper_bound,
    worst_of,
)
from yibao_face.daemon.evaluate.report.text import told
from yibao_face.daemon.evaluate.result import Response, Result

A, R, N = Response.ACCEPTED, Response.REJECTED, Response.NO_RESPONSE


def row(species: str, outcome: Response, **changed: Any) -> Result:
    """A presentation of the middle band."""
    cause = {A: "", R: "spoof-flat", N: "depth-poor"}[outcome]
    base = Result(species, 0, "astra", 550.0, {"skin": "dark"}, outcome, cause, 5)
    return replace(base, **changed)


@pytest.mark.parametrize(
    ("errors", "trials", "interval"),
    [  # exact (Clopper-Pearson) 95 %, as the liveness measurements of the project give them
        (14, 1500, (0.0051, 0.0156)),
        (19, 1500, (0.0076, 0.0197)),
        (3, 250, (0.0025, 0.0347)),
        (6, 250, (0.0089, 0.0515)),
        (36, 250, (0.103, 0.194)),
        (0, 250, (0.0, 0.0146)),
    ],
)
def test_two_sided_interval_is_the_exact_one(
    errors: int, trials: int, interval: tuple[float, float]
) -> None:
    assert interval == pytest.approx(Rate(errors, trials).interval, abs=6e-4)


@pytest.mark.parametrize(("trials", "below"), [(299, 0.01), (2995, 0.001), (29956, 0.0001)])
def test_as_many_errorless_trials_prove_a_rate_as_the_rule_says(trials: int, below: float) -> None:
    assert upper_bound(Rate(0, trials)) <= below < upper_bound(Rate(0, trials - 1))


def test_without_trials_nothing_is_proven() -> None:
    assert 1.0 == upper_bound(Rate(0, 0))
    assert "无数据 no trials" == told(Rate(0, 0))


def test_a_rate_is_told_with_interval_and_upper_bound() -> None:
    assert "3 / 250 = 1.2 % [0.248 %, 3.47 %] ≤ 3.07 %" == told(Rate(3, 250))
    assert "0 / 299 = 0 % [0 %, 1.23 %] ≤ 0.997 %" == told(Rate(0, 299))


def test_errors_are_counted_among_those_classified_and_silence_among_all() -> None:
    attack, live = Count("phone", 1, 7, 2), Count("live", 7, 1, 2)

    assert (Rate(1, 8), Rate(2, 10)) == (attack.wrong, attack.unanswered)
    assert (Rate(1, 8), Rate(2, 10)) == (live.wrong, live.unanswered)


def test_the_worst_species_is_the_one_that_passes_most_often_never_the_mean() -> None:
    counts = [Count("live", 0, 10), Count("phone", 1, 99), Count("mask", 2, 8), Count("video")]

    assert "mask" == (worst_of(counts) or counts[0]).species
    assert worst_of([Count("live", 1, 1), Count("video", 0, 0, 5)]) is None


def test_of_equal_rates_the_less_proven_is_the_worst() -> None:
    counts = [Count("phone", 0, 300), Count("mask", 0, 30)]

    assert counts[1] == worst_of(counts)


def test_a_study_counts_by_species_place_and_cause() -> None:
    rows = [
        *(row("live", A) for _ in range(8)),
        row("live", R, cause="spoof-shape", distance_mm=700.0),
        row("live", N, sensor="d415"),
        *(row("phone", R) for _ in range(3)),
        row("phone", A, group={"skin": "light"}),
        row("mask", A, distance_mm=700.0),
    ]
    found = study(tally_of(rows))

    assert [Count("live", 8, 1, 1), Count("mask", 1), Count("phone", 1, 3)] == list(found.counts)
    assert Rate(1, 9) == found.live.wrong
    assert found.worst is not None and "mask" == found.worst.species
    slices = {(s.dimension, s.value): (s.live, s.worst) for s in found.slices}
    assert (Count("live", 0, 1), Count("mask", 1)) == slices["距离 distance", "650–850 mm"]
    assert (Count("live", 8, 0, 1), Count("phone", 1, 3)) == slices["距离 distance", "500–650 mm"]
    assert (Count("live", 0, 0, 1), None) == slices["传感器 sensor", "d415"]
    assert (Count("live"), Count("phone", 1)) == slices["skin", "light"]
    assert {
        **{("live", "accepted"): 8, ("live", "spoof-shape"): 1, ("live", "depth-poor"): 1},
        **{("phone", "spoof-flat"): 3, ("phone", "accepted"): 1, ("mask", "accepted"): 1},
    } == found.confusion


@pytest.mark.parametrize(
    ("distance_mm", "band"),
    [
        (379.0, "0–380 mm"),
        (380.0, "380–500 mm"),
        (849.9, "650–850 mm"),
        (850.0, "≥ 850 mm"),
        (0.0, "不明 unknown"),
        (nan, "不明 unknown"),
    ],
)
def test_a_distance_belongs_to_one_band(distance_mm: float, band: str) -> None:
    assert band == band_of(distance_mm)


def test_a_feature_that_tells_them_apart_has_auc_one_and_a_useless_one_a_half() -> None:
    rows = [row("live", A, features={"gain": 1.0 + n, "x": 1.0}) for n in range(5)]
    rows += [row("phone", R, features={"gain": -1.0 - n, "x": 1.0}) for n in range(4)]
    found = study(tally_of(rows))

    assert {("phone", "gain"): 1.0, ("phone", "x"): 0.5} == found.likeness


def test_a_limit_refuses_no_more_living_people_than_asked() -> None:
    live = [float(n) for n in range(1000)]

    assert Limit(PLANE, 20.0, 1000, 0.02) == limit_at(PLANE, live, 0.02)
    assert Limit(PLANE, 0.0, 1000, 0.0) == limit_at(PLANE, live, 0.0)
    assert Limit(PLANE, 999.0, 1000, 0.999) == limit_at(PLANE, live, 1.0)
    assert limit_at(PLANE, [nan], 0.5) is None


def test_a_baseline_is_judged_on_its_own_measure() -> None:
    rows = [row("live", A, baselines={PLANE: 9.0}), row("live", A, baselines={PLANE: 7.0})]
    rows += [row("phone", R, baselines={PLANE: 8.0}), row("phone", R, baselines={PLANE: nan})]
    rows += [row("phone", R)]
    found = study(tally_of(rows), [Limit(PLANE, 7.8, 1000, 0.01)])

    [compared] = found.compared
    assert (Count("live", 1, 1), Count("phone", 1, 0, 1)) == compared.counts
