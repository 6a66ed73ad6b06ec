"""RTSP cameras by OpenCV's FFmpeg: colour for passive use, the newest frame only."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Self

import cv2

from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    DeviceError,
    DeviceLostError,
    DeviceStalledError,
    DeviceUnsupportedError,
    Frame,
    Intrinsics,
)
from yibao_face.drivers.driver import Driver, Settings
from yibao_face.drivers.network.address import Address, address_of
from yibao_face.drivers.network.describe import require_video

# A key picture may be seconds away; in all, open stays below what the driver host grants.
OPEN_S = 5.0
STALL_S = 6.0
# A thread that FFmpeg holds is left to end by itself, ``STALL_S`` later at the most.
_CLOSE_S = 1.0
_LARGEST_PX = 4096
# Not a second spent on guessing the rate of pictures, which nobody asks for.
_OPTIONS = (
    "rtsp_transport;tcp|allowed_media_types;video|fflags;nobuffer|flags;low_delay|fpsprobesize;0"
)


def open_rtsp(rest: str, settings: Settings) -> RtspCamera:
    """Open ``//[user:password@]host[:port]/path``; ``fov_deg`` and ``credentials`` count.

    Raises what ``require_video`` and ``open_stream`` raise, ``DeviceConfigError`` for another
    form of address.
    """
    address = address_of("rtsp", rest, settings)
    identity = CameraInfo("rtsp", address.shown, "RTSP", "", Capability.RGB)
    return open_stream(address, settings, identity)


def open_stream(address: Address, settings: Settings, identity: CameraInfo) -> RtspCamera:
    """The stream at ``address`` as the camera ``identity``, whose uri is in all messages.

    Raises what ``require_video`` raises; ``DeviceUnsupportedError`` where what comes is no video
    we can decode, ``DeviceStalledError`` where none comes in ``OPEN_S``.
    """
    require_video(address, identity.uri)
    started = time.monotonic()
    capture = _capture(address)
    if not capture.isOpened():
        if time.monotonic() - started >= OPEN_S:
            raise DeviceStalledError(f"{identity.uri} offers video and sends none we can decode")
        # It may have gone, or given its last place away, in between.
        require_video(address, identity.uri)
        raise DeviceUnsupportedError(f"{identity.uri} sends no video we can decode")
    size = (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    width, height = map(int, size)
    if not (0 < width <= _LARGEST_PX and 0 < height <= _LARGEST_PX):
        capture.release()
        raise DeviceUnsupportedError(f"{identity.uri} sends pictures of {width}x{height}")
    return RtspCamera(capture, identity, _lens(width, height, settings.fov_deg))


def _capture(address: Address) -> cv2.VideoCapture:
    # Silent: what FFmpeg prints may hold the url with the password.
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    wanted = {
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: int(OPEN_S * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: int(STALL_S * 1000),
        # FFmpeg's threads each hold a frame back.
        cv2.CAP_PROP_N_THREADS: 1,
    }
    options = [number for pair in wanted.items() for number in pair]
    with _ffmpeg_options():
        return cv2.VideoCapture(address.secret, cv2.CAP_FFMPEG, options)


@contextmanager
def _ffmpeg_options() -> Generator[None]:
    """OpenCV takes FFmpeg's options from the environment only, and for every file it opens."""
    name = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
    before = os.environ.get(name)
    os.environ[name] = _OPTIONS
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _lens(width: int, height: int, fov_deg: float) -> Intrinsics:
    focal = width / 2 / math.tan(math.radians(fov_deg) / 2)
    return Intrinsics(width, height, focal, focal, width / 2, height / 2)


class RtspCamera:
    """See ``Camera``. After ``STALL_S`` of silence raises ``DeviceStalledError``, for ever."""

    def __init__(self, capture: cv2.VideoCapture, identity: CameraInfo, lens: Intrinsics) -> None:
        self._capture, self._info, self._lens = capture, identity, lens
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._fault: DeviceError | None = None
        self._heard_ns = time.monotonic_ns()
        self._seq = 0
        self._reader = threading.Thread(target=self._receive, name="rtsp", daemon=True)
        self._reader.start()

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        return self._info

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame or self._fault, timeout_s)
            silent_s = (time.monotonic_ns() - self._heard_ns) / 1e9
            if self._fault is None and silent_s >= STALL_S:
                self._fault = self._stalled()
            if self._fault is not None:
                # Without those of earlier reads: a traceback grows at every raise.
                raise self._fault.with_traceback(None)
            frame, self._frame = self._frame, None
            return frame

    def close(self) -> None:
        """See ``Camera.close``."""
        with self._changed:
            self._fault = DeviceLostError(f"{self._info.uri} is closed")
            self._frame = None
            self._changed.notify_all()
        self._reader.join(_CLOSE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _receive(self) -> None:
        """The reader's thread: only it touches the capture, which is not safe to share."""
        try:
            while self._fault is None:
                self._take()
        except cv2.error as exc:
            self._end(DeviceLostError(f"{self._info.uri} sent what breaks the decoder: {exc.err}"))
        finally:
            self._capture.release()

    def _take(self) -> None:
        came, image = self._capture.read()
        if not came:
            silent_s = (time.monotonic_ns() - self._heard_ns) / 1e9
            lost = DeviceLostError(f"{self._info.uri} has ended the stream")
            return self._end(self._stalled() if silent_s >= STALL_S else lost)
        at_ns = time.monotonic_ns()
        if image.shape != (self._lens.height, self._lens.width, 3):
            return self._end(DeviceLostError(f"{self._info.uri} changed the size of its pictures"))
        with self._changed:
            self._seq += 1
            # RTP clocks jump when the camera sets its time: only ours rises without fail.
            colour = image.astype("uint8", copy=False)
            self._frame = Frame(self._seq, at_ns, at_ns // 1000, colour, None, None, self._lens)
            self._heard_ns = at_ns
            self._changed.notify_all()
        return None

    def _stalled(self) -> DeviceStalledError:
        return DeviceStalledError(f"{self._info.uri} has sent no picture for {STALL_S:.0f} s")

    def _end(self, fault: DeviceError) -> None:
        with self._changed:
            self._fault = self._fault or fault
            self._frame = None
            self._changed.notify_all()


DRIVER = Driver("rtsp", open_rtsp, isolated=True)
