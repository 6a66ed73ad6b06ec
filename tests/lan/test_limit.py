"""Budgets: so much at once, more as time goes by, and never more than so many remembered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.lan.limit import Budget


def test_all_at_once_and_then_one_by_one() -> None:
    budget = Budget(6.0)
    for _ in range(6):
        assert budget.has("a", 0)
        budget.spend("a", 0)

    assert [False, False, True] == [budget.has("a", at) for at in (0, 9.9, 10)]
    assert budget.has("b", 0)


def test_what_is_owed_is_at_most_a_bucket() -> None:
    budget = Budget(6.0)
    budget.spend("a", 0, 1000)

    assert [False, True] == [budget.has("a", at) for at in (69, 71)]


def test_of_more_keys_than_can_be_kept_the_oldest_go() -> None:
    budget = Budget(1.0)
    for n in range(3000):
        budget.spend(str(n), 0)

    assert [True, False] == [budget.has(key, 0) for key in ("0", "2999")]


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 20)), max_size=60))
def test_nobody_gets_more_than_the_rate(steps: list[tuple[float, float]]) -> None:
    budget, now, spent = Budget(10.0), 0.0, 0
    for wait_s, _ in steps:
        now += wait_s
        if budget.has("a", now):
            budget.spend("a", now)
            spent += 1

    assert spent <= 10 + now * 10 / 60 + 1e-6
