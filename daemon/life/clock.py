"""Whether the clock of this machine was set: while the service ran, and while it did not.

Beside the wall clock runs one that nobody sets. What lies between them changes only when somebody
sets the wall clock; it is written down, so that the next start knows as well.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

logger = logging.getLogger(__name__)

JUMP_MS = 120_000
_LOOK_S = 60.0
Write = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Times:
    """``unix_ms``: the wall clock; ``steady_s``: never set, sleep counted; ``boot``: new at each
    start of the machine."""

    unix_ms: Callable[[], int]
    steady_s: Callable[[], float]
    boot: str

    @property
    def between_ms(self) -> int:
        """The wall clock minus the steady one."""
        return self.unix_ms() - round(self.steady_s() * 1000)


class ClockWatch:
    """``file``: what the last look saw. ``write`` puts a jump on record; what it raises is told
    in the log, and the jump is written at the next look."""

    def __init__(self, file: Path, times: Times, write: Write) -> None:
        self._file, self._times, self._write = file, times, write
        self._between_ms: int | None = None
        self._owed_ms = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def __enter__(self) -> Self:
        self.begin()
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join(1.0)
        self._note()

    def begin(self) -> None:
        """Compare with what the last run saw."""
        seen = _read(self._file)
        now_ms = self._times.unix_ms()
        if seen.get("boot") == self._times.boot and "between_ms" in seen:
            self._between_ms = seen["between_ms"]
        elif now_ms < seen.get("at_ms", 0) - JUMP_MS:
            # Another start of the machine: the clock cannot be before it was last seen.
            self._owed_ms = now_ms - seen["at_ms"]
        self.look("start")

    def look(self, when: str = "run") -> None:
        """Compare with the last look; ``when``: for the record."""
        between_ms = self._times.between_ms
        by_ms = 0 if self._between_ms is None else between_ms - self._between_ms
        self._between_ms = between_ms
        if abs(by_ms) > JUMP_MS:
            self._owed_ms += by_ms
        if abs(self._owed_ms) > JUMP_MS:
            self._tell(when)
        self._note()

    def _tell(self, when: str) -> None:
        by_s = round(self._owed_ms / 1000)
        logger.warning("the clock of this machine was set by %d s (%s)", by_s, when)
        try:
            self._write({"what": "clock-set", "by_s": by_s, "when": when})
        except Exception as exc:  # noqa: BLE001  # a full disk: it is owed until the next look
            logger.warning("not on record yet: %s", type(exc).__name__)
        else:
            self._owed_ms = 0

    def _run(self) -> None:
        while not self._over.wait(_LOOK_S):
            self.look()

    def _note(self) -> None:
        body = {
            "boot": self._times.boot,
            "between_ms": self._between_ms,
            "at_ms": self._times.unix_ms(),
        }
        part = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
        with contextlib.suppress(OSError):
            part.write_text(json.dumps(body), "utf-8")
            part.replace(self._file)


def _read(file: Path) -> dict[str, Any]:
    """What was noted; of what is not as it was written, nothing."""
    try:
        body: object = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(body, dict):
        return {}
    found = cast(dict[str, Any], body)
    wanted = {"boot": str, "between_ms": int, "at_ms": int}
    return {key: found[key] for key, kind in wanted.items() if type(found.get(key)) is kind}
