"""Buffers of a camera to arrays of our own, with no trust in what the buffer holds."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.drivers.api import ColourImage, InfraredImage
from yibao_face.drivers.uvc.mode import Mode

_Bytes = npt.NDArray[np.uint8]
# A buffer may be the camera's own: nothing returned here is a view into it.
Raw = bytes | memoryview

# Bits a two-byte format carries more than one byte holds.
_SHIFT = {"Y10 ": 2, "Y12 ": 4, "Y16 ": 8}
_COLOUR_READ = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
_GREY_READ = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
# Start-of-frame markers of JPEG: C0..CF without the tables C4, C8, CC.
_FRAME_STARTS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class DamagedFrameError(Exception):
    """This buffer cannot be decoded; the next one may."""


class WrongModeError(Exception):
    """The buffer is not what was agreed on: another size or too few bytes."""


def colour(raw: Raw, mode: Mode) -> ColourImage:
    """A (height, width, 3) BGR uint8 array; raises ``DamagedFrameError``, ``WrongModeError``."""
    if mode.fourcc == "MJPG":
        return _own(_jpeg(raw, mode, _COLOUR_READ))
    if mode.width % 2 or mode.height % 2:
        raise WrongModeError(f"{mode} has halves of pixels")
    if mode.fourcc == "YUYV":
        pairs = _rows(raw, mode, 2).reshape(mode.height, mode.width, 2)
        return _own(cv2.cvtColor(pairs, cv2.COLOR_YUV2BGR_YUYV))
    if mode.fourcc == "NV12":
        planes = _rows(raw, mode, 1, mode.height * 3 // 2)
        return _own(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_NV12))
    raise WrongModeError(f"{mode} is no colour format")


def infrared(raw: Raw, mode: Mode) -> InfraredImage:
    """A (height, width) uint8 array; raises as ``colour``. More than 8 bits lose their lowest."""
    if mode.fourcc == "MJPG":
        return _own(_jpeg(raw, mode, _GREY_READ))
    if mode.fourcc == "GREY":
        return _rows(raw, mode, 1).copy()
    if mode.fourcc == "YUYV":
        return _own(_rows(raw, mode, 2)[:, ::2].copy())
    if mode.fourcc in _SHIFT:
        values = _rows(raw, mode, 2).view("<u2") >> _SHIFT[mode.fourcc]
        return _own(np.minimum(values, 255).astype(np.uint8))
    raise WrongModeError(f"{mode} is no infrared format")


def _rows(raw: Raw, mode: Mode, bytes_per_px: int, rows: int = 0) -> _Bytes:
    """(rows, width * bytes_per_px), without the padding of the rows; a view where it can be."""
    rows = rows or mode.height
    wide = mode.width * bytes_per_px
    stride = max(mode.stride, wide)
    if len(raw) < stride * rows:
        raise WrongModeError(f"{len(raw)} bytes are no frame of {mode}")
    table = np.frombuffer(raw, np.uint8, stride * rows).reshape(rows, stride)
    return np.ascontiguousarray(table[:, :wide])


def _jpeg(raw: Raw, mode: Mode, flags: int) -> Any:
    # Its header is read first: a hostile one makes the decoder allocate gigabytes.
    size = jpeg_size(raw)
    if size is None:
        raise DamagedFrameError("no JPEG frame header")
    if size != (mode.width, mode.height):
        raise WrongModeError(f"{size[0]}x{size[1]} is no frame of {mode}")
    try:
        image: Any = cv2.imdecode(np.frombuffer(raw, np.uint8), flags)
    except cv2.error as exc:
        raise DamagedFrameError(str(exc)) from exc
    if image is None:
        raise DamagedFrameError("the JPEG cannot be decoded")
    if image.shape[:2] != (mode.height, mode.width):
        raise WrongModeError(f"{image.shape} is no frame of {mode}")
    return image


def jpeg_size(raw: Raw) -> tuple[int, int] | None:
    """Width and height the JPEG header tells, ``None`` where there is none."""
    at = 2 if raw[:2] == b"\xff\xd8" else len(raw)
    while at + 9 <= len(raw) and raw[at] == 0xFF:
        marker = raw[at + 1]
        if marker in _FRAME_STARTS:
            height, width = raw[at + 5 : at + 7], raw[at + 7 : at + 9]
            return int.from_bytes(width), int.from_bytes(height)
        # Padding is one byte, a segment tells its length; neither can stand still.
        at += 1 if marker == 0xFF else 2 + max(2, int.from_bytes(raw[at + 2 : at + 4]))
    return None


def _own(image: Any) -> _Bytes:
    result: _Bytes = np.asarray(image, np.uint8)
    return result
