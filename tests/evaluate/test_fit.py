"""The soft score denies what it was fitted to, and as few of the living as asked."""

from __future__ import annotations

import numpy as np
import pytest

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.evaluate.fit import Sample, edges, fitted

NAMES = ("deep", "wide")
LIVING, FLAT = 4000, 2000


@pytest.fixture(scope="module")
def sample() -> Sample:
    """Living heads are deep, sheets are not; the width says nothing."""
    rng = np.random.default_rng(5)
    living = rng.normal((20, 60), (2, 5), (LIVING, 2))
    sheets = rng.normal((2, 60), (2, 5), (FLAT, 2))
    return Sample(NAMES, np.vstack([living, sheets]), np.arange(LIVING + FLAT) < LIVING)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05])
def test_so_many_of_the_living_are_denied_as_was_asked(sample: Sample, share: float) -> None:
    score = fitted(sample, share, Cause.SPOOF_SHAPE)
    reached = [
        score.of(dict(zip(NAMES, row, strict=True))) >= score.least for row in sample.values
    ]

    assert pytest.approx(1 - share, abs=1e-3) == np.mean(reached[:LIVING])
    assert not any(reached[LIVING:])


def test_the_feature_that_tells_counts_and_the_other_does_not(sample: Sample) -> None:
    deep, wide = fitted(sample, 0.01, Cause.SPOOF_SHAPE).terms

    assert (deep.feature, wide.feature) == NAMES
    assert deep.linear > 10 * abs(wide.linear)
    assert pytest.approx((20, 2), abs=0.2) == (deep.middle, deep.spread)


def test_edges_leave_the_asked_share_of_the_living_beyond(sample: Sample) -> None:
    low, high = edges(sample, 0.01)["deep"]
    deep = sample.values[:LIVING, 0]

    assert pytest.approx(0.01, abs=1e-3) == np.mean(deep < low)
    assert pytest.approx(0.01, abs=1e-3) == np.mean(deep > high)
