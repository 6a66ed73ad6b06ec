"""Colour and infrared of one device, each a video node: driver ``uvc-pair``. The uri names the
colour camera as ``uvc`` does; ``Settings.infrared`` the other one where the system cannot tell.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any, Self

from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    DeviceConfigError,
    DeviceError,
    DeviceLostError,
    DeviceUnsupportedError,
    Frame,
)
from yibao_face.drivers.driver import Driver, Settings
from yibao_face.drivers.uvc import system
from yibao_face.drivers.uvc.lens import LensBook
from yibao_face.drivers.uvc.match import Lamp, Matcher
from yibao_face.drivers.uvc.mode import Mode
from yibao_face.drivers.uvc.source import COLOUR, INFRARED, Identity, Seen, Source

_NAME = "uvc-pair"
# How often a reading thread looks whether it is still wanted; close wakes it anyway.
_LOOK_S = 0.2
_CLOSE_S = 2.0


def open_pair(rest: str, settings: Settings | None = None) -> PairCamera:
    """Open and start both cameras; raises ``DeviceError``."""
    chosen = settings or Settings()
    uri = f"{_NAME}:{rest}"
    if not rest:
        raise DeviceConfigError(f"{uri} names no camera")
    book = LensBook(chosen)
    beside = chosen.infrared or system.infrared_beside(rest, uri)
    colour = system.open_source(rest, uri, COLOUR, chosen)
    try:
        infrared = system.open_source(beside, f"{uri} ({beside})", INFRARED, chosen)
    except BaseException:
        colour.close()
        raise
    try:
        _start(colour, infrared)
        _check(colour.mode, infrared.mode, uri, book)
        return PairCamera(colour, infrared, uri, book)
    except BaseException:
        colour.close()
        infrared.close()
        raise


def _start(colour: Source, infrared: Source) -> None:
    """Right after each other: cameras that take their time from the start are then in step."""
    colour.start()
    while True:
        try:
            infrared.start()
            return
        except DeviceUnsupportedError:
            # The colour stream took the room on the bus.
            if not colour.step_down():
                raise


def _check(colour: Mode, infrared: Mode, uri: str, book: LensBook) -> None:
    """Without a calibration the infrared image has no size of its own to be told by."""
    book.colour(colour)
    same = (colour.width, colour.height) == (infrared.width, infrared.height)
    if book.infrared(infrared) is None and not same:
        raise DeviceConfigError(f"{uri}: {colour} and {infrared} need a calibration")


def discover_pair(settings: Settings) -> list[CameraInfo]:
    """Colour cameras with an infrared one beside them; see ``Driver.discover``."""
    found: list[CameraInfo] = []
    for colour in system.colours():
        uri = f"{_NAME}:{colour.rest}"
        try:
            system.infrared_beside(colour.rest, uri, settings.infrared)
        except DeviceError:
            continue
        found.append(_info(colour, uri))
    return found


class PairCamera:
    """See ``Camera``. Owns both streams, each read by a thread of its own."""

    def __init__(self, colour: Source, infrared: Source, uri: str, book: LensBook) -> None:
        self._uri, self._book = uri, book
        self._sources = (colour, infrared)
        self._info = _info(colour.identity, uri)
        self._matcher, self._lamp = Matcher(), Lamp()
        self._news = threading.Condition()
        self._lost: DeviceError | None = None
        self._closed = False
        self._seq = 0
        self._threads = [
            threading.Thread(target=self._run, args=(source, source is infrared), daemon=True)
            for source in self._sources
        ]
        for thread in self._threads:
            thread.start()

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        return self._info

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``; waits for the slower of the two."""
        deadline = time.monotonic() + timeout_s
        with self._news:
            while True:
                if self._lost is not None:
                    raise self._lost.with_traceback(None)
                matched = self._matcher.take()
                if matched is not None:
                    return self._frame(*matched)
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return None
                self._news.wait(left_s)

    def close(self) -> None:
        """See ``Camera.close``."""
        with self._news:
            self._lost = self._lost or DeviceLostError(f"{self._uri} is closed")
            self._news.notify_all()
        for source in self._sources:
            source.close()
        for thread in self._threads:
            thread.join(_CLOSE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _run(self, source: Source, infrared: bool) -> None:  # thread's argument
        while self._lost is None:
            try:
                seen = source.next(_LOOK_S)
            except DeviceError as exc:
                self._lose(exc)
                return
            if seen is None:
                continue
            if infrared:
                seen = replace(seen, lit=self._lamp.lit(seen.picture))
            with self._news:
                self._matcher.add(seen, infrared=infrared)
                self._news.notify_all()

    def _lose(self, error: DeviceError) -> None:
        """One camera gone, the pair is: the other is given free."""
        with self._news:
            self._lost = self._lost or error
            self._news.notify_all()
        for source in self._sources:
            source.close()

    def _frame(self, colour: Seen, infrared: Seen) -> Frame:
        self._seq += 1
        at_ns = max(colour.at_ns, infrared.at_ns)
        return Frame(
            self._seq,
            at_ns,
            at_ns // 1000,
            colour.picture,
            None,
            infrared.picture,
            self._book.colour(colour.mode),
            skew_us=abs(colour.at_ns - infrared.at_ns) // 1000,
            ir_lit=infrared.lit,
            pair=self._book.infrared(infrared.mode),
        )


def _info(of: Identity, uri: str) -> CameraInfo:
    """Two lenses see two views: whether their places are known or not, nothing is registered."""
    return of.info(_NAME, uri, Capability.RGB | Capability.IR | Capability.PAIRED)


DRIVER = Driver(_NAME, open_pair, discover_pair)
