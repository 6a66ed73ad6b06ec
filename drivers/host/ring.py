"""The newest frames of a camera in shared memory: one process writes, one copies out.

Every slot begins with two numbers: the frame that is being written and the frame that is whole.
A reader copies, and looks at both again: a frame that was written over meanwhile is dropped,
never torn. This needs stores that are seen in their order, as x86 keeps it.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from yibao_face.drivers.api import Frame
from yibao_face.drivers.host.memory import GRANULE, Memory

SLOTS = 8
PLANES: Mapping[str, npt.DTypeLike] = {"bgr": np.uint8, "depth_mm": np.uint16, "ir": np.uint8}
_CHANNELS = {"bgr": 3, "depth_mm": 2, "ir": 2}
_MARKS = struct.Struct("<QQ")
_LINE = 64
_MAX_SIDE = 16384
_MAX_SLOT = 1 << 30
Plane = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the planes of a frame lie. ``number``: of the frame, from 1; ``shapes``: by plane.

    ``begin``: of the slots in the memory, ``slot_bytes``: of each. Raises ``ValueError`` for what
    cannot be: the writer may be damaged.
    """

    number: int
    begin: int
    slot_bytes: int
    shapes: Mapping[str, tuple[int, ...]]

    def __post_init__(self) -> None:
        for name, shape in self.shapes.items():
            sides = shape[:2]
            if len(shape) != _CHANNELS.get(name) or shape[2:] not in {(), (3,)}:
                raise ValueError(f"plane {name} of shape {shape}")
            if not all(0 < side <= _MAX_SIDE for side in sides):
                raise ValueError(f"plane {name} of shape {shape}")
        if not _slot_bytes(self.shapes) <= self.slot_bytes <= _MAX_SLOT:
            raise ValueError(f"slots of {self.slot_bytes} bytes")
        if self.number < 1 or self.begin < 0 or self.begin % GRANULE:
            raise ValueError(f"frame {self.number} at {self.begin}")

    @property
    def offset(self) -> int:
        """Of the frame's slot among the slots, in bytes."""
        return self.number % SLOTS * self.slot_bytes


class RingWriter:
    """Writes frames one after the other; larger planes get new slots, old ones are left."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._number, self._begin, self._slot_bytes = 0, 0, 0
        self._area: mmap.mmap | None = None

    def put(self, frame: Frame) -> Place:
        """Write the planes of ``frame``; ``ValueError`` for planes of another kind."""
        planes = {name: getattr(frame, name) for name in PLANES}
        present = {name: plane for name, plane in planes.items() if plane is not None}
        shapes = {name: plane.shape for name, plane in present.items()}
        area = self._fitting(_slot_bytes(shapes))
        self._number += 1
        place = Place(self._number, self._begin, self._slot_bytes, shapes)
        whole = _MARKS.unpack_from(area, place.offset)[1]
        _MARKS.pack_into(area, place.offset, place.number, whole)
        for name, seen in _views(area, place).items():
            if present[name].dtype != seen.dtype:
                raise ValueError(f"plane {name} of {present[name].dtype}")
            seen[...] = present[name]
        _MARKS.pack_into(area, place.offset, place.number, place.number)
        return place

    def _fitting(self, needed: int) -> mmap.mmap:
        if self._area is None or needed > self._slot_bytes:
            self._begin += _granules(SLOTS * self._slot_bytes)
            self._slot_bytes = needed
            self._memory.extend(self._begin + SLOTS * needed)
            self._area = self._memory.map(self._begin, SLOTS * needed)
        return self._area


class RingReader:
    """Copies frames out."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._at = (0, 0)
        self._area: mmap.mmap | None = None

    def copy(self, place: Place) -> dict[str, Plane] | None:
        """Own copies of the planes; ``None``: written over meanwhile.

        Raises ``ValueError`` or ``OSError`` where the place is not in the memory.
        """
        area = self._of(place)
        if not _is_whole(area, place):
            return None
        planes = {name: seen.copy() for name, seen in _views(area, place).items()}
        return planes if _is_whole(area, place) else None

    def close(self) -> None:
        """Unmap: a mapping holds a descriptor of its own until somebody collects it."""
        if self._area is not None:
            # A copy that failed may still be looked at, in the error that tells of it.
            with suppress(BufferError):
                self._area.close()
            self._area = None

    def _of(self, place: Place) -> mmap.mmap:
        at = (place.begin, place.slot_bytes)
        if self._area is None or at != self._at:
            self.close()
            self._area, self._at = self._memory.map(place.begin, SLOTS * place.slot_bytes), at
        return self._area


def _is_whole(area: mmap.mmap, place: Place) -> bool:
    return _MARKS.unpack_from(area, place.offset) == (place.number, place.number)


def _slot_bytes(shapes: Mapping[str, tuple[int, ...]]) -> int:
    return _LINE + sum(_room(name, shape) for name, shape in shapes.items())


def _room(name: str, shape: tuple[int, ...]) -> int:
    return -(-math.prod(shape) * np.dtype(PLANES[name]).itemsize // _LINE) * _LINE


def _granules(count: int) -> int:
    return -(-count // GRANULE) * GRANULE


def _views(area: mmap.mmap, place: Place) -> dict[str, Plane]:
    offset, views = place.offset + _LINE, dict[str, Plane]()
    for name, shape in place.shapes.items():
        views[name] = np.ndarray(shape, PLANES[name], area, offset)
        offset += _room(name, shape)
    return views
