"""Where the library's threads leave planes and faults, and a reader waits for them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from yibao_face.drivers.api import DeviceError
from yibao_face.drivers.openni2.pairing import Exposure, Pairing, Rounds


class Inbox:
    """Holds the newest set of planes nobody has taken; the first fault is the last word.

    ``loops``: the device is a recording, whose clock falls back when it starts over.
    """

    def __init__(self, *, loops: bool = False) -> None:
        self._rounds = Rounds() if loops else None
        self._pairing: Pairing | None = None
        self._changed = threading.Condition()
        self._latest: dict[int, Exposure] = {}
        self._ready: dict[int, Exposure] | None = None
        self._fault: DeviceError | None = None

    def expect(self, sensors: Iterable[int], period_us: int) -> None:
        """Make sets of these from now on; planes left before are not kept. See ``Pairing``."""
        with self._changed:
            self._pairing = Pairing(sensors, period_us)

    def put(self, sensor: int, exposure: Exposure) -> None:
        """Leave a plane; one that was there before is dropped, so a frozen camera is silent."""
        with self._changed:
            if self._rounds is not None:
                on_us = self._rounds.going_on(sensor, exposure.device_us)
                exposure = replace(exposure, device_us=on_us)
            if not self._fresh(sensor, exposure):
                return
            found = self._pairing.add(sensor, exposure) if self._pairing else None
            if found is not None:
                self._ready = found
                self._changed.notify_all()

    def fail(self, fault: DeviceError) -> None:
        """Let every read raise ``fault``, unless an earlier one does."""
        with self._changed:
            self._fault = self._fault or fault
            self._changed.notify_all()

    def take(self, timeout_s: float) -> dict[int, Exposure] | None:
        """The newest set, each once; ``None`` when none comes in time; raises the fault."""
        with self._changed:
            self._changed.wait_for(lambda: self._fault or self._ready, max(0.0, timeout_s))
            if self._fault is not None:
                raise self._fault
            found, self._ready = self._ready, None
            return found

    def _fresh(self, sensor: int, now: Exposure) -> bool:
        """Even planes, as of nothing in range, may recur."""
        before = self._latest.get(sensor)
        self._latest[sensor] = now
        if before is None:
            return True
        if now.device_us <= before.device_us:
            return False
        same = np.array_equal(now.plane, before.plane)
        return not same or bool(now.plane.min() == now.plane.max())
