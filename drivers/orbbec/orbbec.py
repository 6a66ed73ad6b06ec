"""Orbbec cameras: ``orbbec:SERIAL``, ``orbbec:`` for the first one.

Written from the SDK's documentation and its typed interface, and run against the real SDK without
a camera: **no frame of an Orbbec camera has passed through it yet** (docs/limitations.md). Astra,
Astra S, Pro and Mini speak OpenNI and belong to the driver ``openni2``.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Self

from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
    Frame,
)
from yibao_face.drivers.driver import Driver, Settings
from yibao_face.drivers.optics.settle import WarmUp
from yibao_face.drivers.orbbec.planes import Raw, bgr_of, depth_mm_of, ir_of
from yibao_face.drivers.orbbec.sdk import listed, load, told
from yibao_face.drivers.orbbec.streams import Streams, choose

# A pipeline made right after its device was found may fail (pyorbbecsdk issue 209).
_RETRY_S = 6.0
_BACK_OFF_S = (0.2, 0.4, 0.8, 1.6, 3.0)
_STALLED_S = 5.0
_WAIT_MS = 200
_SEEN = Capability.RGB | Capability.DEPTH
_FINAL = (DeviceBusyError, DeviceMissingError, DevicePermissionError, DeviceUnsupportedError)


def open_orbbec(rest: str, settings: Settings) -> OrbbecCamera:
    """Open by serial, empty for the first; see ``Driver.open``. May try for 6 s.

    Raises ``DeviceMissingError`` after one look (about 1 s), ``DeviceUnsupportedError`` without
    the SDK, else what the SDK tells.
    """
    uri = f"orbbec:{rest}"
    sdk = load(uri, settings.runtime)
    until = time.monotonic() + _RETRY_S
    for pause_s in _BACK_OFF_S:
        try:
            return _opened(sdk, uri, rest, settings)
        except _FINAL:
            raise
        except DeviceError:
            if time.monotonic() + pause_s > until:
                raise
            time.sleep(pause_s)
    return _opened(sdk, uri, rest, settings)


def discover_orbbec(settings: Settings) -> list[CameraInfo]:
    """Cameras plugged in now, after one look of about 1 s; none is opened."""
    try:
        sdk = load("orbbec:", settings.runtime)
    except DeviceUnsupportedError:
        return []
    with told(sdk, "orbbec:", DeviceUnsupportedError):
        return listed(sdk.Context().query_devices(), _SEEN | Capability.IR)


def _opened(sdk: Any, uri: str, serial: str, settings: Settings) -> OrbbecCamera:
    with told(sdk, uri, DeviceLostError):
        context: Any = sdk.Context()
        devices: Any = context.query_devices()
        known = listed(devices, _SEEN)
        chosen = next((info for info in known if serial in ("", info.serial)), None)
        if chosen is None:
            there = ", ".join(info.serial for info in known) or "none"
            raise DeviceMissingError(f"{uri} is not there; cameras that are: {there}")
        device: Any = devices.get_device_by_serial_number(chosen.serial)
        _set_up(sdk, device, settings)
        pipeline: Any = sdk.Pipeline(device)
        streams = choose(sdk, pipeline, settings, uri)
        pipeline.enable_frame_sync()
        pipeline.start(streams.config)
        firmware = str(device.get_device_info().get_firmware_version())
    flags = _SEEN | (Capability.IR if streams.infrared else Capability.NONE)
    info = replace(chosen, capability=flags, firmware=firmware)
    return OrbbecCamera(sdk, _Running(context, pipeline, streams), info)


def _set_up(sdk: Any, device: Any, settings: Settings) -> None:
    """Lamp and mains, where the camera has them; exposure stays automatic: its unit varies."""
    wanted = {
        "OB_PROP_LASER_BOOL": ("set_bool_property", settings.emitter),
        "OB_PROP_COLOR_POWER_LINE_FREQUENCY_INT": (
            "set_int_property",
            {50: 1, 60: 2}.get(settings.mains_hz, 0),
        ),
    }
    for name, (setter, value) in wanted.items():
        prop: Any = getattr(sdk.OBPropertyID, name)
        if device.is_property_supported(prop, sdk.OBPermissionType.PERMISSION_WRITE):
            getattr(device, setter)(prop, value)


@dataclass(frozen=True, slots=True, eq=False)
class _Running:
    """Handles of the SDK; the context tells of unplugging as long as somebody holds it."""

    context: Any
    pipeline: Any
    streams: Streams


class OrbbecCamera:
    """See ``Camera``."""

    def __init__(self, sdk: Any, running: _Running, info: CameraInfo) -> None:
        self._sdk, self._info = sdk, info
        self._running: _Running | None = running
        self._lock = threading.Lock()
        self._fault: DeviceError | None = None
        self._seq = 0
        self._last_us = -1
        self._heard_s = time.monotonic()
        self._warm_up = WarmUp()
        running.context.set_device_changed_callback(self._changed)

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        return self._info

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``; ``DeviceStalledError`` after 5 s of silence."""
        until = time.monotonic() + timeout_s
        while True:
            left_ms = min(_WAIT_MS, max(1, round((until - time.monotonic()) * 1000)))
            frame = self._next(left_ms)
            if frame is not None or time.monotonic() >= until:
                return frame

    def close(self) -> None:
        """See ``Camera.close``."""
        self._fault = self._fault or DeviceLostError(f"{self._info.uri} is closed")
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            # A pipeline whose camera has gone objects; there is nothing left to give back.
            with suppress(RuntimeError, self._sdk.OBError):
                running.pipeline.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _next(self, wait_ms: int) -> Frame | None:
        with self._lock, told(self._sdk, self._info.uri, DeviceLostError):
            if self._fault is not None or self._running is None:
                raise self._fault or DeviceLostError(f"{self._info.uri} is closed")
            frames: Any = self._running.pipeline.wait_for_frames(wait_ms)
            now_ns = time.monotonic_ns()
            frame = self._frame(frames, self._running.streams, now_ns) if frames else None
        if frame is not None:
            self._heard_s = now_ns / 1e9
            return frame if self._warm_up.is_over(frame.bgr, self._heard_s) else None
        if now_ns / 1e9 - self._heard_s > _STALLED_S:
            raise DeviceStalledError(f"{self._info.uri} has been silent for {_STALLED_S:.0f} s")
        return None

    def _frame(self, frames: Any, streams: Streams, at_ns: int) -> Frame | None:
        got = exposure(frames, streams, self._info.uri)
        if got is None or got.device_us <= self._last_us:
            return None
        self._last_us = got.device_us
        self._seq += 1
        return replace(got, seq=self._seq, at_ns=at_ns)

    def _changed(self, removed: Any, added: Any) -> None:
        """Called by a thread of the SDK when a camera came or went."""
        del added
        if any(info.serial == self._info.serial for info in listed(removed, _SEEN)):
            self._fault = self._fault or DeviceLostError(f"{self._info.uri} was unplugged")


