"""From the SDK's framesets to planes registered to the colour image.

Depth is aligned to colour by the SDK (``rs.align``); it does not touch IR when it aligns to
colour. The left IR image of a D400 shares its view with depth, so each colour pixel finds its IR
pixel through its depth (``register.InfraredRegistration``): all planes are one view, and the
camera is not ``PAIRED``, which would leave to the reader what depth answers here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from yibao_face.drivers.api import (
    ColourImage,
    DepthImage,
    DeviceUnsupportedError,
    InfraredImage,
    Intrinsics,
)
from yibao_face.drivers.optics.register import (
    InfraredRegistration,
    Pose,
    Undistortion,
    millimetres,
)

_STRAIGHTEN_EVERY_PX = 8
# Which IR camera of a stereo pair: depth has the view of the left one.
_LEFT = 1
_TO_BGR = {"bgr8": None, "rgb8": cv2.COLOR_RGB2BGR, "yuyv": cv2.COLOR_YUV2BGR_YUYV}


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """The planes of a ``Frame``; ``ir`` is ``None`` where the stream was not opened."""

    bgr: ColourImage
    depth_mm: DepthImage
    ir: InfraredImage | None


@dataclass(frozen=True, slots=True)
class Streams:
    """Stream profiles of the SDK, as a running pipeline has them."""

    depth: Any
    colour: Any
    infrared: Any | None

    @classmethod
    def of(cls, sdk: Any, profile: Any, uri: str) -> Streams:
        """Those of a pipeline's ``profile``; ``DeviceUnsupportedError``: one lacks or is odd."""
        found = {(s.stream_type(), s.stream_index()): s for s in profile.get_streams()}
        chosen = (
            _known(found.get((sdk.stream.depth, 0)), ("z16",), uri),
            _known(found.get((sdk.stream.color, 0)), tuple(_TO_BGR), uri),
            _known(found.get((sdk.stream.infrared, _LEFT)), ("y8",), uri),
        )
        if chosen[0] is None or chosen[1] is None:
            raise DeviceUnsupportedError(f"{uri}: depth or colour is not among its streams")
        return cls(*chosen)


def _known(stream: Any, formats: tuple[str, ...], uri: str) -> Any:
    if stream is None:
        return None
    if stream.format().name not in formats:
        raise DeviceUnsupportedError(f"{uri}: {stream.stream_name()} is {stream.format().name}")
    return stream.as_video_stream_profile()


class Registration:
    """Makes planes of framesets; one per run of a pipeline, whose lenses do not change."""

    def __init__(self, sdk: Any, streams: Streams) -> None:
        lens: Any = streams.colour.get_intrinsics()
        self.intrinsics = _pinhole(lens)
        self._to_bgr = _TO_BGR[streams.colour.format().name]
        self._align = None if _same_view(streams) else sdk.align(sdk.stream.color)
        self._straight = _undistortion(sdk, lens)
        self._infrared = _infrared(self.intrinsics, streams)

    def planes(self, frames: Any) -> Planes:
        """Copies of the planes of a frameset that has every stream."""
        colour: Any = np.asanyarray(frames.get_color_frame().get_data())
        bgr = _bgr(colour, self._to_bgr)
        depth_mm = self._depth_mm(frames)
        if self._straight is not None:
            bgr, depth_mm = self._straight.smooth(bgr), self._straight.nearest(depth_mm)
        if self._infrared is None:
            return Planes(bgr, depth_mm, None)
        ir = np.asanyarray(frames.get_infrared_frame(_LEFT).get_data())
        return Planes(bgr, depth_mm, self._infrared(ir, depth_mm))

    def _depth_mm(self, frames: Any) -> DepthImage:
        aligned: Any = frames if self._align is None else self._align.process(frames)
        depth: Any = aligned.get_depth_frame()
        return millimetres(np.asanyarray(depth.get_data()), depth.get_units())


def _bgr(colour: Any, conversion: int | None) -> ColourImage:
    if conversion is None:
        return np.array(colour, np.uint8)
    return np.asarray(cv2.cvtColor(colour, conversion), np.uint8)


def _pinhole(lens: Any) -> Intrinsics:
    return Intrinsics(lens.width, lens.height, lens.fx, lens.fy, lens.ppx, lens.ppy)


def _same_view(streams: Streams) -> bool:
    """Whether depth is made in the view of colour, as in the D405: alignment would blur it."""
    depth, colour = streams.depth.get_intrinsics(), streams.colour.get_intrinsics()
    pose: Any = streams.depth.get_extrinsics_to(streams.colour)
    unmoved = np.array_equal(pose.rotation, np.eye(3).ravel()) and not any(pose.translation)
    return unmoved and not any(colour.coeffs) and _pinhole(depth) == _pinhole(colour)


def _infrared(colour: Intrinsics, streams: Streams) -> InfraredRegistration | None:
    if streams.infrared is None:
        return None
    pose: Any = streams.colour.get_extrinsics_to(streams.infrared)
    # The SDK writes rotations column by column, shifts in metres.
    rotation = np.array(pose.rotation, np.float32).reshape(3, 3).T
    shift_mm = np.array(pose.translation, np.float32) * 1000.0
    infrared = _pinhole(streams.infrared.get_intrinsics())
    return InfraredRegistration(colour, infrared, Pose(rotation, shift_mm))


def _undistortion(sdk: Any, lens: Any) -> Undistortion | None:
    """By the SDK's own model of ``lens``, at a coarse grid: distortion is smooth."""
    if lens.model == sdk.distortion.none or not any(lens.coeffs):
        return None
    step = _STRAIGHTEN_EVERY_PX
    rows, columns = range(0, lens.height + step, step), range(0, lens.width + step, step)
    grid = np.array([[_bent(sdk, lens, x, y) for x in columns] for y in rows], np.float32)
    width, height = int(lens.width), int(lens.height)
    x, y = np.meshgrid(
        np.arange(width, dtype=np.float32) / step, np.arange(height, dtype=np.float32) / step
    )
    u, v = (cv2.remap(grid[..., axis], x, y, cv2.INTER_LINEAR) for axis in (0, 1))
    return Undistortion(np.asarray(u, np.float32), np.asarray(v, np.float32))


def _bent(sdk: Any, lens: Any, x: int, y: int) -> list[float]:
    ray = [(x - lens.ppx) / lens.fx, (y - lens.ppy) / lens.fy, 1.0]
    found: list[float] = sdk.rs2_project_point_to_pixel(lens, ray)
    return found
