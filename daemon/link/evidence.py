"""Photographs kept as evidence are listed for the second lane, whoever kept them."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from yibao_face.sync.evidence import EvidenceLane

PHOTO = "photo"
_NAME = re.compile(r"[0-9a-f]{64}")


class Gatherer:
    """Looks through the folder when something in it has changed."""

    def __init__(self, folder: Path, lane: EvidenceLane) -> None:
        self._folder, self._lane = folder, lane
        self._known: set[str] | None = None
        self._seen_ns = 0
        self._lock = threading.Lock()

    def gather(self) -> None:
        """List what is not listed yet; raises ``StoreError`` and ``OSError``."""
        with self._lock:
            self._gather()

    def _gather(self) -> None:
        try:
            changed_ns = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return  # nothing was ever kept
        if changed_ns == self._seen_ns:
            return
        if self._known is None:
            self._known = self._lane.names()
        for file in self._folder.iterdir():
            if _NAME.fullmatch(file.name) and file.name not in self._known:
                status = file.stat()
                at_ms = status.st_mtime_ns // 1_000_000
                self._lane.add(file.name, status.st_size, PHOTO, "", at_ms)
                self._known.add(file.name)
        self._seen_ns = changed_ns