def exposure(frames: Any, streams: Streams, uri: str) -> Frame | None:
    """A ``FrameSet`` as a frame without number and host time; ``None`` where a plane lacks."""
    colour, depth = frames.get_color_frame(), frames.get_depth_frame()
    infrared: Any = None
    if streams.infrared is not None:
        infrared = frames.get_frame_by_type(streams.ir_frame)
    planes = [colour, depth, *([infrared] if streams.infrared is not None else [])]
    if any(plane is None for plane in planes):
        return None
    times_us = [int(plane.get_timestamp_us()) for plane in planes]
    bgr = bgr_of(Raw.of(colour), uri)
    if streams.align is not None:
        aligned: Any = streams.align.process(frames)
        depth = aligned.as_frame_set().get_depth_frame() if aligned else None
    if bgr is None or depth is None:
        return None
    depth_mm = depth_mm_of(Raw.of(depth), depth.get_depth_scale(), uri)
    ir = None
    if streams.infrared is not None:
        video: Any = infrared.as_video_frame()
        ir = ir_of(Raw.of(video), video.get_pixel_available_bit_size(), uri)
        ir = streams.infrared(ir, depth_mm)
    skew_us = max(times_us) - min(times_us)
    return Frame(0, 0, times_us[1], bgr, depth_mm, ir, streams.intrinsics, skew_us)


DRIVER = Driver("orbbec", open_orbbec, discover_orbbec, isolated=True)
