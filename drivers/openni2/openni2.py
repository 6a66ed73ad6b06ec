"""Astra-class cameras and their recordings as cameras.

``openni2:`` takes the first, ``openni2:2bc5/0401`` the first of that kind, ``openni2:<serial>`` or
``openni2:<uri of the library>`` that one, ``openni2:file=<path>`` plays a recording,
over and over. What a recording holds is taken as registered, and as exposed together where its
streams' clocks agree: nothing in it tells, and OpenNI2's recorder lets each begin at 0.
"""

from __future__ import annotations

import atexit
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    ClipError,
    DeviceBusyError,
    DeviceLostError,
    DeviceMissingError,
    DeviceUnsupportedError,
    Frame,
    Intrinsics,
    Pair,
)
from yibao_face.drivers.driver import Driver, Settings
from yibao_face.drivers.openni2 import astra, lens, modes
from yibao_face.drivers.openni2.inbox import Inbox
from yibao_face.drivers.openni2.library import abi, fault, usb
from yibao_face.drivers.openni2.library.sdk import (
    DeviceHandle,
    Found,
    Sdk,
    SdkError,
    Undo,
    started,
)
from yibao_face.drivers.openni2.pairing import skew_us
from yibao_face.drivers.openni2.stream import Stream

_FILE = "file="
_SENSORS = (abi.COLOUR, abi.DEPTH, abi.IR)
_FLAGS = {abi.COLOUR: Capability.RGB, abi.DEPTH: Capability.DEPTH, abi.IR: Capability.IR}
_held: set[str] = set()
_held_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Device:
    """An open device; ``uri``: as we name it."""

    sdk: Sdk
    handle: DeviceHandle
    found: Found
    uri: str

    def text(self, prop: int) -> str:
        told = self.sdk.text(self.handle, prop)
        return told if told.isprintable() else ""


class OpenNI2Camera:
    """An open camera; made by ``open_openni2``."""

    def __init__(
        self, info: CameraInfo, inbox: Inbox, lens_: Intrinsics, pair: Pair | None, undo: ExitStack
    ) -> None:
        self._info, self._inbox, self._lens, self._pair = info, inbox, lens_, pair
        self._undo = undo
        self._closing = threading.Lock()
        self._seq = 0
        # A process that ends while the library's threads deliver frames crashes.
        atexit.register(self.close)

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        return self._info

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        shots = self._inbox.take(timeout_s)
        if shots is None:
            return None
        self._seq += 1
        colour, infrared = shots[abi.COLOUR], shots.get(abi.IR)
        return Frame(
            self._seq,
            min(shot.at_ns for shot in shots.values()),
            colour.device_us,
            colour.plane,
            shots[abi.DEPTH].plane,
            infrared.plane if infrared else None,
            self._lens,
            skew_us(shots.values()),
            pair=self._pair,
        )

    def close(self) -> None:
        """See ``Camera.close``."""
        self._inbox.fail(DeviceLostError(f"{self._info.uri} is closed"))
        with self._closing:
            self._undo.close()
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


def open_openni2(rest: str, settings: Settings) -> OpenNI2Camera:
    """Open a camera or, with ``file=``, a recording: one size, depth registered to colour.

    Infrared is left out where the device cannot send it beside the others, or does not tell where
    its imager is. Raises ``DeviceError``.
    """
    with ExitStack() as undo:
        sdk = started(settings.runtime)
        recorded = rest.startswith(_FILE)
        device = _recording(sdk, rest, undo) if recorded else _device(sdk, rest, undo)
        try:
            return _running(device, settings, undo, recorded=recorded)
        except SdkError as exc:
            if recorded:
                raise ClipError(f"{device.uri} cannot be played: {exc}") from exc
            raise fault.refused(device.uri, device.found.sdk_uri, str(exc)) from exc


def discover_openni2(settings: Settings) -> list[CameraInfo]:
    """See ``Driver.discover``. Opens free devices for a moment: only so they tell a serial."""
    try:
        sdk = started(settings.runtime)
    except DeviceUnsupportedError:
        return []
    ours = [found for found in astra.usable(sdk.devices()) if astra.has_colour(found)]
    return [_listed(sdk, found) for found in ours]


def _listed(sdk: Sdk, found: Found) -> CameraInfo:
    serial = _serial_of(sdk, found)
    return CameraInfo(
        "openni2",
        _lasting_uri(found, serial),
        astra.model_of(found),
        serial,
        Capability.RGB | Capability.DEPTH,
        usb_id=found.usb_id,
        path=usb.socket_of(found.sdk_uri),
        device_name=found.sdk_uri,
    )


def _lasting_uri(found: Found, serial: str) -> str:
    """Names the camera after a replug too, which the library's own uri does not."""
    return f"openni2:{serial or found.usb_id.replace(':', '/')}"


def _serial_of(sdk: Sdk, found: Found) -> str:
    """Empty where another program holds the device."""
    try:
        handle = sdk.open(found.sdk_uri)
    except SdkError:
        return ""
    try:
        return _Device(sdk, handle, found, "").text(abi.DEVICE_SERIAL)
    finally:
        sdk.close_device(handle)


def _device(sdk: Sdk, rest: str, undo: ExitStack) -> _Device:
    found = astra.named(rest, sdk.devices(), lambda one: _serial_of(sdk, one))
    uri = f"openni2:{rest or found.sdk_uri}"
    _claim(uri, found.sdk_uri, undo)
    try:
        handle = sdk.open(found.sdk_uri)
    except SdkError as exc:
        raise fault.refused(uri, found.sdk_uri, str(exc)) from exc
    undo.callback(sdk.close_device, handle)
    return _Device(sdk, handle, found, uri)


