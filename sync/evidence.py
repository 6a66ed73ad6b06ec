"""Which evidence files there are, which of them the centre has, and which go when room is short.

The files are sealed and named by whoever keeps them; here are their names and sizes only. A quota
drops files of evidence by a fixed policy; a record it never touches.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from yibao_face.sync.api import StoreError
from yibao_face.sync.store.file import StoreFile

WAITING, SENT, DROPPED = "waiting", "sent", "dropped"
_NAME = re.compile(r"[0-9a-f]{64}")
_LANE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_COLUMNS = "name, size_bytes, lane, state, record_id, at_ms"


@dataclass(frozen=True, slots=True)
class Piece:
    """One evidence file. ``name``: 64 hex digits, its file name; ``lane``: why it is kept.

    ``state``: ``WAITING`` for the centre, ``SENT``, or ``DROPPED`` for want of room.
    """

    name: str
    size_bytes: int
    lane: str
    state: str
    record_id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Quota:
    """At most ``max_bytes`` of files. ``worth``: of a lane, 0 where it is not listed.

    What the centre has goes first, then lanes of less worth, then the oldest.
    """

    max_bytes: int
    worth: Mapping[str, int]


def to_drop(pieces: Iterable[Piece], quota: Quota) -> list[Piece]:
    """The pieces that must go so that the rest fits the quota; dropped ones take no room."""
    there = [piece for piece in pieces if piece.state != DROPPED]
    over = sum(piece.size_bytes for piece in there) - quota.max_bytes
    there.sort(
        key=lambda piece: (
            piece.state != SENT,
            quota.worth.get(piece.lane, 0),
            piece.at_ms,
            piece.name,
        )
    )
    going: list[Piece] = []
    for piece in there:
        if over <= 0:
            break
        going.append(piece)
        over -= piece.size_bytes
    return going


class EvidenceLane:
    """The list of evidence files of one record file; every function raises ``StoreError``.

    ``folder``: where the files lie, under their names.
    """

    def __init__(self, file: StoreFile, folder: Path) -> None:
        self._file = file
        self._folder = folder

    def add(self, name: str, size_bytes: int, lane: str, record_id: str, at_ms: int) -> None:
        """A file that is on disk now. One that is listed stays as it is, unless it was dropped."""
        if not _NAME.fullmatch(name) or not _LANE.fullmatch(lane) or size_bytes < 1:
            raise StoreError("no name, lane or size of a piece of evidence")
        with self._file.writing("list evidence") as db:
            db.execute(
                f"INSERT INTO evidence ({_COLUMNS}) VALUES (?, ?, ?, 'waiting', ?, ?)"  # noqa: S608  # own names
                " ON CONFLICT (name) DO UPDATE SET state = 'waiting' WHERE state = 'dropped'",
                (name, size_bytes, lane, record_id, at_ms),
            )

    def due(self, quota: Quota, limit: int = 100) -> list[Piece]:
        """Pieces the centre has not, of the highest worth first, then the oldest."""
        waiting = self._pieces("WHERE state = 'waiting' ORDER BY at_ms, name")
        waiting.sort(key=lambda piece: -quota.worth.get(piece.lane, 0))
        return waiting[:limit]

    def sent(self, names: Iterable[str]) -> int:
        """The centre has these; the files stay until their room is needed."""
        with self._file.writing("acknowledge evidence") as db:
            statement = "UPDATE evidence SET state = 'sent' WHERE name = ? AND state = 'waiting'"
            return max(0, db.executemany(statement, ((name,) for name in names)).rowcount)

    def drop(self, names: Iterable[str]) -> int:
        """These files are gone: the centre will not get them. How many still waited."""
        with self._file.writing("drop evidence") as db:
            statement = (
                "UPDATE evidence SET state = 'dropped' WHERE name = ? AND state = 'waiting'"
            )
            return max(0, db.executemany(statement, ((name,) for name in names)).rowcount)

    def enforce(self, quota: Quota) -> list[Piece]:
        """Drop what is over the quota and return it; files of those dropped before go, too.

        First written down, then removed: a process that dies between leaves a file that the next
        call removes, never a piece that is listed and gone.
        """
        going = to_drop(self._pieces("WHERE state <> 'dropped'"), quota)
        with self._file.writing("drop evidence") as db:
            statement = "UPDATE evidence SET state = 'dropped' WHERE name = ?"
            db.executemany(statement, ((piece.name,) for piece in going))
        self._remove()
        return going

    def bytes_there(self) -> int:
        """Room the listed files take."""
        query = "SELECT coalesce(sum(size_bytes), 0) FROM evidence WHERE state <> 'dropped'"
        return int(self._file.rows(query)[0][0])

    def there(self) -> set[str]:
        """Names of the pieces that were not dropped."""
        rows = self._file.rows("SELECT name FROM evidence WHERE state <> 'dropped'")
        return {str(name) for (name,) in rows}

    def counts(self) -> dict[str, int]:
        """Pieces by state."""
        rows = self._file.rows("SELECT state, count(*) FROM evidence GROUP BY state")
        return {str(state): int(count) for state, count in rows}

    def erase(self, names: Iterable[str]) -> None:
        """Drop these whatever their worth, and remove their files."""
        given = [(name,) for name in names]
        with self._file.writing("erase evidence") as db:
            db.executemany("UPDATE evidence SET state = 'dropped' WHERE name = ?", given)
        for (name,) in given:
            with contextlib.suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)

    def _remove(self) -> None:
        for (name,) in self._file.rows("SELECT name FROM evidence WHERE state = 'dropped'"):
            # Where it cannot be removed now, the next call tries again.
            with contextlib.suppress(OSError):
                (self._folder / str(name)).unlink(missing_ok=True)

    def _pieces(self, clause: str) -> list[Piece]:
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM evidence {clause}")  # noqa: S608  # own names
        return [Piece(*row) for row in rows]
