"""OpenNI2 with types: every call of the library the driver makes, and its errors."""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NewType

from yibao_face.drivers.api import DeviceUnsupportedError
from yibao_face.drivers.openni2.library import abi

DeviceHandle = NewType("DeviceHandle", object)
StreamHandle = NewType("StreamHandle", object)
Undo = Callable[[], None]
Listener = Callable[[str, int | None], None]


class SdkError(Exception):
    """The library refused a call; the message is its own text."""


@dataclass(frozen=True, slots=True)
class Found:
    """A device as the library lists it; ``sdk_uri``: until it is unplugged."""

    sdk_uri: str
    vendor: str
    model: str
    usb_id: str


@dataclass(frozen=True, slots=True, order=True)
class Mode:
    """What a stream can be set to; ``format``: ``ONI_PIXEL_FORMAT``."""

    width: int
    height: int
    fps: int
    format: int


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A frame in the library's memory, valid until the function it was given to returns.

    ``data``: a buffer of ``size`` bytes; ``stride``: bytes per row; ``timestamp_us``: the
    device's.
    """

    data: Any
    size: int
    stride: int
    width: int
    height: int
    cropped: bool
    format: int
    timestamp_us: int


@functools.cache
def started(folder: str) -> Sdk:
    """The library of ``folder``, started once and for the life of the process.

    Its shutdown holds a lock its drivers' threads may be waiting for, and then never ends. A
    driver without hot-plug looks for devices only at the start: it needs a new process.
    Raises ``DeviceUnsupportedError`` without a runtime, or one without drivers.
    """
    return Sdk(folder)


class Sdk:
    """The library, started; see ``started``."""

    def __init__(self, folder: str) -> None:
        self._ffi, self._lib = abi.load(folder)
        self._listeners: set[Listener] = set()
        self._listening = threading.Lock()
        self._due: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        # What the library calls must outlive its last call.
        self._handlers: dict[StreamHandle, object] = {}
        if self._lib.oniInitialize(abi.API_VERSION) != abi.OK:
            said = self._said()
            # A failed start counts as one: without this the next would succeed, without drivers.
            self._lib.oniShutdown()
            raise DeviceUnsupportedError(f"openni2: OpenNI2 does not start: {said}")
        self._callbacks = self._listen()
        threading.Thread(target=self._read_what_is_due, name="openni2", daemon=True).start()

    def devices(self) -> list[Found]:
        """Devices that are there, in the library's order."""
        listed, count = self._ffi.new("OniDeviceInfo**"), self._ffi.new("int*")
        self._must(self._lib.oniGetDeviceList(listed, count))
        try:
            return [self._found(listed[0][n]) for n in range(count[0])]
        finally:
            self._lib.oniReleaseDeviceList(listed[0])

    def listen(self, listener: Listener) -> Undo:
        """Call ``listener(sdk_uri, state)`` from the library's threads; ``None``: unplugged."""
        with self._listening:
            self._listeners.add(listener)

        def undo() -> None:
            with self._listening:
                self._listeners.discard(listener)

        return undo

    def open(self, sdk_uri: str) -> DeviceHandle:
        """Open a listed device or a recording's path; ``SdkError`` where it refuses."""
        device = self._ffi.new("void**")
        self._must(self._lib.oniDeviceOpen(sdk_uri.encode(), device))
        return DeviceHandle(device[0])

    def close_device(self, device: DeviceHandle) -> None:
        """Release the device."""
        self._lib.oniDeviceClose(device)

    def identity(self, device: DeviceHandle) -> Found:
        """What the open device says it is."""
        info = self._ffi.new("OniDeviceInfo*")
        self._must(self._lib.oniDeviceGetInfo(device, info))
        return self._found(info[0])

    def text(self, device: DeviceHandle, prop: int) -> str:
        """A text property of a device; empty where it has none."""
        room, size = self._ffi.new("char[256]"), self._ffi.new("int*", 256)
        if self._lib.oniDeviceGetProperty(device, prop, room, size) != abi.OK:
            return ""
        return self._text(room)

    def set_device(self, device: DeviceHandle, prop: int, value: int) -> bool:
        """Set an integer property; whether the device took it."""
        held = self._ffi.new("int*", value)
        return bool(self._lib.oniDeviceSetProperty(device, prop, held, 4) == abi.OK)

    def can_register(self, device: DeviceHandle) -> bool:
        """Whether the device can map its depth onto its colour image."""
        wanted = abi.REGISTERED
        return bool(self._lib.oniDeviceIsImageRegistrationModeSupported(device, wanted))

    def modes(self, device: DeviceHandle, sensor: int) -> list[Mode]:
        """Modes of a sensor; none where the device has no such sensor."""
        info = self._lib.oniDeviceGetSensorInfo(device, sensor)
        if info == self._ffi.NULL:
            return []
        listed = info.pSupportedVideoModes
        return [self._mode(listed[n]) for n in range(info.numSupportedVideoModes)]

    def create(self, device: DeviceHandle, sensor: int) -> StreamHandle:
        """A stream of the sensor, not yet running."""
        stream = self._ffi.new("void**")
        self._must(self._lib.oniDeviceCreateStream(device, sensor, stream))
        return StreamHandle(stream[0])

    def destroy(self, stream: StreamHandle) -> None:
        """End the stream; waits for what it was calling."""
        self._lib.oniStreamDestroy(stream)
        self._handlers.pop(stream, None)

    def start(self, stream: StreamHandle) -> None:
        """Let frames come; ``SdkError`` where the device has no bandwidth for it."""
        self._must(self._lib.oniStreamStart(stream))

    def stop(self, stream: StreamHandle) -> None:
        """Let no more frames come."""
        self._lib.oniStreamStop(stream)

    def set_mode(self, stream: StreamHandle, mode: Mode) -> None:
        """Set the mode; ``SdkError`` where it is refused."""
        numbers = (mode.format, mode.width, mode.height, mode.fps)
        wanted = self._ffi.new("OniVideoMode*", numbers)
        size = self._ffi.sizeof("OniVideoMode")
        self._must(self._lib.oniStreamSetProperty(stream, abi.STREAM_VIDEO_MODE, wanted, size))

    def mode(self, stream: StreamHandle) -> Mode:
        """The mode the stream is in."""
        held = self._ffi.new("OniVideoMode*")
        self._must(self._get(stream, abi.STREAM_VIDEO_MODE, held))
        return self._mode(held[0])

    def number(self, stream: StreamHandle, prop: int, kind: str = "int") -> float | None:
        """A number a stream has as property; ``kind``: its C type. ``None``: it has none."""
        held = self._ffi.new(f"{kind}*")
        return float(held[0]) if self._get(stream, prop, held) == abi.OK else None

    def set_number(self, stream: StreamHandle, prop: int, value: int) -> bool:
        """Set an integer property; whether the stream took it."""
        held = self._ffi.new("int*", value)
        return bool(self._lib.oniStreamSetProperty(stream, prop, held, 4) == abi.OK)

    def on_frame(self, stream: StreamHandle, take: Callable[[RawFrame], None]) -> Undo:
        """Call ``take`` with each new frame, from the thread that reads all streams.

        Undone before the stream is stopped; the stream's end frees what is left.
        """
        reading = threading.Lock()
        over = threading.Event()

        def read() -> None:
            with reading:
                frame = None if over.is_set() else self._next_frame(stream)
                if frame is not None:
                    self._hand_over(frame, take)

        def arrived(_stream: Any, _cookie: Any) -> None:
            self._due.put(read)

        def undo() -> None:
            # Stopping drops the frame a read was promised, which then would wait for ever; the
            # stream's end frees the one that is being copied.
            with reading:
                over.set()

        handler = self._ffi.callback("OniNewFrameCallback", arrived)
        self._handlers[stream] = handler
        handle, nothing = self._ffi.new("void**"), self._ffi.NULL
        register = self._lib.oniStreamRegisterNewFrameCallback
        self._must(register(stream, handler, nothing, handle))
        return undo

    def on_colour(
        self, depth: StreamHandle, colour: StreamHandle, x: int, y: int, z_mm: int
    ) -> tuple[int, int] | None:
        """Pixel of the colour image that sees what depth pixel ``x, y`` sees at ``z_mm``."""
        u, v = self._ffi.new("int*"), self._ffi.new("int*")
        convert = self._lib.oniCoordinateConverterDepthToColor
        if convert(depth, colour, x, y, z_mm, u, v) != abi.OK:
            return None
        return int(u[0]), int(v[0])

    def _listen(self) -> object:
        """Listen to devices; the result must be kept."""

        def connected(_info: Any, _cookie: Any) -> None:
            """Whoever waits for a device opens it anew."""

        def disconnected(info: Any, _cookie: Any) -> None:
            self._tell(self._text(info.uri), None)

        def changed(info: Any, state: int, _cookie: Any) -> None:
            self._tell(self._text(info.uri), state)

        about, of_state = "OniDeviceInfoCallback", "OniDeviceStateCallback"
        kinds = ((about, connected), (about, disconnected), (of_state, changed))
        kept = [self._ffi.callback(kind, function) for kind, function in kinds]
        callbacks = self._ffi.new("OniDeviceCallbacks*", kept)
        handle, nothing = self._ffi.new("void**"), self._ffi.NULL
        self._must(self._lib.oniRegisterDeviceCallbacks(callbacks, nothing, handle))
        return kept

    def _tell(self, sdk_uri: str, state: int | None) -> None:
        with self._listening:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(sdk_uri, state)

    def _read_what_is_due(self) -> None:
        """One thread that never ends: the library keeps an event for each thread that ever waited
        for frames, and crashes when it looks after one that has ended.
        """
        while True:
            self._due.get()()

    def _next_frame(self, stream: StreamHandle) -> Any | None:
        frame, index = self._ffi.new("OniFrame**"), self._ffi.new("int*")
        streams = self._ffi.new("void*[1]", [stream])
        # Reading blocks for ever when the frame this call was for has gone: ask first.
        if self._lib.oniWaitForAnyStream(streams, 1, index, 0) != abi.OK:
            return None
        if self._lib.oniStreamReadFrame(stream, frame) != abi.OK:
            return None
        return frame[0]

    def _hand_over(self, frame: Any, take: Callable[[RawFrame], None]) -> None:
        try:
            take(self._raw(frame))
        finally:
            self._lib.oniFrameRelease(frame)

    def _raw(self, frame: Any) -> RawFrame:
        size = max(0, frame.dataSize)
        return RawFrame(
            self._ffi.buffer(frame.data, size),
            size,
            frame.stride,
            frame.width,
            frame.height,
            bool(frame.croppingEnabled),
            frame.videoMode.pixelFormat,
            frame.timestamp,
        )

    def _get(self, stream: StreamHandle, prop: int, into: Any) -> int:
        size = self._ffi.new("int*", self._ffi.sizeof(self._ffi.typeof(into).item))
        return int(self._lib.oniStreamGetProperty(stream, prop, into, size))

    def _found(self, info: Any) -> Found:
        usb = f"{info.usbVendorId:04x}:{info.usbProductId:04x}"
        uri, vendor, name = (self._text(part) for part in (info.uri, info.vendor, info.name))
        return Found(uri, vendor, name, usb if info.usbVendorId else "")

    def _mode(self, mode: Any) -> Mode:
        return Mode(mode.resolutionX, mode.resolutionY, mode.fps, mode.pixelFormat)

    def _must(self, status: int) -> None:
        if status != abi.OK:
            raise SdkError(self._said() or f"status {status}")

    def _said(self) -> str:
        text = self._ffi.string(self._lib.oniGetExtendedError())
        return " ".join(text.decode("utf-8", "replace").split())

    def _text(self, chars: Any) -> str:
        return str(self._ffi.string(chars).decode("utf-8", "replace"))
