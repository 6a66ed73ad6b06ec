"""How long it waits: never sooner than asked, never for ever, never all at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.sync.uplink.lane.backoff import MOST_RETRY_S, Backoff
from yibao_face.sync.uplink.lane.bucket import Bucket

CHANCE = st.floats(0, 1)


@given(
    chances=st.lists(CHANCE, min_size=1, max_size=60),
    first_s=st.floats(0.01, 10),
    most_s=st.floats(10, 300),
)
def test_waits_lie_under_a_bound_that_doubles_up_to_the_cap(
    chances: list[float], first_s: float, most_s: float
) -> None:
    found = iter(chances)
    backoff = Backoff(first_s, most_s, lambda: next(found))

    for failures in range(len(chances)):
        bound_s = min(most_s, first_s * 2.0**failures)
        assert 0 < backoff.failed() <= max(0.05, bound_s)


@given(asked_s=st.floats(0, 1e12), chance=CHANCE, failures=st.integers(0, 50))
def test_the_centre_is_not_asked_sooner_than_it_wants_nor_never(
    asked_s: float, chance: float, failures: int
) -> None:
    backoff = Backoff(1.0, 300.0, lambda: chance)
    for _ in range(failures):
        backoff.failed()

    waited_s = backoff.failed(asked_s)

    assert min(asked_s, MOST_RETRY_S) <= waited_s <= 1.25 * MOST_RETRY_S


def test_the_jitter_is_full() -> None:
    waits = [Backoff(64.0, 300.0, lambda n=n: n / 100).failed() for n in range(101)]

    assert waits == sorted(waits)
    assert (0.05, 64.0) == (waits[0], waits[-1])


def test_after_a_success_it_begins_anew() -> None:
    backoff = Backoff(1.0, 300.0, lambda: 1.0)
    assert [1.0, 2.0, 4.0] == [backoff.failed() for _ in range(3)]

    backoff.worked()

    assert backoff.failed() == 1.0


def test_after_the_cap_it_stays_at_five_minutes() -> None:
    backoff = Backoff(1.0, 300.0, lambda: 1.0)

    assert 300.0 == [backoff.failed() for _ in range(2000)][-1]


@given(
    counts=st.lists(st.integers(0, 10_000_000), max_size=20),
    per_s=st.integers(1, 10_000_000),
)
def test_over_any_time_no_more_is_spent_than_is_due(counts: list[int], per_s: int) -> None:
    now_s = [0.0]
    bucket = Bucket(float(per_s), lambda: now_s[0])

    for count in counts:
        bucket.spend(count)
        now_s[0] += bucket.debt_s()

    assert sum(counts) <= per_s * (now_s[0] + 1.0) * 1.001 + 1


def test_a_rate_may_change_while_it_runs() -> None:
    now_s = [0.0]
    bucket = Bucket(10.0, lambda: now_s[0])
    assert bucket.spend(110) == pytest.approx(10.0)

    bucket.set_rate(100.0)

    assert bucket.debt_s() == pytest.approx(1.0)
