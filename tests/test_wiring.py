"""What the wiring makes of a calibration: limits, and what a search among many costs."""

from __future__ import annotations

import pytest

from yibao_face.daemon.core.decision import DECADE
from yibao_face.daemon.wiring import match_policy
from yibao_face.models.weights.manifest import load_manifest
from yibao_face.models.weights.threshold import MatchRow, MatchTable


def table(*rows: tuple[int, int, float, float]) -> MatchTable:
    """Of ``template``, ``probe``, ``far`` and ``value``."""
    made = tuple(MatchRow(*row, impostor_pairs=10**6, genuine_pairs=100, missed=0) for row in rows)
    return MatchTable("m", "a" * 64, "invented pictures", "2026-12-01", made)


@pytest.mark.parametrize(
    ("rows", "decade"),
    [
        (((1, 1, 1e-4, 0.40), (1, 1, 1e-5, 0.48)), 0.08),
        (((1, 1, 1e-4, 0.40), (1, 1, 1e-5, 0.46), (2, 2, 1e-4, 0.41), (2, 2, 1e-5, 0.5)), 0.09),
        (((1, 1, 1e-4, 0.40), (1, 1, 1e-5, 0.41)), 0.05),
        (((1, 1, 1e-4, 0.40), (1, 1, 1e-5, 0.39)), 0.05),
        (((1, 1, 1e-5, 0.48),), DECADE),
        (((1, 1, 1e-5, 0.48), (2, 1, 1e-4, 0.4)), DECADE),
    ],
    ids=["alone", "dearest-size", "too-small", "falling", "one-far-only", "not-one-to-one"],
)
def test_a_power_of_ten_costs_what_the_calibration_saw_but_never_little(
    rows: tuple[tuple[int, int, float, float], ...], decade: float
) -> None:
    assert pytest.approx(decade) == match_policy(table(*rows), 0.0, demo=False).decade


def test_the_margin_of_a_site_is_not_counted_for_each_power_of_ten() -> None:
    carried = load_manifest().by_role("embedder").match
    assert carried is not None
    bare, wary = (match_policy(carried, margin, demo=False) for margin in (0.0, 0.04))

    assert bare.decade == wary.decade
    assert pytest.approx(0.0631) == bare.decade