def _recording(sdk: Sdk, rest: str, undo: ExitStack) -> _Device:
    path, uri = Path(rest.removeprefix(_FILE)).absolute(), f"openni2:{rest}"
    if not path.is_file():
        raise DeviceMissingError(f"{uri} is not there")
    try:
        handle = sdk.open(str(path))
    except SdkError as exc:
        raise ClipError(f"{uri} is no recording: {exc}") from exc
    undo.callback(sdk.close_device, handle)
    return _Device(sdk, handle, Found(str(path), "", "oni-recording", ""), uri)


def _claim(uri: str, sdk_uri: str, undo: ExitStack) -> None:
    """The library lets one process open a device twice; two owners would take frames by turns."""
    with _held_lock:
        if sdk_uri in _held:
            raise DeviceBusyError(f"{uri} is open in this program already")
        _held.add(sdk_uri)
    undo.callback(_release, sdk_uri)


def _release(sdk_uri: str) -> None:
    with _held_lock:
        _held.discard(sdk_uri)


def _running(
    device: _Device, settings: Settings, undo: ExitStack, *, recorded: bool
) -> OpenNI2Camera:
    """Set up, start, and hand ``undo`` over to the camera."""
    streams = _streams(device, settings, undo, recorded=recorded)
    lens_ = streams[abi.COLOUR].lens(settings.fov_deg)
    pair = None if recorded else _pair(device.sdk, streams, lens_, settings)
    if not recorded:
        _register(device)
        if pair is None:
            _drop(streams)
    inbox = Inbox(loops=recorded)
    undo.callback(_listen(device, inbox))
    _start(device, streams, inbox)
    pair = pair if abi.IR in streams else None
    info = _info(device, streams, paired=pair is not None, recorded=recorded)
    return OpenNI2Camera(info, inbox, lens_, pair, undo.pop_all())


def _streams(
    device: _Device, settings: Settings, undo: ExitStack, *, recorded: bool
) -> dict[int, Stream]:
    """One for each sensor in modes that fit each other; colour and depth at least."""
    offered = {sensor: device.sdk.modes(device.handle, sensor) for sensor in _SENSORS}
    if not offered[abi.COLOUR]:
        raise DeviceUnsupportedError(f"{device.uri}: {astra.no_colour(device.found)}")
    chosen = modes.choose(offered, settings)
    if not chosen:
        raise DeviceUnsupportedError(f"{device.uri}: no size of colour is one of depth: {offered}")
    streams: dict[int, Stream] = {}
    for sensor, mode in chosen.items():
        set_to = None if recorded else mode
        streams[sensor] = Stream(device.sdk, device.handle, sensor, set_to)
        undo.callback(streams[sensor].close)
        if streams[sensor].mode != mode:
            raise DeviceUnsupportedError(
                f"{device.uri} stays in {streams[sensor].mode} when {mode} is set"
            )
    return streams


def _pair(
    sdk: Sdk, streams: dict[int, Stream], colour: Intrinsics, settings: Settings
) -> Pair | None:
    """Depth and infrared come from one imager: where it is, the registration table tells."""
    if abi.IR not in streams:
        return None
    depth, image = streams[abi.DEPTH].handle, streams[abi.COLOUR].handle
    infrared = streams[abi.IR].lens(settings.fov_deg)
    return lens.pair(infrared, colour, lambda x, y, z: sdk.on_colour(depth, image, x, y, z))


def _register(device: _Device) -> None:
    sdk, handle = device.sdk, device.handle
    able = sdk.can_register(handle)
    if not (able and sdk.set_device(handle, abi.DEVICE_REGISTRATION, abi.REGISTERED)):
        raise DeviceUnsupportedError(f"{device.uri} cannot map its depth onto its colour image")


def _drop(streams: dict[int, Stream]) -> None:
    infrared = streams.pop(abi.IR, None)
    if infrared is not None:
        infrared.close()


def _listen(device: _Device, inbox: Inbox) -> Undo:
    uri, sdk_uri = device.uri, device.found.sdk_uri

    def told(which: str, state: int | None) -> None:
        if which != sdk_uri:
            return
        if state is None:
            inbox.fail(DeviceLostError(f"{uri} was unplugged"))
        elif state == abi.STATE_ERROR:
            inbox.fail(DeviceLostError(f"{uri} reports an error of its own"))

    return device.sdk.listen(told)


def _start(device: _Device, streams: dict[int, Stream], inbox: Inbox) -> None:
    """Infrared last: one bus, or one imager, may not carry it beside the others."""
    for sensor in (abi.COLOUR, abi.DEPTH):
        streams[sensor].start(inbox, device.uri)
    try:
        if abi.IR in streams:
            streams[abi.IR].start(inbox, device.uri)
    except SdkError:
        # Told by the capability, which is without infrared.
        _drop(streams)
    fastest = max(stream.mode.fps for stream in streams.values())
    inbox.expect(streams, round(1e6 / max(1, fastest)))


def _info(
    device: _Device, streams: dict[int, Stream], *, paired: bool, recorded: bool
) -> CameraInfo:
    flags = Capability.RECORDED if recorded else Capability.NONE
    flags |= Capability.PAIRED if paired else Capability.NONE
    for sensor in streams:
        flags |= _FLAGS[sensor]
    found, serial = device.found, device.text(abi.DEVICE_SERIAL)
    return CameraInfo(
        "openni2",
        device.uri if recorded else _lasting_uri(found, serial),
        found.model if recorded else astra.model_of(found),
        serial,
        flags,
        device.text(abi.DEVICE_FIRMWARE),
        found.usb_id,
        usb.socket_of(found.sdk_uri),
        found.sdk_uri,
    )


DRIVER = Driver("openni2", open_openni2, discover_openni2, isolated=True)
