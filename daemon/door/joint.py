"""Calls under way: a HIS that asks again while it waits joins its own first call (Q18)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from yibao_face.daemon.capture.attempt import Attempt, End
from yibao_face.daemon.core.encounter import LOCAL

# Threads for calls: one holds the camera, the rest are answered at once or told busy.
_WORKERS = 8
_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class _Joint:
    """One run, and how many callers wait for its answer."""

    attempt: Attempt
    job: asyncio.Future[Any]
    waiting: int = 0


@dataclass(slots=True)
class Calls:
    """Runs in worker threads, shared by equal keys; ended when nobody waits any more."""

    deadline_s: float
    workers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_WORKERS, thread_name_prefix="call")
    )
    _under_way: dict[Hashable, _Joint] = field(default_factory=dict[Hashable, _Joint])

    async def run(
        self, key: Hashable, work: Callable[[Attempt], _Answer], caller: str = LOCAL
    ) -> _Answer:
        """The answer of ``work``, or of the run with ``key`` that is under way already.

        ``caller``: the machine that asks; the attempt knows all who wait for it.
        """
        joint = await self._joined(key, work, caller)
        joint.attempt.join(caller)
        joint.waiting += 1
        try:
            # Shielded: one caller who leaves must not take the answer from the others.
            return cast(_Answer, await asyncio.shield(joint.job))
        finally:
            joint.waiting -= 1
            if joint.waiting == 0 and not joint.job.done():
                # aiohttp cancels the handler of a caller who goes away.
                joint.attempt.cancel(End.CALLER_GONE)

    async def stop(self) -> None:
        """End every run under way and wait for the camera to be free."""
        for joint in tuple(self._under_way.values()):
            joint.attempt.cancel(End.STOPPING)
        await asyncio.to_thread(self.workers.shutdown, wait=True)

    async def _joined(self, key: Hashable, work: Callable[[Attempt], Any], caller: str) -> _Joint:
        while (found := self._under_way.get(key)) is not None:
            if not found.attempt.is_cancelled:
                return found
            # Its caller left; whoever asks now wants an answer of his own, once it has wound up.
            await asyncio.wait({found.job})
            await asyncio.sleep(0)
        attempt = Attempt(self.deadline_s, caller)
        job = asyncio.get_running_loop().run_in_executor(self.workers, work, attempt)
        joint = self._under_way[key] = _Joint(attempt, job)
        job.add_done_callback(lambda _job: self._forget(key, joint))
        return joint

    def _forget(self, key: Hashable, joint: _Joint) -> None:
        if self._under_way.get(key) is joint:
            del self._under_way[key]
