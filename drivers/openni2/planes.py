"""Frames in the library's memory become planes of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.drivers.api import ColourImage, DepthImage, InfraredImage
from yibao_face.drivers.openni2.library import abi
from yibao_face.drivers.openni2.library.sdk import Mode, RawFrame

Plane = npt.NDArray[Any]
_PIXEL_BYTES = {
    abi.DEPTH_1_MM: 2,
    abi.DEPTH_100_UM: 2,
    abi.RGB888: 3,
    abi.YUV422: 2,
    abi.YUYV: 2,
    abi.GRAY8: 1,
    abi.GRAY16: 2,
}
# Formats of each sensor we can read, best first.
FORMATS = {
    abi.DEPTH: (abi.DEPTH_1_MM, abi.DEPTH_100_UM),
    abi.COLOUR: (abi.RGB888, abi.YUV422, abi.YUYV),
    abi.IR: (abi.GRAY16, abi.GRAY8),
}


class MisshapenError(Exception):
    """A frame is not what its stream was set to, or longer than its data."""


def plane(raw: RawFrame, mode: Mode, ir_bits: int, mirrored: bool) -> Plane:
    """The plane of ``raw`` as its stream of ``mode`` promised it: an own copy, not mirrored.

    Depth (height, width) uint16 mm, colour (height, width, 3) uint8 BGR, infrared (height, width)
    uint8 from the highest 8 of ``ir_bits``. Raises ``MisshapenError``.
    """
    pixels = _pixels(raw, mode)
    image = _CONVERT[mode.format](pixels, ir_bits)
    return np.ascontiguousarray(image[:, ::-1]) if mirrored else image


def _pixels(raw: RawFrame, mode: Mode) -> Plane:
    """(height, width, bytes of a pixel) uint8, still in the library's memory."""
    row = mode.width * _PIXEL_BYTES[mode.format]
    told = (raw.width, raw.height, raw.format)
    if told != (mode.width, mode.height, mode.format) or raw.cropped:
        raise MisshapenError(f"a frame of {told} where {mode} was set")
    if raw.stride < row or raw.stride * raw.height > raw.size:
        raise MisshapenError(f"{raw.size} bytes are no {mode.width}x{mode.height} frame")
    rows = np.frombuffer(raw.data, np.uint8, raw.stride * raw.height)
    return rows.reshape(raw.height, raw.stride)[:, :row].reshape(raw.height, mode.width, -1)


def _words(pixels: Plane) -> npt.NDArray[np.uint16]:
    return pixels.copy().view(np.uint16)[:, :, 0]


def _depth_1_mm(pixels: Plane, _bits: int) -> DepthImage:
    return _words(pixels)


def _depth_100_um(pixels: Plane, _bits: int) -> DepthImage:
    """To the nearest millimetre; what has a reading keeps one."""
    tenths = _words(pixels)
    whole = (tenths // 10 + (tenths % 10 >= 5)).astype(np.uint16)  # half of 10
    return np.maximum(whole, (tenths > 0).astype(np.uint16))


def _rgb(pixels: Plane, _bits: int) -> ColourImage:
    return np.ascontiguousarray(pixels[:, :, ::-1])


def _uyvy(pixels: Plane, _bits: int) -> ColourImage:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_YUV2BGR_UYVY), np.uint8)


def _yuyv(pixels: Plane, _bits: int) -> ColourImage:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_YUV2BGR_YUYV), np.uint8)


def _gray8(pixels: Plane, _bits: int) -> InfraredImage:
    return pixels[:, :, 0].copy()


def _gray16(pixels: Plane, bits: int) -> InfraredImage:
    highest: npt.NDArray[np.uint16] = np.right_shift(_words(pixels), max(0, bits - 8))
    return np.minimum(highest, 255).astype(np.uint8)


_CONVERT: dict[int, Callable[[Plane, int], Plane]] = {
    abi.DEPTH_1_MM: _depth_1_mm,
    abi.DEPTH_100_UM: _depth_100_um,
    abi.RGB888: _rgb,
    abi.YUV422: _uyvy,
    abi.YUYV: _yuyv,
    abi.GRAY8: _gray8,
    abi.GRAY16: _gray16,
}
