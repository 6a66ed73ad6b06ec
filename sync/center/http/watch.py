"""Wakes who waits for documents, also for those another process has published."""

from __future__ import annotations

import asyncio
import contextlib

from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.log import warning
from yibao_face.sync.center.store.documents import Documents

_LOOK_S = 1.0


class Watch:
    """One look at the database per second for all who wait, none while nobody does."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._somebody = asyncio.Event()
        self._news = asyncio.Condition()
        self._top = 0
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._waiting

    async def beyond(self, place: int, timeout_s: float) -> None:
        """Return when a document was published behind ``place``, or after ``timeout_s``."""
        self._waiting += 1
        self._somebody.set()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s), self._news:
                    await self._news.wait_for(lambda: self._top > place)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._somebody.clear()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._somebody.wait()
            try:
                top = await asyncio.to_thread(self._documents.top)
            except CenterError as exc:
                warning("documents", reason=str(exc))
            else:
                async with self._news:
                    self._top = top
                    self._news.notify_all()
            await asyncio.sleep(_LOOK_S)
