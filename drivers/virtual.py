"""A camera that plays a script of frames, silences and faults: shipped for tests above it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Self

from yibao_face.drivers.api import CameraInfo, Capability, DeviceLostError, Frame

# A frame is delivered, an error is raised, a number of seconds is silence.
Step = Frame | Exception | float


class VirtualCamera:
    """Plays ``script`` in order, then is lost. Not ``RECORDED`` unless ``capability`` says so.

    ``identity``: what it says it is, ``capability`` included; for tests of what is told apart.
    ``live``: each frame gets the time of its delivery on both clocks, as if it were seen then.
    """

    def __init__(
        self,
        script: Sequence[Step],
        capability: Capability = Capability.RGB | Capability.DEPTH | Capability.IR,
        identity: CameraInfo | None = None,
        *,
        live: bool = False,
    ) -> None:
        self._steps: Iterator[Step] = iter(script)
        self._info = identity or CameraInfo("virtual", "virtual:0", "script", "0", capability)
        self._live = live
        self._quiet_until = 0.0
        self.closed = False

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        return self._info

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        deadline = time.monotonic() + timeout_s
        while self._outlast(deadline):
            step = next(self._steps, DeviceLostError("virtual:0 script has ended"))
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Frame):
                return _seen_now(step) if self._live else step
            self._quiet_until = time.monotonic() + step
        return None

    def close(self) -> None:
        """See ``Camera.close``."""
        self.closed = True
        self._steps = iter(())
        self._quiet_until = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _outlast(self, deadline: float) -> bool:
        """Sleep through the silence, or to ``deadline``; whether the silence is over."""
        until = min(self._quiet_until, deadline)
        time.sleep(max(0.0, until - time.monotonic()))
        return self._quiet_until <= deadline


def _seen_now(frame: Frame) -> Frame:
    at_ns = time.monotonic_ns()
    return replace(frame, at_ns=at_ns, device_us=at_ns // 1000)
