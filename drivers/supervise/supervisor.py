"""The one owner of a camera: a thread that opens it, reads it, and lends out what it sees.

It opens when somebody asks or is about to, keeps it open a while for the next person, opens it
again after every fault, and looks at it now and then when nobody does (S1-05).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Self

from yibao_face.drivers.api import (
    Camera,
    CameraInfo,
    DeviceConfigError,
    DeviceError,
    DeviceLostError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
    Frame,
)
from yibao_face.drivers.optics.settle import WarmUp
from yibao_face.drivers.supervise.condition import FreezeWatch
from yibao_face.drivers.supervise.health import Health, State
from yibao_face.drivers.supervise.outlook import Outlook
from yibao_face.drivers.supervise.ring import Ring

_SLICE_S = 0.25
# No second try within the same call will end otherwise.
_FINAL = (DeviceConfigError, DevicePermissionError, DeviceUnsupportedError)
_PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6)
# Nobody waits: often at first, so that what is plugged in again is there at once; then seldom,
# for looking may cost a child process each time.
_IDLE_PAUSES_S = (1.6, 5.0)
_SELDOM_AFTER = 30


@dataclass(frozen=True, slots=True)
class Patience:
    """``open_s``: how long a lease waits for the camera, faults included. ``silence_s``: how long
    an open one may send nothing, ``freeze_s`` the same picture. ``settle_s``: frames dropped at
    most until the exposure is steady.

    ``idle_s``: kept open after the last lease; negative: always. ``preopen``: opened at the start.
    ``peek_s``: while closed, looked into this often; 0: never.
    """

    open_s: float = 2.5
    silence_s: float = 1.5
    freeze_s: float = 1.0
    settle_s: float = 0.5
    idle_s: float = 120.0
    preopen: bool = True
    peek_s: float = 45.0


class Supervisor:
    """``open_`` opens the camera, in the supervisor's own thread, where ``tell`` is called too.

    ``tell`` hears of every fault and, while the camera runs, every second or two. ``close`` once.
    Thread-safe.
    """

    def __init__(
        self,
        open_: Callable[[], Camera],
        patience: Patience | None = None,
        tell: Callable[[Health], None] | None = None,
    ) -> None:
        self._open, self._patience = open_, patience or Patience()
        self._tell = tell or _nobody
        self._changed = threading.Condition(threading.RLock())
        self._leases = 0
        self._stopped = False
        self._failures = 0
        self._ring: Ring | None = None
        self._fault: DeviceError | None = None
        self._attempts = 0
        self._health = Health()
        now = time.monotonic()
        self._keep_until = now + self._kept_s() if self._patience.preopen else now
        self._peek_at = now
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def lease(self) -> Lease:
        """The camera, to be read from now on; closing it gives it back.

        Raises ``DeviceError`` when it cannot be had within ``open_s``.
        """
        deadline = time.monotonic() + self._patience.open_s
        with self._changed:
            self._leases += 1
            asked = self._attempts
            self._changed.notify_all()
            try:
                return Lease(*self._awaited(deadline, asked), self._give_back)
            except DeviceError:
                self._leases -= 1
                raise

    def prepare(self) -> None:
        """Somebody is about to come: open now."""
        with self._changed:
            self._keep_until = max(self._keep_until, time.monotonic() + self._kept_s())
            self._changed.notify_all()

    def health(self) -> Health:
        """As it is now."""
        with self._changed:
            ring = self._ring
            if ring is None:
                return self._health
            last_ns = ring.last_ns
            age_s = None if last_ns is None else (time.monotonic_ns() - last_ns) / 1e9
            return replace(
                self._health,
                fps=ring.fps,
                last_frame_age_s=age_s,
                dropped=self._health.dropped + ring.dropped,
            )

    def close(self) -> None:
        """Release the camera; leases that are out end as lost."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join(timeout=self._patience.open_s + 1.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _give_back(self) -> None:
        with self._changed:
            self._leases -= 1
            self._keep_until = max(self._keep_until, time.monotonic() + self._kept_s())
            self._changed.notify_all()

    def _awaited(self, deadline: float, asked: int) -> tuple[Ring, CameraInfo]:
        """The stream, once there is one; the last fault when there is none in time."""
        while not self._stopped:
            if self._ring is not None and self._health.info is not None:
                return self._ring, self._health.info
            tried = self._attempts > asked
            if tried and isinstance(self._fault, _FINAL):
                raise self._fault
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise self._fault or DeviceStalledError("the camera does not answer")
            self._changed.wait(left_s)
        raise DeviceLostError("the camera is being released")

    # What follows runs in the owner's thread.

    def _run(self) -> None:
        while self._wait_until_wanted():
            try:
                self._attend()
                self._note(state=State.CLOSED)
            except Exception as exc:  # noqa: BLE001  # a driver's bug must not end the owner
                self._failed(_fault_of(exc))
        self._note(state=State.CLOSED)

    def _wait_until_wanted(self) -> bool:
        """Sleep until the camera is needed; ``False`` when the supervisor is being closed."""
        with self._changed:
            while not self._stopped and not self._is_wanted() and not self._is_peek_due():
                self._changed.wait(self._until_peek_s())
            return not self._stopped

    def _attend(self) -> None:
        """From one opening to its end. Raises what ended it, nothing where nobody needs it."""
        # Until it is open again the last fault still holds.
        self._note(state=State.OPENING)
        with self._open() as camera:
            ring = Ring()
            try:
                self._stream(camera, ring)
            except Exception as exc:
                ring.end(_fault_of(exc))
                raise
            finally:
                ring.end(DeviceLostError(f"{camera.info.uri} was released"))
                self._withdraw(ring)

    def _stream(self, camera: Camera, ring: Ring) -> None:
        outlook = Outlook()
        for frame in self._settled(self._frames(camera, outlook)):
            ring.put(frame)
            if self._ring is None:
                self._offer(ring, camera.info)

    def _frames(self, camera: Camera, outlook: Outlook) -> Iterator[Frame]:
        """Frames while somebody needs them, each looked over; raises ``DeviceStalledError``."""
        freeze, heard = FreezeWatch(self._patience.freeze_s), time.monotonic()
        while self._is_needed(outlook):
            frame = camera.read(_SLICE_S)
            if frame is None:
                if time.monotonic() - heard > self._patience.silence_s:
                    raise DeviceStalledError(f"{camera.info.uri} sends no frames")
                continue
            heard = time.monotonic()
            frozen = freeze.frozen(frame)
            if frozen is not None:
                raise DeviceStalledError(f"{camera.info.uri}: {frozen} stands still")
            if outlook.look(frame):
                self._note(condition=outlook.condition)
                self._tell(self.health())
            yield frame

    def _settled(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """``frames`` without the first ones, while the exposure still moves."""
        warm_up = WarmUp(self._patience.settle_s)
        for frame in frames:
            if warm_up.is_over(frame.bgr, time.monotonic()):
                yield frame

    def _is_needed(self, outlook: Outlook) -> bool:
        with self._changed:
            return not self._stopped and (self._is_wanted() or not outlook.is_sure)

    def _is_wanted(self) -> bool:
        return self._leases > 0 or time.monotonic() < self._keep_until

    def _is_peek_due(self) -> bool:
        return self._patience.peek_s > 0 and time.monotonic() >= self._peek_at

    def _until_peek_s(self) -> float | None:
        if self._patience.peek_s <= 0:
            return None
        return max(0.0, self._peek_at - time.monotonic())

    def _kept_s(self) -> float:
        return inf if self._patience.idle_s < 0 else self._patience.idle_s

    def _offer(self, ring: Ring, info: CameraInfo) -> None:
        with self._changed:
            self._ring, self._fault, self._failures = ring, None, 0
            self._note(
                state=State.STREAMING, fault="", said="", info=info, opens=self._health.opens + 1
            )
            self._changed.notify_all()

    def _withdraw(self, ring: Ring) -> None:
        with self._changed:
            self._ring = None
            self._health = replace(self._health, dropped=self._health.dropped + ring.dropped)
            self._peek_at = time.monotonic() + self._patience.peek_s

    def _failed(self, fault: DeviceError) -> None:
        """Tell it, then pause: shortly while somebody waits, longer each time."""
        with self._changed:
            # Its traceback would hold the camera that failed, and all that is mapped for it.
            self._fault, self._attempts = fault.with_traceback(None), self._attempts + 1
            failures, self._failures = self._failures, self._failures + 1
            self._peek_at = time.monotonic() + self._patience.peek_s
            self._note(state=State.FAULTY, fault=type(fault).__name__, said=str(fault))
            self._changed.notify_all()
        self._tell(self.health())
        self._pause(failures)

    def _pause(self, failures: int) -> None:
        """Whoever comes meanwhile makes it try again at once."""
        with self._changed:
            leases = self._leases
            waited_for = _PAUSES_S[min(failures, len(_PAUSES_S) - 1)]
            pause_s = waited_for if leases else _IDLE_PAUSES_S[failures >= _SELDOM_AFTER]
            until = time.monotonic() + pause_s
            while not self._stopped and self._leases <= leases:
                left_s = until - time.monotonic()
                if left_s <= 0 or not self._changed.wait(left_s):
                    break
                leases = min(leases, self._leases)

    def _note(self, **facts: Any) -> None:
        with self._changed:
            self._health = replace(self._health, **facts)


class Lease:
    """The camera as one encounter sees it: frames taken since, of one opening."""

    def __init__(self, ring: Ring, info: CameraInfo, give_back: Callable[[], None]) -> None:
        self._ring, self._info, self._give_back = ring, info, give_back
        self._after_ns = time.monotonic_ns()
        self._closed = threading.Event()

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        return self._info

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``; also raises ``DeviceStalledError``, when it was closed for that."""
        frame = self._ring.newest(self._after_ns, timeout_s, self._closed.is_set)
        if self._closed.is_set():
            raise DeviceLostError(f"{self._info.uri} was given back")
        if frame is not None:
            self._after_ns = frame.at_ns
        return frame

    def close(self) -> None:
        """See ``Camera.close``."""
        if not self._closed.is_set():
            self._closed.set()
            self._ring.wake()
            self._give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


def _fault_of(error: Exception) -> DeviceError:
    if isinstance(error, DeviceError):
        return error
    return DeviceError(f"the driver failed: {type(error).__name__}: {error}")


def _nobody(health: Health) -> None:
    del health
