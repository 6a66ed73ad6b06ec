"""The structs of ``yibao_camera.h`` and what may stand in them.

A library is not trusted with sizes, pointers or numbers: what it fills is checked before it is
used. What cannot be checked, a pointer to nowhere, ends the child process alone.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
from cffi import FFI

from yibao_face.drivers.api import CameraInfo, Capability, Intrinsics, Pair

ABI = 1
# Behind every struct we lend: a library that writes beyond it is found out.
_GUARD = b"\xa5" * 64
_MAX_SIDE = 16384
_MAX_TIME = 1 << 62
_SKEW_US = 10_000_000
_USB_ID = re.compile(r"([0-9a-f]{4}:[0-9a-f]{4})?")
_FLAGS = {1: Capability.RGB, 2: Capability.DEPTH, 4: Capability.IR, 8: Capability.PAIRED}
_LAMPS = (None, False, True)


class AbiError(ValueError):
    """The library filled in what cannot be; the message says what."""


def _declarations() -> str:
    """The header without what only a C compiler understands."""
    text = (resources.files("yibao_face.drivers.cabi") / "include/yibao_camera.h").read_text(
        "utf-8"
    )
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = text[text.index("enum {") : text.rindex("#ifdef __cplusplus")]
    return re.sub(r"YIBAO_CAMERA_(API|CALL)\b", "", text)


ffi: Any = FFI()
ffi.cdef(_declarations())


@dataclass(frozen=True, slots=True)
class Identity:
    """What ``open`` filled in; ``info`` has driver and uri yet to come."""

    info: CameraInfo
    lens: Intrinsics
    pair: Pair | None


@dataclass(frozen=True, slots=True)
class Shot:
    """What ``grab`` filled in, copied. ``number``: the library's own."""

    number: int
    device_us: int
    skew_us: int
    ir_lit: bool | None
    bgr: npt.NDArray[np.uint8]
    depth_mm: npt.NDArray[np.uint16] | None
    ir: npt.NDArray[np.uint8] | None


class Lent:
    """A zeroed struct for the library to fill, with its ``size`` set and a guard behind it."""

    def __init__(self, kind: str) -> None:
        self._kind, self._size = kind, int(ffi.sizeof(kind))
        self._bytes = bytearray(self._size) + _GUARD
        # Keeps the bytes alive, as a cast pointer would not.
        self.struct: Any = ffi.from_buffer(f"{kind} *", self._bytes)
        self.struct.size = self._size

    def filled(self) -> Any:
        """The struct, once the library has kept to its room; raises ``AbiError``."""
        if bytes(self._bytes[self._size :]) != _GUARD:
            raise AbiError(f"wrote beyond {self._kind}")
        # Version 1 is the smallest there is; one that is newer leaves the size at ours.
        if self.struct.size != self._size:
            raise AbiError(f"{self._kind} of {self.struct.size} bytes, not {self._size}")
        return self.struct


def read_info(info: Any) -> Identity:
    """Check a filled ``yibao_camera_info``."""
    if info.planes & 1 == 0 or info.planes >> len(_FLAGS) or info.planes & 12 == 8:
        raise AbiError(f"planes {info.planes:#x}")
    flags = Capability.NONE
    for bit, flag in _FLAGS.items():
        flags |= flag if info.planes & bit else Capability.NONE
    texts = {name: _text(info, name) for name in ("model", "serial", "firmware", "path", "usb_id")}
    if not texts["model"]:
        raise AbiError("no model")
    if not _USB_ID.fullmatch(texts["usb_id"]):
        raise AbiError(f"usb_id {texts['usb_id']!r}")
    told = CameraInfo(driver="", uri="", capability=flags, **texts)
    return Identity(told, _lens(info.lens, "lens"), _pair(info) if info.planes & 8 else None)


