"""Cameras of a Windows machine through DirectShow, named by their number.

OpenCV tells no errors apart, may block for ever, and has the only DirectShow code at hand: it runs
in a thread that is watched. Media Foundation is not used: it scales behind our back.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import cv2
import numpy as np

from yibao_face.drivers.api import (
    DeviceConfigError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DeviceStalledError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.uvc.mode import Mode
from yibao_face.drivers.uvc.source import COLOUR, Identity, Kind, Seen

_OPEN_S = 5.0
# DirectShow says "no picture" at once when a camera is gone, and now and then when it is not.
_SILENT_IN_A_ROW = 25
_MOST_CAMERAS = 32


def open_source(rest: str, uri: str, kind: Kind, settings: Settings) -> ShowSource:
    """The camera with number ``rest``; see ``Source``."""
    if not rest.isdecimal() or int(rest) >= _MOST_CAMERAS:
        raise DeviceConfigError(f"{uri}: on Windows a camera is named by its number, from 0")
    return ShowSource(int(rest), uri, kind, settings)


def infrared_beside(rest: str, uri: str) -> str:
    """DirectShow does not tell which cameras share a device."""
    raise DeviceConfigError(f"{uri}: on Windows the infrared camera beside {rest} must be named")


class ShowSource:
    """See ``Source``."""

    def __init__(self, number: int, uri: str, kind: Kind, settings: Settings) -> None:
        self._number, self._uri, self._kind, self._settings = number, uri, kind, settings
        self._news = threading.Condition()
        self._latest: Seen | None = None
        self._mode: Mode | None = None
        self._lost: DeviceError | None = None
        self._thread = threading.Thread(target=self._run, name="dshow", daemon=True)

    @property
    def identity(self) -> Identity:
        """Its number: DirectShow through OpenCV tells nothing else."""
        return Identity(str(self._number), "dshow")

    @property
    def mode(self) -> Mode:
        """See ``Source.mode``; of the first picture, so only after ``start``."""
        assert self._mode is not None  # noqa: S101  # start saw a picture or raised
        return self._mode

    def start(self) -> None:
        """See ``Source.start``; waits for the first picture."""
        self._thread.start()
        with self._news:
            self._news.wait_for(lambda: self._lost or self._latest, _OPEN_S)
            if self._lost is None and self._latest is None:
                self._lost = DeviceStalledError(f"{self._uri} sent nothing for {_OPEN_S:g} s")
            if self._lost is not None:
                raise self._lost.with_traceback(None)

    def step_down(self) -> bool:
        """DirectShow chooses for itself."""
        return False

    def next(self, timeout_s: float) -> Seen | None:
        """See ``Source.next``."""
        with self._news:
            self._news.wait_for(lambda: self._lost or self._latest, max(0.0, timeout_s))
            if self._lost is not None:
                raise self._lost.with_traceback(None)
            seen, self._latest = self._latest, None
            return seen

    def close(self) -> None:
        """See ``Source.close``; a call of OpenCV that hangs is left behind in its thread."""
        self._lose(DeviceLostError(f"{self._uri} is closed"))
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def _lose(self, error: DeviceError) -> None:
        with self._news:
            self._lost = self._lost or error
            self._news.notify_all()

    def _run(self) -> None:
        capture = cv2.VideoCapture(self._number, cv2.CAP_DSHOW)
        try:
            if not capture.isOpened():
                self._lose(DeviceMissingError(f"{self._uri} is not there, or another program's"))
                return
            self._ask(capture)
            self._watch(capture)
        except cv2.error as exc:
            self._lose(DeviceLostError(f"{self._uri}: {exc}"))
        finally:
            capture.release()

    def _ask(self, capture: Any) -> None:
        # In this order: DirectShow forgets the size when the format changes after it.
        if self._kind is COLOUR:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._settings.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._settings.height)
        capture.set(cv2.CAP_PROP_FPS, self._settings.fps)

    def _watch(self, capture: Any) -> None:
        silent = 0
        while self._lost is None and silent < _SILENT_IN_A_ROW:
            ok, picture = capture.read()
            if ok:
                silent = 0
                self._show(np.asarray(picture, np.uint8))
            else:
                silent += 1
        self._lose(DeviceLostError(f"{self._uri} is gone"))

    def _show(self, picture: Any) -> None:
        height, width = picture.shape[:2]
        mode = Mode("BGR3", width, height, float(self._settings.fps))
        if self._mode is not None and self._mode != mode:
            self._lose(DeviceUnsupportedError(f"{self._uri} went from {self._mode} to {mode}"))
            return
        own = picture if self._kind is COLOUR else picture[..., 1]
        seen = Seen(time.monotonic_ns(), np.array(own, order="C"), mode)
        with self._news:
            self._mode, self._latest = mode, seen
            self._news.notify_all()
