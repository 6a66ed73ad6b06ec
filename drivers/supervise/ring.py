"""The last frames of one opening of a camera, and how many of them were never looked at."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from yibao_face.drivers.api import DeviceError, Frame

_KEPT = 4
_RATE_WINDOW = 31


class Ring:
    """Written by the owner, read by whoever holds a lease. Ends once, with the reason."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frames: deque[Frame] = deque(maxlen=_KEPT)
        self._at_ns: deque[int] = deque(maxlen=_RATE_WINDOW)
        self._read_seq = -1
        self._end: DeviceError | None = None
        self.dropped = 0

    def put(self, frame: Frame) -> None:
        """Add the newest frame; the oldest falls out."""
        with self._changed:
            if len(self._frames) == _KEPT and self._frames[0].seq > self._read_seq:
                self.dropped += 1
            self._frames.append(frame)
            self._at_ns.append(frame.at_ns)
            self._changed.notify_all()

    def end(self, why: DeviceError) -> None:
        """No frame will come any more; the first reason stays."""
        with self._changed:
            self._end = self._end or why
            self._frames.clear()
            self._changed.notify_all()

    def newest(
        self, after_ns: int, timeout_s: float, given_up: Callable[[], bool]
    ) -> Frame | None:
        """The newest frame taken after ``after_ns``, waited for; raises the reason of the end.

        ``None`` too once ``given_up``, asked after every ``wake``.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while self._end is None and not given_up():
                if self._frames and self._frames[-1].at_ns > after_ns:
                    self._read_seq = self._frames[-1].seq
                    return self._frames[-1]
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return None
                self._changed.wait(left_s)
            if self._end is not None:
                raise self._end
            return None

    def wake(self) -> None:
        """Make readers look again whether they still want to wait."""
        with self._changed:
            self._changed.notify_all()

    @property
    def last_ns(self) -> int | None:
        """When the newest frame was taken; ``None`` before the first."""
        return self._at_ns[-1] if self._at_ns else None

    @property
    def fps(self) -> float:
        """Frames per second over the last 31 at most."""
        times = list(self._at_ns)
        span_s = (times[-1] - times[0]) / 1e9 if len(times) > 1 else 0.0
        return (len(times) - 1) / span_s if span_s > 0 else 0.0
