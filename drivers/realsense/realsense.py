"""RealSense cameras: ``realsense:SERIAL``, ``realsense:`` for the first one, and recordings.

``realsense:file=/path/to/clip.db3`` plays what the SDK recorded, once, in its own pace; its frames
carry ``RECORDED``. Written for D4xx: colour, depth and the left IR image.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Self

from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    DeviceError,
    DeviceLostError,
    DeviceUnsupportedError,
    Frame,
)
from yibao_face.drivers.driver import Driver, Settings
from yibao_face.drivers.optics.settle import WarmUp
from yibao_face.drivers.realsense.frameset import Exposure
from yibao_face.drivers.realsense.planes import Planes
from yibao_face.drivers.realsense.pump import Pump
from yibao_face.drivers.realsense.sdk import describe, load, told
from yibao_face.drivers.realsense.session import FILE, FileSource, LiveSource, Session, Source

_SEEN = Capability.RGB | Capability.DEPTH


def open_realsense(rest: str, settings: Settings) -> RealSenseCamera:
    """Open by serial, empty for the first, or ``file=`` and a path; see ``Driver.open``.

    Raises ``DeviceMissingError``, ``DeviceBusyError``, ``DevicePermissionError``, ``ClipError``,
    and ``DeviceUnsupportedError`` without the SDK or a mode both ends can.
    """
    sdk = load(f"realsense:{rest}")
    return open_in(sdk, sdk.context(), rest, settings)


def open_in(sdk: Any, context: Any, rest: str, settings: Settings) -> RealSenseCamera:
    """As ``open_realsense``, among the devices of a ``context`` of the SDK."""
    path = rest.removeprefix(FILE)
    source: Source = LiveSource(sdk, context, rest, settings)
    if path != rest:
        source = FileSource(sdk, context, Path(path))
    return RealSenseCamera(sdk, context, source)


def discover_realsense(settings: Settings) -> list[CameraInfo]:
    """Cameras plugged in now; none is opened, so IR is promised although USB 2 has no room."""
    del settings
    try:
        sdk = load("realsense:")
    except DeviceUnsupportedError:
        return []
    with told("realsense:", DeviceUnsupportedError):
        devices: list[Any] = list(sdk.context().query_devices())
        return [describe(sdk, device, "", _SEEN | Capability.IR) for device in devices]


class RealSenseCamera:
    """See ``Camera``. All planes are registered to the colour image (``planes``)."""

    def __init__(self, sdk: Any, context: Any, source: Source) -> None:
        self._uri, self._context = source.uri, context
        self._recorded = source.recorded
        self._pump = Pump(source)
        self._run: Session | None = None
        self._warm_up = WarmUp()
        self._seq = 0
        try:
            with told(self._uri, DeviceLostError):
                self._info = self._described(sdk)
        except DeviceError:
            self._pump.close()
            raise
        context.set_devices_changed_callback(self._changed)

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``; on USB 2 without ``IR``, and ``device_name`` ends ``USB 2.x``."""
        return self._info

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``; ``DeviceStalledError`` where starting anew did not help.

        Up to 15 frames or 0.5 s after a start are not given, until exposure has settled; of a
        recording every frame is.
        """
        until = time.monotonic() + timeout_s
        while got := self._pump.take(max(0.0, until - time.monotonic())):
            session, exposure = got
            with told(self._uri, DeviceLostError):
                planes = session.registration.planes(exposure.frames)
            if self._is_settled(session, planes, exposure):
                self._seq += 1
                return self._frame(session, planes, exposure)
        return None

    def close(self) -> None:
        """See ``Camera.close``."""
        # The context would keep this object, and this object the context.
        self._context.set_devices_changed_callback(_ignore)
        self._pump.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _frame(self, session: Session, planes: Planes, exposure: Exposure) -> Frame:
        return Frame(
            self._seq,
            exposure.at_ns,
            exposure.device_us,
            planes.bgr,
            planes.depth_mm,
            planes.ir,
            session.registration.intrinsics,
            skew_us=exposure.skew_us,
            ir_lit=session.always_lit if exposure.lit is None else exposure.lit,
        )

    def _is_settled(self, session: Session, planes: Planes, exposure: Exposure) -> bool:
        if self._recorded:
            return True
        if session is not self._run:
            self._run, self._warm_up = session, WarmUp()
        return self._warm_up.is_over(planes.bgr, exposure.at_ns / 1e9)

    def _described(self, sdk: Any) -> CameraInfo:
        session = self._pump.session
        flags = _SEEN | (Capability.IR if session.infrared else Capability.NONE)
        flags |= Capability.RECORDED if self._recorded else Capability.NONE
        uri = self._uri if self._recorded else ""
        return describe(sdk, session.device, uri, flags)

    def _changed(self, change: Any) -> None:
        """Called by a thread of the SDK when a camera came or went."""
        if change.was_removed(self._pump.session.device):
            self._pump.fail(DeviceLostError(f"{self._uri} was unplugged"))


def _ignore(change: Any) -> None:
    del change


DRIVER = Driver(
    "realsense", open_realsense, discover_realsense, isolated=True, package="pyrealsense2"
)
