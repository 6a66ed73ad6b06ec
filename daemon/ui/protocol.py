"""Messages between the daemon and its windows: a JSON object and, behind it, perhaps a picture.

They go over the child's stdin and stdout: nobody else can join, nothing lies on a disk, and each
side sees at once that the other one ended. A message is two lengths (4 bytes each, big-endian),
the object in UTF-8, the picture's bytes. The window asks for each (``next``), so that a picture it
had no time for is never sent; the daemon has one message on its way at a time.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

# Exit codes of the windows nobody starts them again after.
NO_QT, NO_DISPLAY = 3, 4
_HEAD = struct.Struct(">II")
MAX_BODY_BYTES = 256 * 1024
# A picture of 1,920 x 1,440 in four bytes a pixel.
MAX_PICTURE_BYTES = 12 * 1024 * 1024


class ProtocolError(Exception):
    """The other side does not speak as agreed."""


@dataclass(frozen=True, slots=True)
class Message:
    """``body["t"]``: what it is. ``picture``: rows of four bytes a pixel (B, G, R, unused)."""

    body: dict[str, Any]
    picture: bytes = field(default=b"", repr=False)

    @property
    def type(self) -> str:
        """What it is."""
        return str(self.body.get("t", ""))


class Source(Protocol):
    """Where bytes come from: an unbuffered pipe or a buffered one."""

    def read(self, size: int, /) -> bytes | None:
        """At most ``size`` bytes, none at the end."""
        ...


def encode(body: dict[str, Any], picture_bytes: int = 0) -> bytes:
    """Both lengths and the object; the picture follows it."""
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    if len(text) > MAX_BODY_BYTES or picture_bytes > MAX_PICTURE_BYTES:
        raise ProtocolError("message is too large")
    return _HEAD.pack(len(text), picture_bytes) + text


def receive(source: Source) -> Message | None:
    """The next message, ``None`` where the stream ends between two; raises ``ProtocolError``."""
    head = _exactly(source, _HEAD.size, may_end=True)
    if head is None:
        return None
    body_bytes, picture_bytes = _HEAD.unpack(head)
    if body_bytes > MAX_BODY_BYTES or picture_bytes > MAX_PICTURE_BYTES:
        raise ProtocolError("message is too large")
    text = _exactly(source, body_bytes)
    picture = _exactly(source, picture_bytes)
    assert text is not None and picture is not None  # noqa: S101  # only a head may lack
    return Message(_object(text), picture)


def _object(text: bytes) -> dict[str, Any]:
    try:
        body: object = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise ProtocolError("message is not JSON") from exc
    if not isinstance(body, dict):
        raise ProtocolError("message is not an object")
    return cast("dict[str, Any]", body)


def _exactly(source: Source, size: int, *, may_end: bool = False) -> bytes | None:
    parts: list[bytes] = []
    missing = size
    while missing > 0:
        part = source.read(missing)
        if not part:
            if may_end and missing == size:
                return None
            raise ProtocolError("message is cut off")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
