"""Writes what the bus holds into the database: each record once, whatever is killed when."""

from __future__ import annotations

import random
import threading
from collections import Counter

from yibao_face.sync.center.api import CenterError, Limits, RefusedError, StoreDownError, UnixMs
from yibao_face.sync.center.bus.api import Bus, Delivery
from yibao_face.sync.center.bus.parcel import Parcel, opened, packed
from yibao_face.sync.center.log import event, warning
from yibao_face.sync.center.metric import Metrics
from yibao_face.sync.center.store.database import Database, raise_alarm
from yibao_face.sync.center.store.records import Records

DEAD = "dead-letter"
_AT_ONCE = 8
_WAIT_S = 1.0
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.2, 10.0
# A message that kills its writer is handed out again and again: after so often, put aside.
_MOST_TRIES = 25


class Writer:
    """One of any number; the database keeps those of one device apart.

    ``metrics``: what it wrote and put aside.
    """

    def __init__(
        self, bus: Bus, database: Database, records: Records, limits: Limits, clock: UnixMs
    ) -> None:
        self._bus, self._database, self._records = bus, database, records
        self._limits, self._clock = limits, clock
        self.metrics = Metrics()

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``; what is in hand is finished first, or handed out again."""
        while not stop.is_set():
            for delivery in self._bus.fetch(_AT_ONCE, _WAIT_S):
                if stop.is_set() or not self._carry(delivery, stop):
                    return

    def _carry(self, delivery: Delivery, stop: threading.Event) -> bool:
        """Write or put aside, then tell the bus; ``False`` when stopped before the end."""
        pause_s = 0.0
        while True:
            try:
                if pause_s:
                    delivery.working()
                self._settle(delivery)
                delivery.done()
            except StoreDownError as exc:
                # Nothing is lost by waiting: it stays on the bus.
                warning("writer waits", reason=str(exc))
            else:
                return True
            pause_s = min(max(2 * pause_s, _FIRST_PAUSE_S), _LAST_PAUSE_S)
            if stop.wait(random.uniform(0, pause_s)):  # noqa: S311  # jitter
                return False

    def _settle(self, delivery: Delivery) -> None:
        if delivery.tries > _MOST_TRIES:
            self._bury(delivery.data, "", f"handed out {_MOST_TRIES} times in vain")
            return
        try:
            parcel = opened(delivery.data, self._limits)
        except CenterError as exc:
            self._bury(delivery.data, "", str(exc))
        else:
            self._write(parcel)

    def _write(self, parcel: Parcel) -> None:
        """All of it, but for the records the database does not take."""
        try:
            taken = self._records.take(parcel.caller, parcel.batch, parcel.incoming, parcel.now_ms)
        except RefusedError as exc:
            if len(parcel.incoming) < 2:
                self._bury(packed(parcel), parcel.caller.device, str(exc))
                return
            for half in parcel.halves():
                self._write(half)
        else:
            counts = Counter(taken.statuses)
            event("written", device=parcel.caller.device, **counts)
            self.metrics.batch(counts, [], taken.alarms)
            for kind in taken.alarms:
                warning("alarm", device=parcel.caller.device, kind=kind)

    def _bury(self, data: bytes, device: str, reason: str) -> None:
        name = self._bus.bury(data, device, reason)
        with self._database.writing() as db:
            raise_alarm(db, device, DEAD, name, self._clock())
        self.metrics.alarm(DEAD)
        warning("alarm", device=device, kind=DEAD, reason=reason)
