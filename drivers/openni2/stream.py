"""One sensor of an open device, set up and running."""

from __future__ import annotations

import time
from contextlib import ExitStack

from yibao_face.drivers.api import DeviceLostError, Intrinsics
from yibao_face.drivers.openni2 import lens
from yibao_face.drivers.openni2.inbox import Inbox
from yibao_face.drivers.openni2.library import abi
from yibao_face.drivers.openni2.library.sdk import DeviceHandle, Mode, RawFrame, Sdk, StreamHandle
from yibao_face.drivers.openni2.pairing import Exposure
from yibao_face.drivers.openni2.planes import MisshapenError, plane

# Of infrared images whose stream tells no largest value: that of the Astra's imager.
_IR_BITS = 10


class Stream:
    """A stream in ``mode``; ``None``: in the one it has. ``SdkError`` where it is refused."""

    def __init__(self, sdk: Sdk, device: DeviceHandle, sensor: int, mode: Mode | None) -> None:
        self.sensor = sensor
        self._sdk = sdk
        self._undo = ExitStack()
        with ExitStack() as undo:
            self.handle: StreamHandle = sdk.create(device, sensor)
            undo.callback(sdk.destroy, self.handle)
            if mode is not None:
                sdk.set_mode(self.handle, mode)
            self.mode = sdk.mode(self.handle)
            sdk.set_number(self.handle, abi.STREAM_MIRRORING, 0)
            # Some take no such order; their images are turned here.
            self._mirrored = bool(sdk.number(self.handle, abi.STREAM_MIRRORING))
            self._ir_bits = self._bits()
            self._undo = undo.pop_all()

    def lens(self, fov_deg: float) -> Intrinsics:
        """Pinhole of the stream's image; ``fov_deg``: horizontal, where it does not tell."""
        across = self._sdk.number(self.handle, abi.STREAM_HORIZONTAL_FOV, "float")
        down = self._sdk.number(self.handle, abi.STREAM_VERTICAL_FOV, "float")
        return lens.intrinsics(self.mode.width, self.mode.height, across, down, fov_deg)

    def start(self, inbox: Inbox, uri: str) -> None:
        """Let planes arrive in ``inbox``; a misshapen frame is the loss of the camera."""

        def take(raw: RawFrame) -> None:
            at_ns = time.monotonic_ns()
            try:
                image = plane(raw, self.mode, self._ir_bits, self._mirrored)
            except MisshapenError as exc:
                # Opening it again sets its modes anew.
                inbox.fail(DeviceLostError(f"{uri} sends what it did not promise: {exc}"))
                return
            except Exception as exc:  # noqa: BLE001  # or the thread ends and all reads starve
                inbox.fail(DeviceLostError(f"{uri} sends what cannot be read: {exc}"))
                return
            inbox.put(self.sensor, Exposure(image, raw.timestamp_us, at_ns))

        silence = self._sdk.on_frame(self.handle, take)
        self._sdk.start(self.handle)
        self._undo.callback(self._sdk.stop, self.handle)
        self._undo.callback(silence)

    def close(self) -> None:
        """Stop and end the stream."""
        self._undo.close()

    def _bits(self) -> int:
        largest = self._sdk.number(self.handle, abi.STREAM_MAX_VALUE)
        return int(largest).bit_length() if largest and self.sensor == abi.IR else _IR_BITS
