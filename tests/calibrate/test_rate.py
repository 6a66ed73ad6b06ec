"""Scores, thresholds and intervals against what a slow and simple way gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.calibrate import rate
from yibao_face.daemon.calibrate.embedding import Embedded
from yibao_face.daemon.calibrate.interval import Rate, clopper_pearson
from yibao_face.daemon.calibrate.rate import (
    Floats,
    Genuine,
    Impostors,
    Ints,
    bootstrap,
    codes_of,
    fused,
    halves,
    one_to_one,
)
from yibao_face.daemon.calibrate.report import Page, html
from yibao_face.daemon.calibrate.study import FARS, groups_of, study
from yibao_face.models.api import ModelStamp
from yibao_face.models.weights.threshold import as_json, table_of


def unit(rows: int, seed: int, size: int = 16) -> Floats:
    """Random directions."""
    made = np.random.default_rng(seed).normal(size=(rows, size)).astype(np.float32)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def sixteenths(rows: int, seed: int) -> Floats:
    """Numbers whose products and sums are exact: every order of adding gives the same score."""
    drawn = np.random.default_rng(seed).integers(-4, 5, (rows, 8))
    return (drawn / 16).astype(np.float32)


def brute(vectors: Floats, codes: Ints) -> tuple[list[float], list[float]]:
    """Genuine and impostor scores, pair by pair."""
    genuine: list[float] = []
    impostor: list[float] = []
    for one, other in itertools.combinations(range(len(codes)), 2):
        score = float(vectors[one] @ vectors[other])
        (genuine if codes[one] == codes[other] else impostor).append(score)
    return genuine, impostor


def impostors(scores: list[float]) -> Impostors:
    """As if these were the scores of all pairs."""
    tail = np.sort(np.array(scores, np.float32))
    counts = np.zeros(20001, np.int64)
    counts[0] = len(tail)
    return Impostors(counts, tail, np.zeros((len(tail), 2), np.int64))


@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.30850),
        (1, 10, 0.00253, 0.44502),
        (5, 10, 0.18709, 0.81291),
        (10, 10, 0.69150, 1.0),
        (2, 100, 0.00243, 0.07038),
        (0, 0, 0.0, 1.0),
        (179, 3560, 0.04333, 0.05799),
    ],
)
def test_the_interval_is_the_exact_one(errors: int, trials: int, low: float, high: float) -> None:
    assert (low, high) == pytest.approx(clopper_pearson(errors, trials), abs=2e-5)


def test_more_errors_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="3 errors of 2 trials"):
        clopper_pearson(3, 2)


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_share_and_mirrors(trials: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, trials))
    low, high = clopper_pearson(errors, trials)
    mirrored = clopper_pearson(trials - errors, trials)

    assert 0 <= low <= errors / trials <= high <= 1
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-9)


def test_no_error_is_told_by_the_rule_of_three() -> None:
    assert "0 / 158: 至多 at most 3/158 = 1.9 % (95 %)" == Rate(0, 158).text
    assert "1 / 10 = 10 % [0.253 %, 44.5 %]" == Rate(1, 10).text
    assert "无数据 no trials" == Rate(0, 0).text


@pytest.mark.parametrize("trials", [50, 500, 5000])
def test_the_rule_of_three_is_about_the_one_sided_exact_bound(trials: int) -> None:
    # One-sided 95 % is two-sided 90 %.
    assert clopper_pearson(0, trials, 0.90)[1] == pytest.approx(3 / trials, rel=0.04)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=60), st.integers(0, 99), st.integers(1, 7))
def test_blocks_give_what_all_pairs_give(owners: list[int], seed: int, block: int) -> None:
    codes, vectors = codes_of([str(n) for n in owners]), sixteenths(len(owners), seed)
    genuine, impostor = brute(vectors, codes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rate, "_BLOCK", block)
        found = one_to_one(vectors, codes)

    assert len(impostor) == found.impostors.total
    kept = min(len(impostor), int(1e-3 * len(impostor)) + 100)
    assert sorted(impostor)[len(impostor) - kept :] == found.impostors.tail.tolist()
    for limit in (-2.0, -0.25, 0.0, 0.125, 0.5, 3.0):
        assert sum(score >= limit for score in impostor) == found.impostors.passing(limit)
    for score, (one, other) in zip(found.impostors.tail, found.impostors.pairs, strict=True):
        assert codes[one] != codes[other]
        assert score == vectors[one] @ vectors[other]
    if max(np.bincount(codes)) <= 5:  # ten pairs: nothing is capped
        assert sorted(genuine) == sorted(found.genuine.scores.tolist())


def test_the_tail_is_kept_exactly_and_the_rest_in_bins() -> None:
    codes = codes_of([f"{n // 2:04}" for n in range(1500)])
    vectors = unit(1500, 3)
    _, impostor = brute(vectors, codes)
    found = one_to_one(vectors, codes).impostors
    ranked = np.sort(np.array(impostor, np.float32))

    assert len(found.tail) == int(1e-3 * len(ranked)) + 100
    np.testing.assert_allclose(found.tail, ranked[-len(found.tail) :], atol=1e-6)
    for limit in (-0.5, -0.1234, 0.0, 0.2, 0.4001):
        assert int((ranked >= limit).sum()) <= found.passing(limit)
        assert int((ranked >= limit - 2.1e-4).sum()) >= found.passing(limit)
    for far in FARS:
        at = found.at_far(far)
        assert found.passing(at) == int(far * len(ranked))


def test_a_score_of_exactly_the_threshold_is_accepted() -> None:
    found = impostors([0.1, 0.25, 0.25, 0.5])
    genuine = Genuine(np.array([0.25, 0.125], np.float32), np.array([0, 1]))

    assert 3 == found.passing(0.25)
    assert 1 == found.passing(float(np.nextafter(np.float32(0.25), np.float32(1))))
    assert 1 == genuine.missed(0.25).errors


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=200), st.floats(0.0, 0.001))
def test_a_threshold_is_the_least_that_keeps_the_rate(scores: list[float], far: float) -> None:
    found = impostors(scores * 20)
    limit = found.at_far(far)
    below = float(np.nextafter(np.float32(limit), np.float32(-2)))

    assert found.passing(limit) <= far * found.total
    assert found.passing(below) > far * found.total


def test_a_rate_whose_scores_were_not_kept_is_refused() -> None:
    with pytest.raises(ValueError, match=r"FAR 1 lies below the exact tail of 3 scores"):
        impostors([0.1, 0.2, 0.3]).at_far(1)


def test_genuine_pairs_are_capped_at_ten_per_person() -> None:
    codes = codes_of(["a"] * 30 + ["b"] * 3 + ["c"])
    found = one_to_one(unit(34, 1), codes).genuine

    assert [10, 3] == np.bincount(found.persons).tolist()


def test_fused_pairs_have_no_picture_on_both_sides() -> None:
    # Each picture of a person has a direction of its own: a shared one would give a score above 0.
    codes = codes_of(["a"] * 5 + ["b"] * 5 + ["c"] * 4)
    found = fused(np.eye(14, dtype=np.float32), codes, 2, 3, 7)

    assert [0, 1] == found.genuine.persons.tolist()
    assert [0.0, 0.0] == found.genuine.scores.tolist()
    # Templates of three persons against probes of three, without each against himself.
    assert 6 == found.impostors.total


def test_fused_vectors_have_length_one_and_the_seed_decides() -> None:
    codes = codes_of([str(n % 9) for n in range(90)])
    vectors = unit(90, 5)
    one, again, other = (fused(vectors, codes, 2, 2, seed) for seed in (1, 1, 2))

    assert one.genuine.scores.tolist() == again.genuine.scores.tolist()
    assert one.genuine.scores.tolist() != other.genuine.scores.tolist()
    assert float(np.abs(one.impostors.tail).max()) <= 1 + 1e-6


def test_nobody_with_enough_pictures_is_no_trial() -> None:
    found = fused(unit(4, 1), codes_of(["a", "a", "b", "c"]), 3, 3, 1)

    assert (0, 0) == (found.impostors.total, len(found.genuine.scores))
    assert (0.0, 1.0) == bootstrap(found.genuine, 0.5, 1)


def test_the_bootstrap_is_seeded_and_draws_persons_not_pairs() -> None:
    random = np.random.default_rng(4)
    # Twenty persons of ten pairs, who are missed altogether or not at all.
    persons = np.repeat(np.arange(20), 10)
    bad = np.isin(persons, [3, 8])
    scores = np.where(bad, 0.1, 0.9).astype(np.float32)
    by_person = Genuine(scores, persons)
    by_pair = Genuine(random.permutation(scores), np.arange(200))

    assert bootstrap(by_person, 0.5, 1) == bootstrap(by_person, 0.5, 1)
    wide, narrow = (np.ptp(bootstrap(g, 0.5, 1)) for g in (by_person, by_pair))
    assert wide > 2 * narrow
    low, high = bootstrap(by_person, 0.5, 1)
    assert low <= 0.1 <= high


def test_the_halves_share_no_person() -> None:
    codes = codes_of([str(n % 7) for n in range(40)])
    one, other = halves(codes, 3)

    assert not set(codes[one]) & set(codes[other])
    assert 40 == one.sum() + other.sum()
    assert 3 == len(set(codes[one]))


def embedded() -> Embedded:
    """Fifty persons of eight pictures around a direction each, and one picture put wrong."""
    random = np.random.default_rng(11)
    centres = np.repeat(unit(50, 1, 64), 8, axis=0)
    near = centres + random.normal(scale=0.06, size=centres.shape)
    near[9] = near[0]
    vectors = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    files = tuple(f"p{n // 8:02}/{n % 8}.jpg" for n in range(400))
    return Embedded(vectors, files, 0, 0)


def test_a_study_finds_the_wrong_label_and_keeps_only_rows_with_pairs_enough() -> None:
    result = study(embedded(), 0.4)
    table = result.table(ModelStamp("net", "ab"), "here", "2026-11-26")

    assert ("p00/0.jpg", "p01/1.jpg") == (result.suspects[0].left, result.suspects[0].right)
    assert 20 == len(result.suspects)
    assert table == table_of(as_json(table))
    assert "here: 400 pictures of 50 persons" == table.calibrated_on
    # 78,400 pairs can say something about one in ten thousand, not about one in 100,000.
    singles = [row.far for row in table.rows if (row.template, row.probe) == (1, 1)]
    assert [1e-3, 1e-4] == singles
    # Of 2,450 fused pairs two lie above a threshold at one in a thousand: too few to rest on.
    assert 2 == len(table.rows)


def test_groups_are_judged_at_the_thresholds_of_all() -> None:
    found = embedded()
    labels = groups_of(found.files, {"p00": "old", "p01": "old", "p02/0.jpg": "young"})
    assert 17 == len(labels)
    result = study(found, None, {**labels, "p03/0.jpg": "young"})

    [*old] = [row for row in result.groups if row.group == "old"]
    assert [row.limit for row in result.rows if row.single] == [row.limit for row in old]
    assert {64} == {row.fa.trials for row in old}
    assert all(row.frr.trials == 0 for row in result.groups if row.group == "young")


def test_a_report_escapes_names_and_needs_no_other_file() -> None:
    found = embedded()
    files = ("<b>x/0\udcff.jpg", *found.files[1:])
    result = study(Embedded(found.vectors, files, 1, 2), 0.4)
    page = Page("<here>", "net", "2026-11-26", b"det", b"hist")
    text = html(result, page, lambda _file: b"png")

    assert text.encode("utf-8")
    assert "<b>x" not in text
    assert "<here>" not in text
    assert "&lt;here&gt;" in text
    assert "http" not in text
    assert "样本内" in text and "留出验证" in text and "只在本单位保存" in text
