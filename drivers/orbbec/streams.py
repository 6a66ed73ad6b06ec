"""Which streams to ask an Orbbec camera for, and how depth and IR get into the view of colour.

Depth is aligned by the camera where it can (``HW_MODE``), else by the SDK's ``AlignFilter``.
IR shares the view of depth, is aligned by neither, and is looked up through depth as in RealSense.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from yibao_face.drivers.api import DeviceUnsupportedError, Intrinsics
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.optics.register import InfraredRegistration, Pose
from yibao_face.drivers.orbbec.planes import COLOUR, DEPTH, INFRARED

_SURE = (640, 480, 15)
_SIZE = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Streams:
    """``config``: to start a pipeline with. ``align``: the filter depth needs, if any.

    ``infrared``: how to read the IR frame, ``None`` where there is none; ``ir_frame``: its
    ``OBFrameType``.
    """

    config: Any
    intrinsics: Intrinsics
    align: Any | None
    infrared: InfraredRegistration | None
    ir_frame: Any


def choose(sdk: Any, pipeline: Any, settings: Settings, uri: str) -> Streams:
    """The best streams ``pipeline`` has; ``DeviceUnsupportedError`` without colour and depth."""
    colour = _profile(sdk, pipeline, "COLOR_SENSOR", COLOUR, settings)
    if colour is None:
        raise DeviceUnsupportedError(f"{uri}: no colour stream in a format we read")
    by_camera = _depth_in_colour(pipeline.get_d2c_depth_profile_list, colour, sdk)
    depth = by_camera or _profile(sdk, pipeline, "DEPTH_SENSOR", DEPTH, settings)
    if depth is None:
        raise DeviceUnsupportedError(f"{uri}: no depth stream in a format we read")
    config: Any = sdk.Config()
    config.enable_stream(colour)
    config.enable_stream(depth)
    if by_camera is not None:
        config.set_align_mode(sdk.OBAlignMode.HW_MODE)
    config.set_frame_aggregate_output_mode(sdk.OBFrameAggregateOutputMode.FULL_FRAME_REQUIRE)
    infrared, kind = _infrared(sdk, pipeline, settings)
    if infrared is not None:
        config.enable_stream(infrared)
    lens = pinhole(colour.get_intrinsic())
    align = None if by_camera else sdk.AlignFilter(sdk.OBStreamType.COLOR_STREAM)
    return Streams(config, lens, align, _registration(lens, colour, infrared), kind)


def pinhole(lens: Any) -> Intrinsics:
    """An ``OBCameraIntrinsic``; distortion is not taken away (docs/limitations.md)."""
    return Intrinsics(lens.width, lens.height, lens.fx, lens.fy, lens.cx, lens.cy)


def pose_of(extrinsic: Any) -> Pose:
    """An ``OBExtrinsic`` from colour to IR: rotation row by row, shift in mm."""
    rotation = np.array(extrinsic.rot, np.float32).reshape(3, 3)
    return Pose(rotation, np.array(extrinsic.transform, np.float32).reshape(3))


def sizes(settings: Settings) -> list[_SIZE]:
    """Width, height, frames per second in the order to try."""
    asked = (settings.width, settings.height)
    return list(
        dict.fromkeys([(*asked, settings.fps), (*asked, _SURE[2]), (*_SURE[:2], 30), _SURE])
    )


def _profile(
    sdk: Any, pipeline: Any, sensor: str, formats: tuple[str, ...], settings: Settings
) -> Any | None:
    try:
        profiles: Any = pipeline.get_stream_profile_list(getattr(sdk.OBSensorType, sensor))
    except (RuntimeError, sdk.OBError):
        return None  # it has no such sensor
    for width, height, fps in sizes(settings):
        for layout in formats:
            try:
                kind: Any = getattr(sdk.OBFormat, layout)
                return profiles.get_video_stream_profile(width, height, kind, fps)
            except (RuntimeError, sdk.OBError):
                continue  # the SDK says so of a mode that is not in the list
    return None


def _depth_in_colour(list_of: Any, colour: Any, sdk: Any) -> Any | None:
    try:
        profiles: Any = list_of(colour, sdk.OBAlignMode.HW_MODE)
    except (RuntimeError, sdk.OBError):
        return None  # a camera that cannot align
    matching = (
        profiles.get_stream_profile_by_index(n).as_video_stream_profile()
        for n in range(profiles.get_count())
    )
    return next(
        (p for p in matching if p.get_fps() == colour.get_fps() and p.get_format().name in DEPTH),
        None,
    )


def _infrared(sdk: Any, pipeline: Any, settings: Settings) -> tuple[Any | None, Any]:
    for sensor, frame in (("IR_SENSOR", "IR_FRAME"), ("LEFT_IR_SENSOR", "LEFT_IR_FRAME")):
        found = _profile(sdk, pipeline, sensor, INFRARED, settings)
        if found is not None:
            return found, getattr(sdk.OBFrameType, frame)
    return None, None


def _registration(
    lens: Intrinsics, colour: Any, infrared: Any | None
) -> InfraredRegistration | None:
    if infrared is None:
        return None
    pose = pose_of(colour.get_extrinsic_to(infrared))
    return InfraredRegistration(lens, pinhole(infrared.get_intrinsic()), pose)
