"""What the rooms of the centre share: who calls, how much may be sent, and how it refuses."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

UnixMs = Callable[[], int]


class CenterError(Exception):
    """The centre cannot do what its operator asked; the message is the line he reads."""


class RefusedError(CenterError):
    """A request is refused as a whole and nothing of it is stored.

    ``status``: of the HTTP answer; ``code``: a fixed word for programs; ``retry_after_s``: when
    the same request may be sent again. The message never repeats what the caller sent.
    """

    def __init__(
        self, status: int, code: str, message: str, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after_s = status, code, retry_after_s


class StoreDownError(CenterError):
    """The database did not carry out a transaction; nothing of it is stored."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a client certificate names. ``serial``: lower-case hex; ``not_after_ms``: Unix time."""

    device: str
    institution: str
    serial: str
    not_after_ms: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request and one device may ask of the centre. Sizes in bytes.

    ``evidence_…``: what all devices together may send, and when (see ``ingest.slot``).
    """

    records: int = 200
    packed_bytes: int = 4 * 1024 * 1024
    unpacked_bytes: int = 16 * 1024 * 1024
    evidence_bytes: int = 4 * 1024 * 1024
    free_disk_bytes: int = 1024 * 1024 * 1024
    evidence_bytes_per_s: int = 12_500_000
    evidence_slots: int = 1
    evidence_closed: tuple[tuple[int, int], ...] = ()
    batches_per_s: float = 20.0
    batch_burst: int = 100
    enrolments_per_s: float = 1.0
    enrolment_burst: int = 60
    working: int = 4
    waiting: int = 64
    evidence_at_once: int = 4
    skew_ms: int = 5 * 60 * 1000
    gaps_told: int = 100
    pull_wait_s: int = 55
    documents: int = 20


def unix_ms() -> int:
    """Milliseconds since 1970, by the clock of this machine."""
    return time.time_ns() // 1_000_000
