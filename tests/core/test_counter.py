"""The question to the clerk: asked in the encounter's thread, answered from another."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from yibao_face.daemon.booth.counter import (
    Consent,
    Counter,
    CounterSilentError,
    Prompt,
    Stage,
    Task,
    View,
)
from yibao_face.daemon.capture.attempt import (
    Attempt,
    CallerGoneError,
    DeadlineError,
    EncounterEndedError,
    End,
    StoppingError,
)
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import PROMPTS, Action

PROMPT = Prompt("encounter-1", Stage.CONSENT, "同意人脸识别吗？", "v1", "32**************44")
YES = Consent("encounter-1", Stage.CONSENT, accepted=True, staff="00100020")
NO = Consent("encounter-1", Stage.CONSENT, accepted=False, staff="00100020")


@contextmanager
def asking(
    counter: Counter, attempt: Attempt, prompt: Prompt = PROMPT
) -> Generator[Future[Consent], None, None]:
    """``ask`` under way in a thread of its own; cancelled at the end, whatever happened."""
    with ThreadPoolExecutor(1) as thread:
        try:
            future = thread.submit(counter.ask, prompt, attempt)
            eventually(lambda: counter.look().prompt is not None or future.done())
            yield future
        finally:
            attempt.cancel(End.STOPPING)


def eventually(reached: Callable[[], bool]) -> None:
    until = time.monotonic() + 5.0
    while not reached():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.005)


@pytest.mark.parametrize("given", [YES, NO], ids=["yes", "no"])
def test_what_the_clerk_answers_reaches_the_encounter(given: Consent) -> None:
    counter = Counter(attached_s=60.0)
    counter.begin("encounter-1")

    with asking(counter, Attempt(60.0)) as asked:
        taken = counter.answer(given)

        assert taken
        assert given == asked.result(5)


def test_the_clerk_sees_the_encounter_the_hint_and_the_question() -> None:
    counter = Counter(attached_s=60.0)
    counter.begin("encounter-1")
    counter.tell(Cause.TOO_FAR)

    with asking(counter, Attempt(60.0)):
        assert View("encounter-1", Cause.TOO_FAR, PROMPT) == counter.look()


@pytest.mark.parametrize(
    "given",
    [
        Consent("encounter-1", Stage.CONFIRM, accepted=True, staff="1"),
        Consent("encounter-0", Stage.CONSENT, accepted=True, staff="1"),
        Consent("", Stage.CONSENT, accepted=True, staff="1"),
    ],
    ids=["wrong-stage", "earlier-encounter", "no-encounter"],
)
def test_an_answer_to_another_question_is_refused_and_the_question_stands(
    given: Consent,
) -> None:
    counter = Counter(attached_s=60.0)

    with asking(counter, Attempt(60.0)) as asked:
        taken = counter.answer(given)

        assert not taken
        assert PROMPT == counter.look().prompt
        assert counter.answer(NO)
        assert NO == asked.result(5)


def test_an_answer_nobody_asked_for_is_refused() -> None:
    assert not Counter(attached_s=60.0).answer(YES)


def test_a_question_is_answered_once() -> None:
    counter = Counter(attached_s=60.0)

    with asking(counter, Attempt(60.0)) as asked:
        taken = [counter.answer(NO), counter.answer(YES)]

        assert [True, False] == taken
        assert NO == asked.result(5)


def test_an_answered_question_is_no_longer_shown() -> None:
    counter = Counter(attached_s=60.0)

    with asking(counter, Attempt(60.0)) as asked:
        counter.answer(YES)
        asked.result(5)

        assert counter.look().prompt is None


def test_the_same_counter_asks_the_second_stage_afresh() -> None:
    counter = Counter(attached_s=60.0)
    confirm = Prompt("encounter-1", Stage.CONFIRM, "是本人吗？", "v1", PROMPT.person)
    confirmed = Consent("encounter-1", Stage.CONFIRM, accepted=False, staff="1")
    with asking(counter, Attempt(60.0)) as asked:
        counter.answer(YES)
        asked.result(5)

    with asking(counter, Attempt(60.0), confirm) as asked:
        taken = [counter.answer(YES), counter.answer(confirmed)]

        assert [False, True] == taken
        assert confirmed == asked.result(5)


def test_a_counter_nobody_looks_at_is_silent() -> None:
    counter, asked_at = Counter(attached_s=0.05), time.monotonic()

    with pytest.raises(CounterSilentError):
        counter.ask(PROMPT, Attempt(60.0))

    assert 0.05 <= time.monotonic() - asked_at < 5.0
    assert counter.look().prompt is None
    assert not counter.answer(YES)


def test_a_counter_that_is_looked_at_is_waited_for() -> None:
    counter = Counter(attached_s=0.3)

    with asking(counter, Attempt(60.0)) as asked:
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            counter.look()
            time.sleep(0.01)
        waited = not asked.done()

        assert waited
        with pytest.raises(CounterSilentError):
            asked.result(5)


@pytest.mark.parametrize(
    ("end", "error"), [(End.CALLER_GONE, CallerGoneError), (End.STOPPING, StoppingError)]
)
def test_a_question_ends_with_its_encounter(end: End, error: type[EncounterEndedError]) -> None:
    counter, attempt = Counter(attached_s=60.0), Attempt(60.0)

    with asking(counter, attempt) as asked:
        attempt.cancel(end)

        with pytest.raises(error):
            asked.result(5)
        assert counter.look().prompt is None


def test_a_question_ends_at_the_deadline() -> None:
    counter = Counter(attached_s=60.0)

    with pytest.raises(DeadlineError):
        counter.ask(PROMPT, Attempt(0.05))

    assert counter.look().prompt is None


def test_a_new_encounter_voids_what_was_shown_and_asked_before() -> None:
    counter, attempt = Counter(attached_s=60.0), Attempt(60.0)
    counter.begin("encounter-1")
    counter.tell(Cause.TOO_DARK)

    with asking(counter, attempt):
        counter.begin("encounter-2")
        shown, taken = counter.look(), counter.answer(YES)

        assert View("encounter-2", None, None) == shown
        assert not taken


def test_the_person_sees_what_to_do_and_for_how_long() -> None:
    counter = Counter(attached_s=60.0)
    counter.begin("encounter-1")
    counter.tell(Cause.TOO_DARK)

    counter.ask_action(Action.MOUTH, 6.0)
    shown = counter.look()

    assert shown.task is not None
    assert (Action.MOUTH, PROMPTS[Action.MOUTH]) == (shown.task.action, shown.task.text)
    assert 0.0 < shown.task.left_s <= 6.0
    assert shown.hint is None


def test_the_time_left_never_falls_below_none() -> None:
    counter = Counter(attached_s=60.0)
    counter.ask_action(Action.BLINK, 0.0)

    shown = counter.look()

    assert Task(Action.BLINK, 0.0) == shown.task


def begin_another(counter: Counter) -> None:
    counter.begin("encounter-2")


@pytest.mark.parametrize("end", [Counter.end_action, begin_another])
def test_what_was_to_do_is_over_with_the_action_or_the_encounter(
    end: Callable[[Counter], None],
) -> None:
    counter = Counter(attached_s=60.0)
    counter.ask_action(Action.TURN_LEFT, 6.0)

    end(counter)

    assert counter.look().task is None


def test_the_id_photo_stays_out_of_logs() -> None:
    with_photo = Consent("encounter-1", Stage.CONFIRM, True, "1", id_photo=b"\xff\xd8secret")

    assert "secret" not in repr(with_photo)