def read_frame(frame: Any, identity: Identity) -> Shot:
    """Check a filled ``yibao_camera_frame`` of that camera, and copy its planes."""
    lens, pair = identity.lens, identity.pair
    if frame.lamp >= len(_LAMPS):
        raise AbiError(f"lamp {frame.lamp}")
    if frame.number >= _MAX_TIME or not 0 <= frame.device_us < _MAX_TIME:
        raise AbiError(f"frame {frame.number} at {frame.device_us} us")
    if frame.skew_us > _SKEW_US:
        raise AbiError(f"skew of {frame.skew_us} us")
    kinds = identity.info.capability
    depth, infrared = Capability.DEPTH in kinds, Capability.IR in kinds
    size = (lens.height, lens.width)
    ir_size = size if pair is None else (pair.infrared.height, pair.infrared.width)
    return Shot(
        int(frame.number),
        int(frame.device_us),
        int(frame.skew_us),
        _LAMPS[int(frame.lamp)],
        _plane(frame.colour, "colour", (*size, 3), np.uint8),
        _plane(frame.depth, "depth", size, np.uint16) if depth else None,
        _plane(frame.infrared, "infrared", ir_size, np.uint8) if infrared else None,
    )


def _plane(plane: Any, name: str, shape: tuple[int, ...], kind: npt.DTypeLike) -> npt.NDArray[Any]:
    height, width = shape[:2]
    row = math.prod(shape[1:]) * np.dtype(kind).itemsize
    if plane.data == ffi.NULL:
        raise AbiError(f"{name} is NULL")
    if (plane.width, plane.height) != (width, height):
        raise AbiError(f"{name} of {plane.width}x{plane.height}, not {width}x{height}")
    if plane.stride < row or plane.stride * (height - 1) + row > plane.bytes:
        raise AbiError(f"{name}: {height} rows of {plane.stride} bytes in {plane.bytes}")
    return _copied(plane, shape, row, kind)


def _copied(plane: Any, shape: tuple[int, ...], row: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """Rows without their padding; the last one may end where its pixels do."""
    reach = plane.stride * (shape[0] - 1) + row
    seen = np.frombuffer(ffi.buffer(ffi.cast("char *", plane.data), reach), np.uint8)
    rows = np.lib.stride_tricks.as_strided(seen, (shape[0], row), (plane.stride, 1))
    return np.array(rows).view(kind).reshape(shape)


def _text(info: Any, name: str) -> str:
    raw = bytes(ffi.buffer(getattr(info, name)))
    text, end, _ = raw.partition(b"\0")
    if not end:
        raise AbiError(f"{name} does not end")
    try:
        told = text.decode()
    except UnicodeDecodeError as exc:
        raise AbiError(f"{name} is no UTF-8") from exc
    if not told.isprintable():
        raise AbiError(f"{name} holds control characters")
    return told


def _lens(lens: Any, name: str) -> Intrinsics:
    read = Intrinsics(lens.width, lens.height, lens.fx, lens.fy, lens.cx, lens.cy)
    sides = all(0 < side <= _MAX_SIDE for side in (read.width, read.height))
    # Also refuses what is not a number. Centres lie near the image, focal lengths far below this.
    focal = all(1.0 <= f <= 10 * _MAX_SIDE for f in (read.fx, read.fy))
    centre = all(abs(c) <= 2 * _MAX_SIDE for c in (read.cx, read.cy))
    if not (sides and focal and centre):
        raise AbiError(f"{name} is no lens: {read}")
    return read


def _pair(info: Any) -> Pair:
    rotation: Any = tuple(info.rotation)
    translation_mm: Any = tuple(info.translation_mm)
    turn = np.array(rotation).reshape(3, 3)
    with np.errstate(all="ignore"):  # what is not finite fails the comparison
        turns = bool(np.allclose(turn @ turn.T, np.eye(3), atol=1e-3))
        right = turns and bool(np.linalg.det(turn) > 0)
    if not right or not all(abs(mm) < 1000.0 for mm in translation_mm):
        raise AbiError("rotation or translation of the infrared camera is none")
    return Pair(_lens(info.infrared, "infrared lens"), rotation, translation_mm)
