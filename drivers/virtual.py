"""A camera that plays a script of frames, silences and faults: shipped for tests above it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Self

from yibao_face.drivers.api import CameraInfo, Capability, DeviceLostError, Frame

# A frame is delivered, an error is raised, a number of seconds is silence.
Step = Frame | Exception | float


class VirtualCamera:
    """Plays ``script`` in order, then is lost. Not ``RECORDED`` unless ``capability`` says so."""

    def __init__(
        self,
        script: Sequence[Step],
        capability: Capability = Capability.RGB | Capability.DEPTH | Capability.IR,
    ) -> None:
        self._steps: Iterator[Step] = iter(script)
        self._capability = capability
        self._quiet_until: float | None = None
        self.closed = False

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        return CameraInfo("virtual", "virtual:0", "script", "0", self._capability)

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        if self._quiet_until is not None and not self._outlast(timeout_s):
            return None
        step = next(self._steps, DeviceLostError("virtual:0 script has ended"))
        if isinstance(step, Exception):
            raise step
        if isinstance(step, Frame):
            return step
        self._quiet_until = time.monotonic() + step
        return self.read(timeout_s)

    def close(self) -> None:
        """See ``Camera.close``."""
        self.closed = True
        self._steps = iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _outlast(self, timeout_s: float) -> bool:
        """Sleep through the silence; whether it ended within ``timeout_s``."""
        assert self._quiet_until is not None  # noqa: S101  # the only caller checked
        left_s = self._quiet_until - time.monotonic()
        time.sleep(max(0.0, min(left_s, timeout_s)))
        if left_s > timeout_s:
            return False
        self._quiet_until = None
        return True
