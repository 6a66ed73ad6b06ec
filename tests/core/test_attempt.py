"""One attempt: over by its deadline, by its caller or by the daemon, whichever comes first."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from yibao_face.daemon.capture.attempt import (
    Attempt,
    CallerGoneError,
    CancelledByClerkError,
    CancelledByPersonError,
    DeadlineError,
    EncounterEndedError,
    End,
    StoppingError,
)

ENDS = [
    (End.CALLER_GONE, CallerGoneError),
    (End.PERSON, CancelledByPersonError),
    (End.CLERK, CancelledByClerkError),
    (End.STOPPING, StoppingError),
]


def why(attempt: Attempt) -> type[EncounterEndedError] | None:
    """What ``check`` raises; ``None`` while the attempt is wanted."""
    try:
        attempt.check()
    except EncounterEndedError as error:
        return type(error)
    return None


def test_a_fresh_attempt_goes_on() -> None:
    attempt = Attempt(60.0)

    assert why(attempt) is None
    assert 59.0 < attempt.left_s() <= 60.0


@pytest.mark.parametrize("deadline_s", [0.0, -1.0, float("-inf")])
def test_an_attempt_without_time_is_over_at_once(deadline_s: float) -> None:
    assert DeadlineError is why(Attempt(deadline_s))


def test_an_attempt_ends_at_its_deadline() -> None:
    attempt = Attempt(0.2)

    before = why(attempt)
    time.sleep(0.25)

    assert (None, DeadlineError) == (before, why(attempt))
    assert attempt.left_s() < 0


@pytest.mark.parametrize(("end", "error"), ENDS)
def test_an_attempt_nobody_wants_is_over(end: End, error: type[EncounterEndedError]) -> None:
    attempt = Attempt(60.0)

    attempt.cancel(end)

    assert [error] * 3 == [why(attempt) for _ in range(3)]


@pytest.mark.parametrize(("end", "error"), ENDS)
def test_a_cancelled_attempt_says_so_even_past_its_deadline(
    end: End, error: type[EncounterEndedError]
) -> None:
    attempt = Attempt(0.0)

    attempt.cancel(end)

    assert error is why(attempt)


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        (End.CALLER_GONE, End.STOPPING, CallerGoneError),
        (End.STOPPING, End.CALLER_GONE, StoppingError),
        (End.PERSON, End.CLERK, CancelledByPersonError),
        (End.CLERK, End.PERSON, CancelledByClerkError),
        (End.PERSON, End.CALLER_GONE, CancelledByPersonError),
    ],
)
def test_the_first_reason_counts(
    first: End, second: End, error: type[EncounterEndedError]
) -> None:
    attempt = Attempt(60.0)

    attempt.cancel(first)
    attempt.cancel(second)

    assert error is why(attempt)


def test_every_reason_has_an_error_of_its_own() -> None:
    assert set(End) == {end for end, _ in ENDS}
    assert len(End) == len({error for _, error in ENDS})


@pytest.mark.parametrize("end", End)
def test_whoever_ended_it_it_says_that_somebody_did(end: End) -> None:
    attempt = Attempt(60.0)

    before = attempt.is_cancelled
    attempt.cancel(end)

    assert (False, True) == (before, attempt.is_cancelled)


def test_a_deadline_is_nobodys_doing() -> None:
    assert Attempt(0.0).is_cancelled is False


def test_reasons_from_many_threads_end_it_once() -> None:
    attempt, together = Attempt(60.0), Barrier(8)

    def cancel(number: int) -> type[EncounterEndedError] | None:
        together.wait(5)
        attempt.cancel((End.CALLER_GONE, End.STOPPING)[number % 2])
        return why(attempt)

    with ThreadPoolExecutor(8) as threads:
        seen = set(threads.map(cancel, range(8)))

    assert seen <= {CallerGoneError, StoppingError}
    assert why(attempt) in seen
