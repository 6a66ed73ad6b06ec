"""The second lane's rate: who is active, as the database says, and the share of each."""

from __future__ import annotations

import threading

from yibao_face.sync.center.api import Limits
from yibao_face.sync.center.ingest.slot import Window, after_ms, bytes_per_s
from yibao_face.sync.center.sight import ACTIVE_MS, active_devices
from yibao_face.sync.center.store.database import Database

_LOOK_MS = 30_000


class Lane:
    """Safe to call from several threads."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database, self._total = database, limits.evidence_bytes_per_s
        self._window = Window(limits.evidence_closed, limits.evidence_slots)
        self._lock = threading.Lock()
        self._active: frozenset[str] = frozenset()
        self._looked_ms = -_LOOK_MS

    def slot(self, device: str, now_ms: int) -> dict[str, int]:
        """What the answer to a batch says about evidence."""
        share = bytes_per_s(device, self._devices(now_ms), self._total, self._window)
        return {"after_ms": after_ms(device, now_ms, self._window), "bytes_per_s": share}

    def _devices(self, now_ms: int) -> frozenset[str]:
        with self._lock:
            # A clock that was set back must not end the looking.
            if not 0 <= now_ms - self._looked_ms < _LOOK_MS:
                self._active = frozenset(active_devices(self._database, now_ms - ACTIVE_MS))
                self._looked_ms = now_ms
            return self._active
