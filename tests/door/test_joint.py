"""Calls that ask the same at the same time share one run; nobody else's leaving ends it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from yibao_face.daemon.capture.attempt import (
    Attempt,
    CallerGoneError,
    EncounterEndedError,
    StoppingError,
)
from yibao_face.daemon.door.joint import Calls

PATIENCE_S = 10.0


@dataclass(slots=True)
class Work:
    """What a call does, under the control of the test: starts, waits, answers."""

    answer: Any = "done"
    error: Exception | None = None
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    ended: list[type[EncounterEndedError]] = field(default_factory=list[type[EncounterEndedError]])
    started: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, attempt: Attempt) -> Any:
        self.attempts.append(attempt)
        self.started.release()
        while not self.go.wait(0.005):
            try:
                attempt.check()
            except EncounterEndedError as ended:
                self.ended.append(type(ended))
                return f"ended: {type(ended).__name__}"
        if self.error is not None:
            raise self.error
        return self.answer

    async def under_way(self) -> None:
        """Until the run has begun."""
        assert await asyncio.to_thread(self.started.acquire, timeout=PATIENCE_S)


@dataclass(slots=True)
class Stubborn(Work):
    """Work that takes its time to wind up after it was cancelled."""

    wind_up: threading.Event = field(default_factory=threading.Event)

    def __call__(self, attempt: Attempt) -> Any:
        answer = Work.__call__(self, attempt)
        self.wind_up.wait(PATIENCE_S)
        return answer


@asynccontextmanager
async def door() -> AsyncGenerator[Calls, None]:
    calls = Calls(60.0)
    try:
        yield calls
    finally:
        await calls.stop()


def within(test: Coroutine[Any, Any, None]) -> None:
    """Run ``test``; one that hangs fails."""
    asyncio.run(asyncio.wait_for(test, 3 * PATIENCE_S))


async def joined(calls: Calls, key: object, waiting: int) -> None:
    """Until ``waiting`` callers wait for the run with ``key``."""
    while (found := calls._under_way.get(key)) is None or found.waiting != waiting:
        await asyncio.sleep(0)


async def left(*tasks: asyncio.Task[Any]) -> None:
    """The callers go away."""
    for task in tasks:
        task.cancel()
    assert all(
        isinstance(end, asyncio.CancelledError)
        for end in await asyncio.gather(*tasks, return_exceptions=True)
    )


def test_equal_keys_run_once_and_share_the_answer() -> None:
    async def test() -> None:
        async with door() as calls:
            work = Work()
            tasks = [asyncio.create_task(calls.run("k", work)) for _ in range(5)]
            await work.under_way()
            await joined(calls, "k", 5)
            work.go.set()

            assert ["done"] * 5 == await asyncio.gather(*tasks)
            assert 1 == len(work.attempts)

    within(test())


def test_different_keys_run_apart_and_at_the_same_time() -> None:
    async def test() -> None:
        async with door() as calls:
            works = {key: Work(answer=key) for key in ("a", "b", ("c", 1))}
            tasks = [asyncio.create_task(calls.run(key, work)) for key, work in works.items()]
            for work in works.values():
                await work.under_way()
            for work in works.values():
                work.go.set()

            assert list(works) == await asyncio.gather(*tasks)
            assert [1, 1, 1] == [len(work.attempts) for work in works.values()]

    within(test())


def test_a_run_that_is_over_is_not_joined() -> None:
    async def test() -> None:
        async with door() as calls:
            first, second = Work(answer=1), Work(answer=2)
            first.go.set()
            second.go.set()

            assert 1 == await calls.run("k", first)
            assert 2 == await calls.run("k", second)
            assert {} == calls._under_way

    within(test())


def test_the_last_caller_who_leaves_ends_the_run() -> None:
    async def test() -> None:
        async with door() as calls:
            work = Work()
            tasks = [asyncio.create_task(calls.run("k", work)) for _ in range(2)]
            await work.under_way()
            await joined(calls, "k", 2)
            job = calls._under_way["k"].job
            await left(*tasks)

            assert "ended: CallerGoneError" == await job
            assert [CallerGoneError] == work.ended

    within(test())


@pytest.mark.parametrize("leaver", [0, 1], ids=["the-first", "the-joiner"])
def test_one_of_two_leaving_ends_nothing(leaver: int) -> None:
    async def test() -> None:
        async with door() as calls:
            work = Work()
            tasks = [asyncio.create_task(calls.run("k", work)) for _ in range(2)]
            await work.under_way()
            await joined(calls, "k", 2)
            await left(tasks[leaver])
            assert not work.attempts[0].is_cancelled
            work.go.set()

            assert "done" == await tasks[1 - leaver]
            assert [] == work.ended

    within(test())


def test_who_asks_after_everybody_left_gets_a_run_of_his_own() -> None:
    async def test() -> None:
        async with door() as calls:
            abandoned, fresh = Stubborn(), Work(answer="fresh")
            fresh.go.set()
            first = asyncio.create_task(calls.run("k", abandoned))
            await abandoned.under_way()
            await left(first)
            newcomers = [asyncio.create_task(calls.run("k", fresh)) for _ in range(2)]
            # Both have asked by now and wait for the old run to wind up.
            await asyncio.sleep(0)
            abandoned.wind_up.set()

            assert ["fresh", "fresh"] == await asyncio.gather(*newcomers)
            assert [CallerGoneError] == abandoned.ended
            assert {} == calls._under_way

    within(test())


def test_a_newcomer_who_leaves_while_he_waits_for_the_old_run_starts_nothing() -> None:
    async def test() -> None:
        async with door() as calls:
            abandoned, never = Stubborn(), Work()
            first = asyncio.create_task(calls.run("k", abandoned))
            await abandoned.under_way()
            await left(first)
            newcomer = asyncio.create_task(calls.run("k", never))
            await asyncio.sleep(0)
            await left(newcomer)
            abandoned.wind_up.set()
        assert [] == never.attempts

    within(test())


def test_an_error_of_the_run_reaches_everybody_who_waits() -> None:
    async def test() -> None:
        async with door() as calls:
            work = Work(error=RuntimeError("broken"))
            tasks = [asyncio.create_task(calls.run("k", work)) for _ in range(3)]
            await work.under_way()
            await joined(calls, "k", 3)
            work.go.set()
            ends = await asyncio.gather(*tasks, return_exceptions=True)

            assert ["broken"] * 3 == [str(end) for end in ends]
            assert {RuntimeError} == {type(end) for end in ends}
            assert {} == calls._under_way

    within(test())


def test_stopping_ends_every_run_and_everybody_is_answered() -> None:
    async def test() -> None:
        calls = Calls(60.0)
        works = [Work() for _ in range(3)]
        tasks = [asyncio.create_task(calls.run(n, work)) for n, work in enumerate(works)]
        for work in works:
            await work.under_way()
        await calls.stop()

        assert ["ended: StoppingError"] * 3 == await asyncio.gather(*tasks)
        assert [[StoppingError]] * 3 == [work.ended for work in works]

    within(test())


def test_a_run_that_waits_for_a_thread_is_ended_too() -> None:
    async def test() -> None:
        calls = Calls(60.0)
        works = [Work() for _ in range(12)]
        tasks = [asyncio.create_task(calls.run(n, work)) for n, work in enumerate(works)]
        await works[0].under_way()
        await joined(calls, 11, 1)
        await calls.stop()

        assert {"ended: StoppingError"} == set(await asyncio.gather(*tasks))

    within(test())


def test_after_stopping_nothing_runs_any_more() -> None:
    async def test() -> None:
        calls, work = Calls(60.0), Work()
        await calls.stop()
        with pytest.raises(RuntimeError):
            await calls.run("k", work)

        assert [] == work.attempts
        assert {} == calls._under_way

    within(test())


@pytest.mark.parametrize("deadline_s", [30.0, 300.0])
def test_every_run_has_the_deadline_of_a_call(deadline_s: float) -> None:
    async def test() -> None:
        calls, work = Calls(deadline_s), Work()
        work.go.set()
        await calls.run("k", work)
        await calls.stop()

        assert deadline_s - 20 < work.attempts[0].left_s() <= deadline_s

    within(test())
