"""The last lines of the log, for an engineer: numbers, names and pictures taken out."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from yibao_face.daemon.clock import moment
from yibao_face.daemon.life.redact import clean, without

_LINES = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``at``: time in China."""

    at: str
    level: str
    room: str
    text: str


class LogTail(logging.Handler):
    """Keeps the last lines in memory, without what may be a person's."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._guard = threading.Lock()
        self._lines: deque[Line] = deque(maxlen=_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``. Of a traceback only the error's name: its text may quote."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = "(unreadable)"
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        at = moment(int(record.created * 1000)).isoformat(sep=" ", timespec="seconds")
        line = Line(at, record.levelname, record.name, clean(f"{text} {error}"))
        with self._guard:
            self._lines.append(line)

    def lines(self, names: Iterable[str] = ()) -> list[Line]:
        """Oldest first; ``names`` of known persons do not stand in them."""
        with self._guard:
            kept = list(self._lines)
        if not kept:
            return []
        texts = without("\n".join(line.text for line in kept), names).split("\n")
        return [replace(line, text=text) for line, text in zip(kept, texts, strict=True)]
