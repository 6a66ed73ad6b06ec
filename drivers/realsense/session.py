"""A running pipeline of the SDK: on a camera, by the ladder of modes, or on a recording."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from yibao_face.drivers.api import (
    ClipError,
    DeviceMissingError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.realsense.frameset import Sieve
from yibao_face.drivers.realsense.mode import configs, ladder
from yibao_face.drivers.realsense.option import apply, emitter_is_on
from yibao_face.drivers.realsense.planes import Registration, Streams
from yibao_face.drivers.realsense.sdk import detail, told

FILE = "file="
_TABLES = {"topics", "messages"}


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """``device``: the SDK's handle. ``always_lit``: of a lamp that does not alternate."""

    pipeline: Any
    device: Any
    registration: Registration
    sieve: Sieve
    infrared: bool
    always_lit: bool | None


class Source(Protocol):
    """What a pipeline can be started on, again after it was stopped."""

    uri: str
    recorded: bool

    def start(self) -> Session:
        """Raises ``DeviceError``."""
        ...

    def end(self) -> None:
        """Give back what outlives the pipeline."""
        ...


class LiveSource:
    """The camera with ``serial``, empty: the first."""

    recorded = False

    def __init__(self, sdk: Any, context: Any, serial: str, settings: Settings) -> None:
        self.uri = f"realsense:{serial}"
        self._sdk, self._context = sdk, context
        self._serial, self._settings = serial, settings

    def start(self) -> Session:
        """See ``Source.start``."""
        with told(self.uri, DeviceUnsupportedError):
            device = self._found()
            serial = detail(self._sdk, device, "serial_number")
            usb = detail(self._sdk, device, "usb_type_descriptor")
            apply(self._sdk, device, self._settings)
            modes, pipeline = ladder(self._settings, usb), self._sdk.pipeline(self._context)
            wrapper: Any = self._sdk.pipeline_wrapper(pipeline)
            for config in configs(self._sdk, serial, modes):
                if config.can_resolve(wrapper):
                    return _session(self._sdk, pipeline, pipeline.start(config), self.uri)
        tried = ", ".join(map(str, modes))
        raise DeviceUnsupportedError(f"{self.uri}: on USB {usb or '?'} it has none of {tried}")

    def end(self) -> None:
        """See ``Source.end``."""

    def _found(self) -> Any:
        devices = {
            detail(self._sdk, device, "serial_number"): device
            for device in self._context.query_devices()
        }
        if self._serial and self._serial not in devices:
            there = ", ".join(devices) or "none"
            raise DeviceMissingError(f"{self.uri} is not there; cameras that are: {there}")
        if not devices:
            raise DeviceMissingError(f"{self.uri}: no RealSense camera is there")
        return devices[self._serial] if self._serial else next(iter(devices.values()))


class FileSource:
    """A recording (.db3), played from its start, as fast as it is read."""

    recorded = True

    def __init__(self, sdk: Any, context: Any, path: Path) -> None:
        self.uri = f"realsense:{FILE}{path}"
        self._sdk, self._context, self._path = sdk, context, path

    def start(self) -> Session:
        """See ``Source.start``; ``DeviceMissingError``: no such file, ``ClipError``: not ours."""
        inspect(self._path, self.uri)
        with told(self.uri, ClipError):
            config: Any = self._sdk.config()
            config.enable_device_from_file(str(self._path), repeat_playback=False)
            pipeline: Any = self._sdk.pipeline(self._context)
            resolved: Any = config.resolve(self._sdk.pipeline_wrapper(pipeline))
            player: Any = resolved.get_device().as_playback()
            # Before it starts: at its own pace the SDK drops what is not read. Held back until
            # every sensor runs: else the first frames of the last one go missing.
            player.set_real_time(False)
            player.pause()
            profile: Any = pipeline.start(config)
            # It may wait until frames are taken, and nobody does yet.
            threading.Thread(target=player.resume, name="realsense-resume", daemon=True).start()
            return _session(self._sdk, pipeline, profile, self.uri)

    def end(self) -> None:
        """See ``Source.end``: the context would keep the file open."""
        self._context.unload_device(str(self._path))


def _session(sdk: Any, pipeline: Any, profile: Any, uri: str) -> Session:
    try:
        streams, device = Streams.of(sdk, profile, uri), profile.get_device()
        infrared = streams.infrared is not None
        sieve = Sieve(sdk, infrared, round(1e6 / streams.depth.fps()))
        lit = emitter_is_on(sdk, device)
        return Session(pipeline, device, Registration(sdk, streams), sieve, infrared, lit)
    except BaseException:
        pipeline.stop()
        raise


def inspect(path: Path, uri: str) -> None:
    """Raise ``DeviceMissingError`` or ``ClipError`` unless a whole database of messages is there.

    The SDK reads on where a page is broken and calls what is left the recording.
    """
    if not path.is_file():
        raise DeviceMissingError(f"{uri} is not there")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            lacking = _TABLES - {name for (name,) in rows}
            verdict = "" if lacking else str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as exc:
        raise ClipError(f"{uri} is no whole recording: {exc}") from exc
    if verdict != "ok":
        raise ClipError(f"{uri} is no recording: {verdict or f'no {sorted(lacking)}'}")
