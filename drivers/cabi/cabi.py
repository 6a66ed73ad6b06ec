"""Cameras behind a vendor's library: ``cabi:<path of the library>[#<device>]``.

``Settings.sha256`` pins the library; left empty, any file of that name is loaded, which is for
trials: whoever may write the file runs code at the counter. What the library loads itself is not
checked; its folder belongs to the administrator.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from yibao_face.drivers.api import (
    CameraInfo,
    DeviceBusyError,
    DeviceConfigError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
    Frame,
)
from yibao_face.drivers.cabi.abi import (
    ABI,
    AbiError,
    Identity,
    Lent,
    Shot,
    ffi,
    read_frame,
    read_info,
)
from yibao_face.drivers.driver import Driver, Settings

_ERRORS: Mapping[int, tuple[type[DeviceError], str]] = {
    -1: (DeviceMissingError, "is not there"),
    -2: (DeviceBusyError, "is held by another program"),
    -3: (DevicePermissionError, "may not be used by this account"),
    -4: (DeviceLostError, "has gone"),
    -5: (DeviceStalledError, "says nothing"),
    -6: (DeviceUnsupportedError, "is not supported"),
    -7: (DeviceConfigError, "cannot be set like that"),
}
_FUNCTIONS = ("abi_version", "open", "grab", "close", "last_error")
_OK, _NO_FRAME, _MISSING, _BUSY, _LOST = 0, 1, -1, -2, -4
# Between the calls of a library that does not wait.
_PAUSE_S = 0.005
_TEXT_BYTES = 256
_MAX_EXPOSURE_US = 10_000_000


def open_cabi(rest: str, settings: Settings) -> CabiCamera:
    """Load the library and open its device.

    ``DeviceConfigError``: no such file, or not the one that was pinned;
    ``DeviceUnsupportedError``: no library of this ABI, or one that does not keep to it; else what
    the library says.
    """
    name, _, device = rest.partition("#")
    uri = f"cabi:{rest}"
    library = _loaded(Path(name), settings.sha256, uri)
    version = library.yibao_camera_abi_version()
    if version != ABI:
        raise DeviceUnsupportedError(f"{uri}: library of ABI {version}, not {ABI}")
    return _opened(library, device, settings, uri)


def _loaded(file: Path, sha256: str, uri: str) -> Any:
    if not file.is_file():
        raise DeviceConfigError(f"{uri}: there is no such library")
    if sha256 and _digest(file) != sha256.lower():
        raise DeviceConfigError(f"{uri}: the library is not the one of sha256 {sha256}")
    try:
        library = ffi.dlopen(str(file.resolve()))
        for function in _FUNCTIONS:
            getattr(library, f"yibao_camera_{function}")
    except (OSError, AttributeError) as exc:
        raise DeviceUnsupportedError(f"{uri}: {exc}") from exc
    return library


def _digest(file: Path) -> str:
    with file.open("rb") as held:
        return hashlib.file_digest(held, "sha256").hexdigest()


def _opened(library: Any, device: str, settings: Settings, uri: str) -> CabiCamera:
    text = ffi.new("char[]", device.encode())
    request, info, camera = (
        _request(settings, text),
        Lent("yibao_camera_info"),
        ffi.new("yibao_camera **"),
    )
    _check(library.yibao_camera_open(request, info.struct, camera), library, ffi.NULL, uri)
    if camera[0] == ffi.NULL:
        raise DeviceUnsupportedError(f"{uri}: the library opened no camera")
    try:
        identity = read_info(info.filled())
    except AbiError as exc:
        library.yibao_camera_close(camera[0])
        raise DeviceUnsupportedError(f"{uri}: the library {_told(exc)}") from exc
    return CabiCamera(library, camera[0], identity, uri)


def _request(settings: Settings, device: Any) -> Any:
    exposure_us = round(min(max(settings.exposure_ms, 0.0) * 1000, _MAX_EXPOSURE_US))
    return ffi.new(
        "yibao_camera_request *",
        {
            "size": ffi.sizeof("yibao_camera_request"),
            "width": settings.width,
            "height": settings.height,
            "fps": settings.fps,
            "mains_hz": settings.mains_hz,
            "exposure_us": exposure_us,
            "emitter": settings.emitter,
            "strobe": settings.strobe,
            "device": device,
        },
    )


def _check(code: int, library: Any, camera: Any, uri: str) -> None:
    """Raise what ``code`` means."""
    if code == _OK:
        return
    if code not in _ERRORS:
        raise DeviceUnsupportedError(f"{uri}: the library returned {code}, no code of the ABI")
    # A camera that was open and is not there has gone.
    kind, meaning = _ERRORS[_LOST if code == _MISSING and camera != ffi.NULL else code]
    said = _last_error(library, camera)
    text = f"{uri} {meaning}" + (f": {said}" if said else "")
    raise DeviceBusyError(text, said) if code == _BUSY else kind(text)


def _last_error(library: Any, camera: Any) -> str:
    """What the library says of it: one line; nothing where it is no text."""
    text = ffi.new("char[]", _TEXT_BYTES)
    library.yibao_camera_last_error(camera, text, _TEXT_BYTES - 1)
    raw = bytes(ffi.buffer(text)).partition(b"\0")[0]
    return " ".join(raw.decode(errors="replace").split())


def _told(error: AbiError) -> str:
    return f"does not keep to the ABI: {error}"


class CabiCamera:
    """See ``Camera``. Frames whose number or time does not rise are dropped."""

    def __init__(self, library: Any, camera: Any, identity: Identity, uri: str) -> None:
        self._library, self._camera, self._identity = library, camera, identity
        self._uri = uri
        self._info = replace(identity.info, driver="cabi", uri=uri)
        self._seq, self._last = 0, (-1, -1)
        self._lost: DeviceError | None = None
        # The library is promised one call at a time.
        self._calling, self._closing = threading.Lock(), threading.Event()

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        return self._info

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        deadline = time.monotonic() + timeout_s
        with self._calling:
            while True:
                if self._lost is not None:
                    raise self._lost
                left_s = max(0.0, deadline - time.monotonic())
                shot = self._grab(left_s)
                if shot is not None:
                    return self._frame(shot)
                left_s = deadline - time.monotonic()
                if left_s <= 0 or self._closing.wait(min(left_s, _PAUSE_S)):
                    return None

    def close(self) -> None:
        """See ``Camera.close``; waits for a read to end."""
        self._closing.set()
        with self._calling:
            self._lost = DeviceLostError(f"{self._uri} is closed")
            if self._camera is not None:
                self._library.yibao_camera_close(self._camera)
                self._camera = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _grab(self, timeout_s: float) -> Shot | None:
        """One call; ``None`` for no frame and for an old one. An error is the camera's last."""
        frame = Lent("yibao_camera_frame")
        code = self._library.yibao_camera_grab(self._camera, round(timeout_s * 1000), frame.struct)
        if code == _NO_FRAME:
            return None
        try:
            _check(code, self._library, self._camera, self._uri)
            shot = read_frame(frame.filled(), self._identity)
        except AbiError as exc:
            self._lost = DeviceLostError(f"{self._uri}: the library {_told(exc)}")
            raise self._lost from exc
        except DeviceError as exc:
            self._lost = exc
            raise
        is_new = shot.number > self._last[0] and shot.device_us > self._last[1]
        return shot if is_new else None

    def _frame(self, shot: Shot) -> Frame:
        self._seq, self._last = self._seq + 1, (shot.number, shot.device_us)
        return Frame(
            self._seq,
            time.monotonic_ns(),
            shot.device_us,
            shot.bgr,
            shot.depth_mm,
            shot.ir,
            self._identity.lens,
            skew_us=shot.skew_us,
            ir_lit=shot.ir_lit,
            pair=self._identity.pair,
        )


DRIVER = Driver("cabi", open_cabi, isolated=True)
