"""What the office does by itself: figures kept up to date, faults looked for, devices told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor

from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.log import event, warning
from yibao_face.sync.center.office.figure.fold import fold
from yibao_face.sync.center.office.fleet.watch import look
from yibao_face.sync.center.office.office import Office
from yibao_face.sync.center.office.review.erasures import drop_evidence
from yibao_face.sync.center.office.review.specials import publish_reviews

_EVERY_S, _LOOK_S = 2.0, 60.0
_DAYS_AT_ONCE = 200


class Work:
    """One per process; several may run beside each other."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._looked_s = -_LOOK_S

    async def run(self, threads: Executor) -> None:
        """Go on until cancelled; what a database that is down prevents is done later."""
        while True:
            try:
                await asyncio.get_running_loop().run_in_executor(threads, self.round)
            except CenterError as exc:
                warning("office work", reason=str(exc))
            await asyncio.sleep(_EVERY_S)

    def round(self) -> None:
        """Everything that waits, once."""
        office, now_ms = self._office, self._office.center.clock()
        _until_none(lambda: fold(office, now_ms))
        _until_none(lambda: publish_reviews(office, now_ms))
        _until_none(lambda: drop_evidence(office))
        if time.monotonic() - self._looked_s >= _LOOK_S:
            self._looked_s = time.monotonic()
            opened, closed = look(office, now_ms)
            if opened or closed:
                event("tickets", opened=opened, closed=closed)


def _until_none(act: Callable[[], int]) -> None:
    done = 0
    while done < _DAYS_AT_ONCE and (n := act()):
        done += n
