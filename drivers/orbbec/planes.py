"""From the SDK's frames to arrays: formats, depth steps, bits of IR. Always copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.drivers.api import (
    ColourImage,
    DepthImage,
    DeviceLostError,
    DeviceUnsupportedError,
    InfraredImage,
)
from yibao_face.drivers.optics.register import millimetres

COLOUR = ("RGB", "BGR", "YUYV", "MJPG")
DEPTH = ("Y16", "Z16")
INFRARED = ("Y8", "Y16")
_TO_BGR = {"RGB": cv2.COLOR_RGB2BGR, "YUYV": cv2.COLOR_YUV2BGR_YUYV}
_EIGHT = 8


@dataclass(frozen=True, slots=True)
class Raw:
    """A video frame: its bytes, size in px, and the name of its ``OBFormat``."""

    data: npt.NDArray[np.uint8]
    width: int
    height: int
    layout: str

    @classmethod
    def of(cls, frame: Any) -> Raw:
        """What a ``VideoFrame`` of the SDK holds, not yet copied."""
        data: npt.NDArray[np.uint8] = np.asanyarray(frame.get_data())
        return cls(data, frame.get_width(), frame.get_height(), frame.get_format().name)

    def shaped(self, kind: type[np.generic], channels: int, uri: str) -> npt.NDArray[Any]:
        """As (height, width, channels); ``DeviceLostError`` where bytes are missing."""
        wanted = self.height * self.width * channels * np.dtype(kind).itemsize
        if self.data.nbytes < wanted:
            raise DeviceLostError(f"{uri}: {self.data.nbytes} bytes of {wanted} in a frame")
        shape = (self.height, self.width, channels)[: 2 if channels == 1 else 3]
        return self.data.reshape(-1)[:wanted].view(kind).reshape(shape)


def bgr_of(raw: Raw, uri: str) -> ColourImage | None:
    """Colour; ``None`` for a JPEG that came damaged: the next one may be whole."""
    if raw.layout == "MJPG":
        image: Any = cv2.imdecode(raw.data, cv2.IMREAD_COLOR)
        return None if image is None else np.asarray(image, np.uint8)
    if raw.layout == "BGR":
        return np.array(raw.shaped(np.uint8, 3, uri), np.uint8)
    if raw.layout not in _TO_BGR:
        raise DeviceUnsupportedError(f"{uri}: colour comes as {raw.layout}")
    channels = 3 if raw.layout == "RGB" else 2
    image = cv2.cvtColor(raw.shaped(np.uint8, channels, uri), _TO_BGR[raw.layout])
    return np.asarray(image, np.uint8)


def depth_mm_of(raw: Raw, scale_mm: float, uri: str) -> DepthImage:
    """Depth; ``scale_mm``: mm of one step, as ``DepthFrame.get_depth_scale`` says."""
    if raw.layout not in DEPTH:
        raise DeviceUnsupportedError(f"{uri}: depth comes as {raw.layout}")
    return millimetres(raw.shaped(np.uint16, 1, uri), scale_mm / 1000.0)


def ir_of(raw: Raw, bits: int, uri: str) -> InfraredImage:
    """IR in eight bits; ``bits``: how many of sixteen are used, as the frame says."""
    if raw.layout == "Y8":
        return np.array(raw.shaped(np.uint8, 1, uri), np.uint8)
    if raw.layout != "Y16":
        raise DeviceUnsupportedError(f"{uri}: IR comes as {raw.layout}")
    wide = raw.shaped(np.uint16, 1, uri) >> max(0, bits - _EIGHT)
    return np.asarray(np.minimum(wide, 255), np.uint8)
