"""A camera whose driver runs in a child process, as the daemon sees it."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Any, Self

from yibao_face.drivers.api import CameraInfo, DeviceError, DeviceLostError, Frame
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.host.memory import Memory
from yibao_face.drivers.host.message import (
    Message,
    MessageError,
    Note,
    read_frame,
    read_info,
    read_infos,
    told_settings,
)
from yibao_face.drivers.host.process import Cancelled, Child
from yibao_face.drivers.host.ring import PLANES, SLOTS, RingReader

OPEN_S = 10.0
# Behind the slot that is being written, and those that may be while a frame is copied.
_KEPT = SLOTS // 2


def open_hosted(  # noqa: PLR0913  # all but three have defaults
    driver: str,
    rest: str,
    settings: Settings,
    *,
    uri: str = "",
    budget_s: float = OPEN_S,
    cancelled: Cancelled | None = None,
) -> HostedCamera:
    """Open ``rest`` with a driver in a child process.

    ``driver``: a name of the table, or ``module:attribute`` of a plug-in; ``uri``: what the camera
    goes by then, instead of ``driver:rest``. Raises what the driver raises;
    ``DeviceStalledError`` when it takes longer than ``budget_s``, ``DeviceLostError`` when it
    crashes or ``cancelled`` is set or returns true (looked at every 50 ms).
    """
    request = {"act": "open", "driver": driver, "rest": rest}
    camera = HostedCamera({**request, "settings": told_settings(settings)}, uri)
    try:
        camera.wait_open(budget_s, cancelled)
    except BaseException:
        camera.close()
        raise
    return camera


def discover_hosted(driver: str, settings: Settings, budget_s: float = OPEN_S) -> list[CameraInfo]:
    """What ``driver`` finds, asked in a child process; errors as of ``open_hosted``."""
    request = {"act": "discover", "driver": driver, "settings": told_settings(settings)}
    answer = _ask(request, driver, budget_s)
    try:
        return read_infos(answer.get("found"))
    except MessageError as exc:
        raise DeviceLostError(f"{driver}: the driver process sent {exc}") from exc


def describe_hosted(driver: str, budget_s: float = OPEN_S) -> Message:
    """``name``, ``api`` and ``recorded`` of the ``Driver`` at ``module:attribute``.

    Raises ``DeviceUnsupportedError`` where there is none, else as ``open_hosted``.
    """
    return _ask({"act": "describe", "driver": driver}, driver, budget_s)


def _ask(request: Message, shown: str, budget_s: float) -> Message:
    memory = Memory.create()
    try:
        child = Child(_whole(request, memory), memory, shown, lambda _: None)
        try:
            return child.answer_within(budget_s)
        finally:
            child.end()
    finally:
        memory.close()


def _whole(request: Message, memory: Memory) -> Message:
    """With what every request holds: a plug-in lies where we found it."""
    return {**request, "memory": memory.handle, "path": [entry for entry in sys.path if entry]}


class HostedCamera:
    """See ``Camera``. Keeps the newest frames; a reader that is slow loses older ones."""

    def __init__(self, request: Message, uri: str) -> None:
        self._renamed = bool(uri)
        # Who calls the host must not need to know which drivers have passwords in their uris.
        self._uri = _shown(uri or f"{request['driver']}:{request['rest']}")
        self._info: CameraInfo | None = None
        self._kept: deque[Note] = deque(maxlen=_KEPT)
        self._closed = False
        self._copying = threading.Lock()
        self._memory = Memory.create()
        self._ring = RingReader(self._memory)
        try:
            self._child = Child(
                _whole({**request, "shown": self._uri}, self._memory),
                self._memory,
                self._uri,
                self._hear,
            )
        except DeviceError:
            self._memory.close()
            raise

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        assert self._info is not None  # noqa: S101  # wait_open came first
        return self._info

    @property
    def pid(self) -> int:
        """Of the child process."""
        return self._child.pid

    def wait_open(self, budget_s: float, cancelled: Cancelled | None) -> None:
        """Wait until the driver has opened the camera; for ``open_hosted``."""
        answer = self._child.answer_within(budget_s, cancelled)
        try:
            info = read_info(answer.get("opened"))
        except MessageError as exc:
            raise DeviceLostError(f"{self._uri}: the driver process sent {exc}") from exc
        if self._renamed:
            # It may be one of our drivers under another name, or say what it likes.
            info = replace(info, driver=self._uri.partition(":")[0], uri=self._uri)
        self._info = info

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``; ``DeviceStalledError`` when the driver hung and was killed."""
        deadline = time.monotonic() + timeout_s
        while (note := self._next(deadline)) is not None:
            frame = self._copied(note)
            if frame is not None:
                return frame
        return None

    def close(self) -> None:
        """See ``Camera.close``: asks the child, kills it after 1 s."""
        with self._child.news:
            closed, self._closed = self._closed, True
            self._child.fault = DeviceLostError(f"{self._uri} is closed")
            self._child.news.notify_all()
        self._child.end()
        with self._copying:
            if not closed:
                self._ring.close()
                self._memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _hear(self, message: Message) -> None:
        if "frame" in message:
            self._kept.append(read_frame(message["frame"]))

    def _next(self, deadline: float) -> Note | None:
        """The oldest note kept; those of before a loss still count, none after ``close``."""
        child = self._child
        with child.news:
            while True:
                if self._kept and not self._closed:
                    return self._kept.popleft()
                if child.fault is not None:
                    raise child.fault
                silence_left_s = child.silence_left_s()
                left_s = deadline - time.monotonic()
                if left_s <= 0 < silence_left_s:
                    return None
                if silence_left_s > 0:
                    child.news.wait(min(left_s, silence_left_s))

    def _copied(self, note: Note) -> Frame | None:
        with self._copying:
            if self._closed:
                return None
            try:
                planes = self._ring.copy(note.place)
            except (ValueError, OSError) as exc:
                lost = DeviceLostError(f"{self._uri}: no such frame in memory")
                with self._child.news:
                    self._child.kill(lost)
                raise lost from exc
        if planes is None:
            return None
        fields: dict[str, Any] = {**dict.fromkeys(PLANES), **planes, **note.facts}
        return Frame(**fields)


def _shown(uri: str) -> str:
    """Without what may be a password: all before the last ``@``, and what is asked of a server."""
    shown = re.sub(r"//.*@", "//", uri)
    return shown.partition("?")[0] if "//" in shown else shown
