"""Recordings (.db3) as the RealSense SDK writes them, of a camera that is software: no face."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyrealsense2

rs: Any = pyrealsense2

FPS = 30
SERIAL = "SYN0001"
# No two alike: what is mixed up shows.
DEPTH_LENS = (300.0, 301.0, 160.0, 120.0)
COLOUR_LENS = (307.5, 308.5, 161.0, 119.0)
COLOUR_IN_DEPTH_M = (0.015, 0.0, 0.0)
NO_DISTORTION = (0.0, 0.0, 0.0, 0.0, 0.0)
_STARTED_MS = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One exposure as the sensors see it: depth and IR share a view, colour has its own."""

    depth: npt.NDArray[np.uint16]
    rgb: npt.NDArray[np.uint8]
    ir: npt.NDArray[np.uint8] | None


def noise(count: int, width: int = 320, height: int = 240, infrared: bool = True) -> list[Shot]:
    """A wall at 0.6 m with noise of some mm, noise in the pictures; the same at every call."""
    rng, size = np.random.default_rng(11), (height, width)
    return [
        Shot(
            (600 + rng.integers(0, 4, size)).astype(np.uint16),
            rng.integers(0, 256, (*size, 3), np.uint8),
            rng.integers(0, 256, size, np.uint8) if infrared else None,
        )
        for _ in range(count)
    ]


def write_recording(
    path: Path,
    shots: Sequence[Shot],
    *,
    colour_late_ms: float = 0.0,
    distortion: Sequence[float] = NO_DISTORTION,
    unit_m: float = 0.001,
    registered: bool = False,
    strobe: bool = False,
) -> Path:
    """Write ``shots``, 30 a second from 1 s of the camera's clock on; gives ``path``.

    ``colour_late_ms``: by so much the colour image is exposed later. ``distortion``: of the colour
    lens, Brown-Conrady. ``unit_m``: of one step of depth. ``registered``: colour has the view of
    depth. ``strobe``: the emitter burns in every second exposure, and frames say so.
    """
    height, width = shots[0].depth.shape
    depth = _lens(width, height, DEPTH_LENS, NO_DISTORTION)
    colour = depth if registered else _lens(width, height, COLOUR_LENS, distortion)
    shift_m = (0.0, 0.0, 0.0) if registered else COLOUR_IN_DEPTH_M
    rig = _Rig(path, (depth, colour), shift_m, shots[0].ir is not None, unit_m)
    for number, shot in enumerate(shots):
        if strobe:
            rig.light(on=number % 2 == 1)
        rig.show(number, shot, colour_late_ms)
    rig.close()
    del rig
    gc.collect()  # the SDK ends the file when its last object goes
    return path


class _Rig:
    """A software device on a recorder, its sensors running."""

    def __init__(
        self,
        path: Path,
        lenses: tuple[Any, Any],
        shift_m: tuple[float, float, float],
        infrared: bool,
        unit_m: float,
    ) -> None:
        self._unit_m = unit_m
        self._device = rs.software_device()
        self._device.register_info(rs.camera_info.name, "SYNTH RGBD")
        self._device.register_info(rs.camera_info.serial_number, SERIAL)
        self._device.register_info(rs.camera_info.firmware_version, "5.16.0.1")
        self._stereo = self._device.add_sensor("Stereo Module")
        self._colour = self._device.add_sensor("RGB Camera")
        self._stereo.add_read_only_option(rs.option.depth_units, unit_m)
        near, far = lenses
        self._profiles = {
            "depth": self._stereo.add_video_stream(
                _stream(rs.stream.depth, 0, rs.format.z16, 2, near)
            ),
            "rgb": self._colour.add_video_stream(
                _stream(rs.stream.color, 1, rs.format.rgb8, 3, far)
            ),
        }
        self._profiles["depth"].register_extrinsics_to(self._profiles["rgb"], _moved(shift_m))
        if infrared:
            self._profiles["ir"] = self._stereo.add_video_stream(
                _stream(rs.stream.infrared, 2, rs.format.y8, 1, near, index=1)
            )
            self._profiles["depth"].register_extrinsics_to(
                self._profiles["ir"], _moved((0.0, 0.0, 0.0))
            )
        self._device.create_matcher(rs.matchers.default)
        self._recorder = rs.recorder(str(path), self._device)
        self._syncer = rs.syncer(200)
        self._sensors = list(self._recorder.query_sensors())
        for sensor in self._sensors:
            sensor.open(sensor.get_stream_profiles())
            sensor.start(self._syncer)

    def light(self, *, on: bool) -> None:
        self._stereo.set_metadata(rs.frame_metadata_value.frame_emitter_mode, int(on))

    def show(self, number: int, shot: Shot, colour_late_ms: float) -> None:
        at_ms = _STARTED_MS + number * 1000.0 / FPS
        self._send(self._stereo, "depth", shot.depth, number, at_ms)
        if shot.ir is not None:
            self._send(self._stereo, "ir", shot.ir, number, at_ms)
        self._send(self._colour, "rgb", shot.rgb, number, at_ms + colour_late_ms)
        self._syncer.poll_for_frames()

    def _send(
        self, sensor: Any, stream: str, pixels: npt.NDArray[Any], number: int, at_ms: float
    ) -> None:
        frame = rs.software_video_frame()
        frame.bpp = pixels.nbytes // (pixels.shape[0] * pixels.shape[1])
        frame.stride = pixels.shape[1] * frame.bpp
        frame.timestamp = at_ms
        frame.domain = rs.timestamp_domain.hardware_clock
        frame.frame_number = number
        frame.profile = self._profiles[stream].as_video_stream_profile()
        frame.pixels = pixels
        if stream == "depth":
            frame.depth_units = self._unit_m
        sensor.on_video_frame(frame)

    def close(self) -> None:
        for sensor in self._sensors:
            sensor.stop()
            sensor.close()


def _lens(
    width: int, height: int, lens: tuple[float, float, float, float], distortion: Sequence[float]
) -> Any:
    found = rs.intrinsics()
    found.width, found.height = width, height
    found.fx, found.fy, found.ppx, found.ppy = lens
    found.model = rs.distortion.brown_conrady
    found.coeffs = list(distortion)
    return found


def _stream(kind: Any, uid: int, layout: Any, bytes_: int, lens: Any, index: int = 0) -> Any:
    stream = rs.video_stream()
    stream.type, stream.index, stream.uid = kind, index, uid
    stream.width, stream.height, stream.fps = lens.width, lens.height, FPS
    stream.bpp, stream.fmt, stream.intrinsics = bytes_, layout, lens
    return stream


def _moved(translation_m: tuple[float, float, float]) -> Any:
    found = rs.extrinsics()
    found.rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1]
    found.translation = list(translation_m)
    return found
