"""A started stream of one Linux node: the freshest good picture, down the ladder, until loss."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from yibao_face.drivers.api import DeviceError, DeviceLostError, DeviceUnsupportedError
from yibao_face.drivers.uvc.decode import DamagedFrameError, WrongModeError
from yibao_face.drivers.uvc.linux import fault
from yibao_face.drivers.uvc.linux.v4l2 import Filled, Node
from yibao_face.drivers.uvc.mode import Mode
from yibao_face.drivers.uvc.source import Identity, Kind, Picture, Seen

# How the kernel says that the bus cannot carry the mode: all taken, or never fast enough.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EIO})
# What lies longer in the kernel than this, or than two frames, was seen before the reader asked.
_STALE_S = 0.25
# Timestamps further off are of a clock that is not ours.
_FOREIGN_S = 3600.0
# So many in a row are no accident: the camera does not do what it agreed to.
_WRONG_IN_A_ROW = 3
_DAMAGED_IN_A_ROW = 30
# A camera that promised too much for its bus or firmware may just never send a frame.
_FIRST_FRAME_S = 3.0


class Stream:
    """See ``Source``. Owns ``node``; ``modes``: what may be tried, best first, not empty."""

    def __init__(
        self, node: Node, uri: str, identity: Identity, kind: Kind, modes: Sequence[Mode]
    ) -> None:
        self._node, self._uri, self._identity, self._kind = node, uri, identity, kind
        self._modes = list(modes)
        self._mode = self._modes[0]
        self._lock = threading.Lock()
        # Held while the node is closed or woken: its numbers are the system's to give again.
        self._gate = threading.Lock()
        self._closing = threading.Event()
        self._lost: DeviceError | None = None
        self._last_ns = 0
        self._wrong = self._damaged = 0
        self._silent_since: float | None = None
        self._agree()

    @property
    def identity(self) -> Identity:
        """See ``Source.identity``."""
        return self._identity

    @property
    def mode(self) -> Mode:
        """See ``Source.mode``."""
        return self._mode

    def start(self) -> None:
        """See ``Source.start``."""
        try:
            self._start()
        except OSError as exc:
            raise fault.while_opening(self._uri, exc) from exc

    def step_down(self) -> bool:
        """See ``Source.step_down``."""
        with self._lock:
            try:
                if not self._lower():
                    return False
                self._start()
            except OSError as exc:
                raise fault.while_opening(self._uri, exc) from exc
            return True

    def next(self, timeout_s: float) -> Seen | None:
        """See ``Source.next``."""
        deadline = time.monotonic() + timeout_s
        with self._lock:
            while True:
                self._must_be_there()
                try:
                    ready = self._node.wait(deadline - time.monotonic())
                    seen = self._freshest() if ready else None
                    if seen is None:
                        self._end_silence()
                except OSError as exc:
                    self._lose(fault.while_reading(self._uri, exc))
                    continue
                if seen is not None or time.monotonic() >= deadline:
                    self._must_be_there()
                    return seen

    def close(self) -> None:
        """See ``Source.close``."""
        if self._closing.is_set():
            return
        self._closing.set()
        with self._gate:
            if self._lost is None:
                self._node.wake()
        with self._lock:
            self._lose(DeviceLostError(f"{self._uri} is closed"))

    def _must_be_there(self) -> None:
        if self._closing.is_set():
            raise DeviceLostError(f"{self._uri} is closed")
        if self._lost is not None:
            raise self._lost.with_traceback(None)

    def _lose(self, error: DeviceError) -> None:
        # Closed at once: the system keeps an unplugged node's number while somebody has it open.
        with self._gate:
            if self._lost is None:
                self._lost = error
                self._node.close()

    def _freshest(self) -> Seen | None:
        """The newest filled buffer as a picture; those before it are only given back."""
        newest = self._newest()
        if newest is None:
            return None
        now_ns = time.monotonic_ns()
        age_s = (now_ns - newest.at_ns) / 1e9
        foreign = newest.foreign or not 0 <= age_s < _FOREIGN_S
        at_ns = now_ns if foreign else newest.at_ns
        stale = not foreign and age_s > max(_STALE_S, 2 / max(1.0, self._mode.fps))
        if stale or at_ns <= self._last_ns:
            self._node.give_back(newest.index)
            return None
        mode, picture = self._mode, self._decoded(newest)
        if picture is None:
            return None
        self._last_ns, self._silent_since = at_ns, None
        return Seen(at_ns, picture, mode)

    def _newest(self) -> Filled | None:
        newest: Filled | None = None
        taken = 0
        while (filled := self._node.take()) is not None:
            taken += 1
            if newest is not None:
                self._node.give_back(newest.index)
            newest = filled
        if not taken:
            raise OSError(errno.EIO, "the stream stopped")
        if newest is not None and newest.damaged:
            self._node.give_back(newest.index)
            return None
        return newest

    def _decoded(self, filled: Filled) -> Picture | None:
        """The buffer as a picture, and given back in any case."""
        try:
            picture = self._kind.decode(self._node.content(filled), self._mode)
        except WrongModeError as exc:
            self._wrong, why = self._wrong + 1, str(exc)
        except DamagedFrameError as exc:
            self._damaged, why = self._damaged + 1, str(exc)
        else:
            self._wrong = self._damaged = 0
            self._node.give_back(filled.index)
            return picture
        self._node.give_back(filled.index)
        if self._wrong >= _WRONG_IN_A_ROW or self._damaged >= _DAMAGED_IN_A_ROW:
            self._distrust(why)
        return None

    def _distrust(self, why: str) -> None:
        if self._lower():
            self._start()
        else:
            self._lose(DeviceUnsupportedError(f"{self._uri} does not keep its mode: {why}"))

    def _end_silence(self) -> None:
        """Another mode where this one never brought a picture."""
        since = self._silent_since
        if since is not None and time.monotonic() - since > _FIRST_FRAME_S and self._lower():
            self._start()

    def _start(self) -> None:
        while True:
            try:
                self._node.start()
            except OSError as exc:
                if exc.errno not in _NO_ROOM or not self._lower():
                    raise
            else:
                self._silent_since = time.monotonic()
                return

    def _lower(self) -> bool:
        """Agree on the next mode of the ladder; ``False`` at its foot, which stays agreed on."""
        if len(self._modes) == 1:
            return False
        self._node.stop()
        del self._modes[0]
        self._wrong = self._damaged = 0
        self._agree()
        return True

    def _agree(self) -> None:
        """Set the first mode the kernel takes, drop those it does not; ``OSError`` otherwise."""
        while True:
            wanted = self._modes[0]
            agreed = self._node.agree(wanted)
            if agreed.fourcc == wanted.fourcc and agreed.width and agreed.height:
                self._mode = agreed
                self._node.prepare()
                return
            if len(self._modes) == 1:
                raise OSError(errno.EINVAL, f"it was asked for {wanted} and set {agreed}")
            del self._modes[0]


def opened_node(path: Path) -> Node:
    """The node, checked to be one that streams pictures; raises ``OSError``."""
    node = Node(path)
    try:
        captures = node.identity().captures
    except BaseException:
        node.close()
        raise
    if not captures:
        node.close()
        raise OSError(errno.ENOTTY, "it delivers no pictures")
    return node
