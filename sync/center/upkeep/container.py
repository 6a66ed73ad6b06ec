"""Named parts one after the other in one stream, of sizes that are not known before.

A part is a frame of JSON (its name), frames of data and an empty frame; the end a frame of JSON
that says how many parts there are. A frame is its length (4 bytes) and that many bytes.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from yibao_face.sync.center.upkeep.seal import SealError

_FRAME_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """``name``: with slashes; ``packed``: deflated; ``mode``: of the file."""

    name: str
    packed: bool = True
    mode: int = 0o600


class Sink(Protocol):
    """Where the stream goes."""

    def write(self, data: bytes, /) -> object:
        """More of it."""
        ...


class Packing:
    """Writes parts. ``sha256``: of everything written so far; ``parts``: how many."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self._running, self.parts = sink, hashlib.sha256(), 0

    @property
    def sha256(self) -> str:
        """Hex, of the stream so far."""
        return self._running.hexdigest()

    def add(self, part: Part, data: Iterable[bytes]) -> int:
        """One part more; how many bytes it had."""
        head = {"name": part.name, "packed": part.packed, "mode": part.mode}
        self._frame(json.dumps(head).encode())
        deflating, size = zlib.compressobj(1), 0
        for block in data:
            size += len(block)
            self._data(deflating.compress(block) if part.packed else block)
        self._data(deflating.flush() if part.packed else b"")
        self._frame(b"")
        self.parts += 1
        return size

    def end(self) -> None:
        """No more parts."""
        self._frame(json.dumps({"parts": self.parts}).encode())

    def _data(self, data: bytes) -> None:
        for at in range(0, len(data), _FRAME_BYTES):
            self._frame(data[at : at + _FRAME_BYTES])

    def _frame(self, data: bytes) -> None:
        framed = len(data).to_bytes(4) + data
        self._running.update(framed)
        self._sink.write(framed)


class Unpacking:
    """Reads what ``Packing`` wrote, from the blocks of a stream; ``SealError``."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks, self._buffer, self._running = iter(blocks), bytearray(), hashlib.sha256()
        self.parts = 0

    @property
    def sha256(self) -> str:
        """Hex, of the stream so far."""
        return self._running.hexdigest()

    def __iter__(self) -> Iterator[tuple[Part, Iterator[bytes]]]:
        """Every part and its data, which has to be read before the next part is asked for."""
        while True:
            head = self._head()
            if "parts" in head:
                if head["parts"] != self.parts or self._buffer or next(self._blocks, b""):
                    raise SealError("the backup does not hold what it says")
                return
            part = Part(_inside(str(head["name"])), bool(head["packed"]), int(head["mode"]))
            data = self._inflated() if part.packed else self._frames()
            yield part, data
            for _ in data:
                pass
            self.parts += 1

    def _head(self) -> dict[str, str | int]:
        try:
            return dict(json.loads(self._frame()))
        except (ValueError, TypeError) as exc:
            raise SealError("the backup does not hold what it says") from exc

    def _inflated(self) -> Iterator[bytes]:
        inflating = zlib.decompressobj()
        for frame in self._frames():
            data = frame
            while data:
                yield inflating.decompress(data, _FRAME_BYTES)
                data = inflating.unconsumed_tail
        yield inflating.flush()

    def _frames(self) -> Iterator[bytes]:
        while frame := self._frame():
            yield frame

    def _frame(self) -> bytes:
        size = int.from_bytes(self._exactly(4))
        if size > _FRAME_BYTES:
            raise SealError("the backup does not hold what it says")
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            block = next(self._blocks, b"")
            if not block:
                raise SealError("the backup ends too early")
            self._buffer += block
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._running.update(data)
        return data


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise SealError("the backup names a place outside of its folder")
    return name
