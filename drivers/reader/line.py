"""What the reader's process and ours say to each other: frames of a length and a kind, bounded.

No pickle: the process has loaded a stranger's library, and what it says is only data.
"""

from __future__ import annotations

import struct
from enum import IntEnum, unique
from typing import IO

_HEAD = struct.Struct("<BI")
_MAX_BYTES = 400_000


@unique
class Kind(IntEnum):
    """``JOB``, ``POLL``: to the process. ``OPENED`` … ``FAILED``: from it."""

    JOB = 1
    POLL = 2
    OPENED = 3
    NOTHING = 4
    AGAIN = 5
    CARD = 6
    FAILED = 7


def send(stream: IO[bytes], kind: Kind, body: bytes = b"") -> None:
    """Write one frame; ``OSError`` where the other side has gone."""
    stream.write(_HEAD.pack(kind, len(body)) + body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[Kind, bytes] | None:
    """The next frame; ``None`` at the end, or where what comes is no frame."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, length = _HEAD.unpack(head)
    if length > _MAX_BYTES or kind not in set(Kind):
        return None
    body = stream.read(length)
    return (Kind(kind), body) if len(body) == length else None
