"""Every evidence file is listed for the centre and for the quota, whatever dies in between."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yibao_face.daemon.gallery.evidence import EvidenceError
from yibao_face.sync.api import StoreError
from yibao_face.sync.evidence import WAITING, EvidenceLane, Piece, Quota

logger = logging.getLogger(__name__)

ATTACK, DOUBTFUL = "attack", "doubtful"
AGENT, REGISTRATION = "agent", "registration"
TREATMENT, WARD, ROUTINE = "treatment", "ward", "routine"
# What goes last when room is short, and first to the centre.
WORTH = {ATTACK: 4, DOUBTFUL: 4, AGENT: 3, REGISTRATION: 3, TREATMENT: 2, WARD: 2, ROUTINE: 1}
MB = 1024 * 1024
_NAME = re.compile(r"[0-9a-f]{64}")
_PART_S = 3600.0


@dataclass(frozen=True, slots=True)
class Dropped:
    """What went for want of room. ``lost``: of it, what the centre had not."""

    pieces: tuple[Piece, ...]

    @property
    def lost(self) -> tuple[Piece, ...]:
        """Those the centre will never get."""
        return tuple(piece for piece in self.pieces if piece.state == WAITING)

    def detail(self) -> dict[str, Any]:
        """For the record: numbers by lane, and the names of the first that are lost."""
        lanes = [piece.lane for piece in self.lost]
        return {
            "what": "evidence-dropped",
            "lost": {lane: lanes.count(lane) for lane in sorted(set(lanes))},
            "bytes": sum(piece.size_bytes for piece in self.lost),
            "names": [piece.name for piece in self.lost[:20]],
        }


@dataclass(frozen=True, slots=True)
class EvidenceKeeper:
    """``folder``: of the evidence files. ``tell``: called with what was dropped, after it was.

    Results are never touched: they are not here. Every function raises ``EvidenceError``.
    """

    lane: EvidenceLane
    folder: Path
    quota: Quota
    tell: Callable[[Dropped], None]
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def kept(self, name: str, lane: str, record_id: str, at_ms: int) -> None:
        """List a file that is on disk; then make room where there is too little."""
        with self._told():
            self.lane.add(name, self._size(name), lane, record_id, at_ms)
            crowded = self.lane.bytes_there() > self.quota.max_bytes
        if crowded:
            self.enforce()

    def link(self, path: Path, name: str, lane: str, record_id: str, at_ms: int) -> None:
        """As ``kept``, of a file that has a life of its own elsewhere: the same bytes, once."""
        with self._told():
            self.folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                _second_name(path, self.folder / name)
        self.kept(name, lane, record_id, at_ms)

    def erase(self, names: Iterable[str]) -> None:
        """These have been kept long enough."""
        with self._told():
            self.lane.erase(names)

    def enforce(self) -> None:
        """Drop what is over the quota, of least worth and oldest first, and tell."""
        with self._told(), self._guard:
            going = self.lane.enforce(self.quota)
        if going:
            dropped = Dropped(tuple(going))
            logger.warning(
                "evidence over its quota: %d file(s) dropped, %d unsent",
                len(going),
                len(dropped.lost),
            )
            self.tell(dropped)

    def mend(self, now_s: float) -> None:
        """At the start: list files that are not, forget those that are gone, keep the quota."""
        with self._told():
            # The list first: what is put there meanwhile by somebody else is not taken for gone.
            listed = self.lane.there()
            there = self._files(now_s)
            gone = sorted(listed - there.keys())
            for name in sorted(there.keys() - listed):
                size, at_ms = there[name]
                self.lane.add(name, size, REGISTRATION, "", at_ms)
            self.lane.erase(gone)
        if gone:
            logger.warning("%d evidence file(s) that were listed are gone", len(gone))
        self.enforce()

    def health(self) -> dict[str, int]:
        """How full it is, and how much waits for the centre or was dropped for want of room."""
        with self._told():
            counts = self.lane.counts()
            return {
                "bytes": self.lane.bytes_there(),
                "quota_bytes": self.quota.max_bytes,
                **{state: counts.get(state, 0) for state in ("waiting", "sent", "dropped")},
            }

    def _files(self, now_s: float) -> dict[str, tuple[int, int]]:
        """Size and time of each file; what a crash left half written goes."""
        found: dict[str, tuple[int, int]] = {}
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            status = path.stat()
            if _NAME.fullmatch(path.name) and status.st_size:
                found[path.name] = status.st_size, status.st_mtime_ns // 1_000_000
            elif path.name.endswith(".part") and abs(now_s - status.st_mtime) > _PART_S:
                path.unlink(missing_ok=True)
        return found

    def _size(self, name: str) -> int:
        return (self.folder / name).stat().st_size

    @contextmanager
    def _told(self) -> Generator[None, None, None]:
        try:
            yield
        except StoreError as exc:
            raise EvidenceError(f"evidence cannot be listed: {exc}") from exc
        except OSError as exc:
            raise EvidenceError(f"evidence cannot be read: {exc.strerror}") from exc


def _second_name(path: Path, to: Path) -> None:
    try:
        os.link(path, to)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        shutil.copyfile(path, to)
        to.chmod(0o600)
