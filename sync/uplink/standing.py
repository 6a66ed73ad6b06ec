"""How this machine stands with its centre, for everybody who asks, in this process or another."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from yibao_face.sync.api import StoreError
from yibao_face.sync.delivery import Delivery
from yibao_face.sync.uplink.api import (
    CentreRefusedError,
    Hands,
    IdentityError,
    State,
    Status,
    UntrustedError,
)
from yibao_face.sync.uplink.identity.file import read_secret, replace_secret
from yibao_face.sync.uplink.identity.identity import Identity

logger = logging.getLogger(__name__)

_WRITE_EVERY_S = 10.0
# Of these the centre says that it will be back, or something on the way does.
_PASSING = frozenset({408, 429})


class Standing:
    """``path``: where other processes of this machine find it."""

    def __init__(self, path: Path, hands: Hands) -> None:
        self._path, self._hands = path, hands
        self._lock = threading.Lock()
        self._status = Status(State.STARTING, since_ms=hands.unix_ms(), pid=os.getpid())
        self._written_s = float("-inf")

    @property
    def status(self) -> Status:
        """As known now, without what the queue holds."""
        return self._status

    def bound(self, identity: Identity | None) -> None:
        """Who this machine is to the centre, if anybody."""
        if identity is None:
            self._change(State.UNBOUND, device="", institution="", not_after_ms=0)
            return
        whom = {"device": identity.device, "institution": identity.institution}
        keep = self._status.state
        state = keep if keep not in (State.UNBOUND, State.STANDBY) else State.STARTING
        self._change(state, self._status.reason, **whom, not_after_ms=identity.not_after_ms)

    def answered(self, offset_ms: int) -> None:
        """The centre took a batch. ``offset_ms``: its clock minus this one."""
        now_ms = self._hands.unix_ms()
        self._change(State.ONLINE, offset_ms=offset_ms, last_answer_ms=now_ms)

    def failed(self, error: Exception) -> None:
        """What it means that ``error`` came instead of an answer."""
        state, reason = verdict(error)
        self._change(state, reason)

    def standby(self) -> None:
        """Another process sends."""
        self._change(State.STANDBY)

    def write(self, delivery: Delivery, *, now: bool = False) -> None:
        """For other processes; only now and then, or ``now``. What cannot be written is not."""
        at_s = self._hands.steady_s()
        if self._status.state is State.STANDBY:
            return  # the file is the other one's
        if not now and at_s - self._written_s < _WRITE_EVERY_S:
            return
        self._written_s = at_s
        with contextlib.suppress(IdentityError, StoreError):
            body = asdict(counted(self._status, delivery))
            replace_secret(self._path, json.dumps(body).encode())

    def _change(self, state: State, reason: str = "", **facts: Any) -> None:
        with self._lock:
            old = self._status
            changed = (old.state, old.reason) != (state, reason)
            since_ms = self._hands.unix_ms() if old.state is not state else old.since_ms
            self._status = replace(old, state=state, reason=reason, since_ms=since_ms, **facts)
        if changed:
            self._written_s = float("-inf")
            logger.info("centre: %s%s", state, f", {reason}" if reason else "")


def counted(status: Status, delivery: Delivery) -> Status:
    """With what the queue holds now; ``StoreError``."""
    counts = delivery.backlog()
    return replace(
        status,
        waiting=counts.waiting,
        dead=counts.dead,
        oldest_waiting_ms=counts.oldest_waiting_ms,
    )


def read_status(path: Path) -> Status | None:
    """What the sender of this data folder wrote last; ``None`` where nothing can be read."""
    try:
        body = cast(dict[str, Any], json.loads(read_secret(path) or b""))
        values: dict[str, Any] = {**body, "state": State(body["state"])}
        return Status(**values)
    except (ValueError, KeyError, TypeError, IdentityError):
        return None


def verdict(error: Exception) -> tuple[State, str]:
    """The state an error leads to, and a word for it."""
    if isinstance(error, UntrustedError):
        return State.REFUSED, "server-certificate"
    if isinstance(error, IdentityError):
        return State.REFUSED, "identity"
    if isinstance(error, CentreRefusedError):
        passing = error.status in _PASSING or error.status >= 500
        return State.OFFLINE if passing else State.REFUSED, error.word
    if isinstance(error, StoreError):
        return State.OFFLINE, "store"
    return State.OFFLINE, "no-answer"
