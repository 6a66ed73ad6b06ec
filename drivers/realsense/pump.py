"""The thread that waits for the SDK, so that whoever reads never waits longer than he said."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from yibao_face.drivers.api import (
    ClipError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DeviceStalledError,
)
from yibao_face.drivers.realsense.frameset import Exposure
from yibao_face.drivers.realsense.sdk import told
from yibao_face.drivers.realsense.session import Session, Source

# Three waits of a second in vain: streams are started anew, once. Those that then stay silent, or
# an SDK that hangs while it stops them, are told by the second limit.
RESTART_S = 3.0
STALLED_S = 8.0
_WAIT_MS = 200
# In vain, before a recording counts as through: what was read may still be on its way.
_LAST_WAITS = 5
_FIRST_WAITS = 15
_STOP_S = 2.0


class Pump:
    """Holds the newest exposure of ``source``; of a recording each, in its pace, until taken.

    ``session``: the run of the pipeline; another one once streams were started anew.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.session = source.start()
        self._change = threading.Condition()
        self._held: tuple[Session, Exposure] | None = None
        self._fault: DeviceError | None = None
        self._quiet_from_s = time.monotonic()
        self._ahead_s: float | None = None
        self._gave = False
        self._thread = threading.Thread(target=self._run, name="realsense", daemon=True)
        self._thread.start()

    def take(self, timeout_s: float) -> tuple[Session, Exposure] | None:
        """The next exposure and its run; ``None`` after ``timeout_s``; raises what went wrong."""
        with self._change:
            self._change.wait_for(lambda: self._held or self._fault, timeout_s)
            if self._fault is None and self._held is None and self._quiet_s() > STALLED_S:
                self._fault = DeviceStalledError(f"{self._source.uri} gives no frames any more")
            if self._fault is not None:
                raise self._fault
            taken, self._held = self._held, None
            if taken is not None:
                self._quiet_from_s = time.monotonic()
                self._change.notify_all()
            return taken

    def fail(self, fault: DeviceError) -> None:
        """Let every ``take`` raise ``fault``, at once; the first fault stays."""
        with self._change:
            self._fault = self._fault or fault
            self._change.notify_all()

    def close(self) -> None:
        """End the streams; what the SDK does not end within 2 s is left to the process."""
        self.fail(DeviceLostError(f"{self._source.uri} is closed"))
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        try:
            with told(self._source.uri, DeviceLostError):
                self._pump()
        except DeviceError as exc:
            self.fail(exc)
        finally:
            self._halt()

    def _pump(self) -> None:
        restarted, in_vain = False, 0
        while self._fault is None:
            came, frames = self.session.pipeline.try_wait_for_frames(_WAIT_MS)
            # Of what is paused nothing can be awaited, nor at once when it goes on.
            in_vain = 0 if came or self._is_paused() else in_vain + 1
            if came:
                restarted = not self._give(frames) and restarted
            elif self._has_ended(in_vain):
                self._end_recording()
            elif self._quiet_s() > RESTART_S and not restarted:
                restarted = True
                self._restart()

    def _give(self, frames: object) -> bool:
        """Hold what is new in ``frames``; whether anything was."""
        exposure = self.session.sieve.take(frames, time.monotonic_ns())
        if exposure is None:
            return False
        if self._source.recorded:
            self._wait_until_due(exposure.device_us / 1e6)
            self._wait_until_taken()
            exposure = replace(exposure, at_ns=time.monotonic_ns())
        with self._change:
            self._gave = True
            self._held = (self.session, exposure)
            self._quiet_from_s = time.monotonic()
            self._change.notify_all()
        return True

    def _end_recording(self) -> NoReturn:
        self._wait_until_taken()
        if not self._gave:
            # The SDK passes over what it cannot decode.
            raise ClipError(f"{self._source.uri} holds no readable frame")
        raise DeviceLostError(f"{self._source.uri} has ended")

    def _has_ended(self, in_vain: int) -> bool:
        """Not asked whether it has stopped: the SDK does not always come to say so."""
        return self._source.recorded and in_vain >= (_LAST_WAITS if self._gave else _FIRST_WAITS)

    def _is_paused(self) -> bool:
        if not self._source.recorded:
            return False
        status: str = self.session.device.as_playback().current_status().name
        return status == "paused"

    def _wait_until_due(self, device_s: float) -> None:
        """By the recording's own clock; meanwhile it is not its camera that is silent."""
        now_s = time.monotonic()
        if self._ahead_s is None:
            self._ahead_s = device_s - now_s
        self._quiet_from_s = math.inf
        with self._change:
            self._change.wait_for(lambda: self._fault, max(0.0, device_s - self._ahead_s - now_s))

    def _wait_until_taken(self) -> None:
        with self._change:
            self._change.wait_for(lambda: self._held is None or self._fault)

    def _restart(self) -> None:
        self.session.pipeline.stop()
        self._ahead_s = None
        try:
            self.session = self._source.start()
        except DeviceMissingError as exc:
            raise DeviceLostError(f"{self._source.uri} went away") from exc

    def _quiet_s(self) -> float:
        return time.monotonic() - self._quiet_from_s

    def _halt(self) -> None:
        # A pipeline whose camera went away, or which could not be started again, objects.
        for end in (self.session.pipeline.stop, self._source.end):
            with suppress(RuntimeError):
                end()
