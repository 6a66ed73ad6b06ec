"""The camera live, off until somebody turns it on, and off again by itself; nothing is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import cv2

from yibao_face.daemon.booth.still.plane import picture
from yibao_face.drivers.api import Camera, DeviceError, DeviceStalledError

# Nobody looks any more, or somebody forgot it.
UNSEEN_S = 10.0
LONGEST_S = 300.0
_READ_S = 1.0
_QUALITY, _DOCUMENT_QUALITY = 75, 92


class Live:
    """One preview for all who look. ``open_``: lends the camera. Thread-safe."""

    def __init__(
        self, open_: Callable[[], Camera], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._open, self._now_s = open_, now_s
        self._guard = threading.Lock()
        self._camera: Camera | None = None
        self._since_s = self._seen_s = 0.0
        self.by = ""

    @property
    def is_on(self) -> bool:
        """Whether the camera is lent out to be looked at."""
        return self._camera is not None

    def turn_on(self, by: str) -> None:
        """Begin, for the staff number ``by``; raises ``DeviceError``."""
        with self._guard:
            if self._camera is None:
                self._camera = self._open()
            self.by = by
            self._since_s = self._seen_s = self._now_s()

    def turn_off(self) -> None:
        """Give the camera back."""
        with self._guard:
            self._release()

    def expire(self) -> None:
        """Turn it off where nobody looked for a while, or for too long."""
        now_s = self._now_s()
        over = now_s - self._seen_s >= UNSEEN_S or now_s - self._since_s >= LONGEST_S
        if over and self.is_on:
            self.turn_off()

    def jpeg(self, *, colour_alone: bool = False) -> bytes | None:
        """What it sees now; ``None`` while off. Raises ``DeviceError``, and is off then.

        ``colour_alone``: without the other planes beside it, for a photograph of a document.
        """
        with self._guard:
            if self._camera is None:
                return None
            self._seen_s = self._now_s()
            try:
                frame = self._camera.read(_READ_S)
                if frame is None:
                    raise DeviceStalledError("no frame came")
            except DeviceError:
                self._release()
                raise
        shown = frame.bgr if colour_alone else picture(frame)
        quality = _DOCUMENT_QUALITY if colour_alone else _QUALITY
        _, jpeg = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return jpeg.tobytes()

    def _release(self) -> None:
        if self._camera is not None:
            self._camera.close()
        self._camera, self.by = None, ""
