"""Plays a ``.rgbd`` clip as a camera; its frames carry ``RECORDED``, never to pass for real."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    ClipError,
    DeviceLostError,
    DeviceMissingError,
    Frame,
)
from yibao_face.drivers.clip import ClipHeader, ClipReader, Planes
from yibao_face.drivers.driver import Driver, Settings

# Decoded ahead of the reader, like the buffers of a real camera.
_AHEAD = 2


def open_replay(path: str, settings: Settings | None = None) -> ReplayCamera:
    """Open the clip at ``path``; ``DeviceMissingError`` when there is none."""
    del settings  # a recording is what it is
    if not Path(path).is_file():
        raise DeviceMissingError(f"replay:{path} is not there")
    return ReplayCamera(Path(path))


def recorded(header: ClipHeader) -> Capability:
    """What the frames of a clip hold."""
    flags = {"color": Capability.RGB, "depth": Capability.DEPTH, "ir": Capability.IR}
    found = Capability.RECORDED | (Capability.PAIRED if header.apart else Capability.NONE)
    for name in header.streams:
        found |= flags[name]
    return found


class ReplayCamera:
    """Delivers each frame when it is due, by its timestamps, and starts over at the end.

    With ``paced=False`` frames come as fast as they decode; with ``loop=False`` the end of the
    clip is the loss of the camera.
    """

    def __init__(self, path: Path, *, loop: bool = True, paced: bool = True) -> None:
        self._uri = f"replay:{path}"
        self._clip = ClipReader(path)
        self._loop, self._paced = loop, paced
        self._seq = 0
        self._started_ns: int | None = None
        self._stop = threading.Event()
        self._ready: queue.Queue[tuple[int, Planes] | ClipError | None] = queue.Queue(_AHEAD)
        self._held: tuple[int, Planes] | None = None
        self._lost: DeviceLostError | ClipError | None = None
        self._decoder = threading.Thread(target=self._decode, name="replay", daemon=True)
        self._decoder.start()

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        header = self._clip.header
        return CameraInfo("replay", self._uri, "rgbd-clip", header.serial, recorded(header))

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        if self._lost is not None:
            raise self._lost
        deadline = time.monotonic() + timeout_s
        if self._held is None and not self._take(timeout_s):
            return None
        assert self._held is not None  # noqa: S101  # _take filled it
        device_us, planes = self._held
        if not self._wait_until_due(device_us, deadline):
            if self._lost is not None:
                raise self._lost
            return None
        self._held = None
        self._seq += 1
        return Frame(
            self._seq,
            time.monotonic_ns(),
            device_us,
            planes.bgr,
            planes.depth_mm,
            planes.ir,
            self._clip.header.intrinsics,
            pair=self._clip.header.pair,
        )

    def close(self) -> None:
        """See ``Camera.close``."""
        self._lost = self._lost or DeviceLostError(f"{self._uri} is closed")
        self._stop.set()
        self._decoder.join(timeout=2.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def _take(self, timeout_s: float) -> bool:
        try:
            got = self._ready.get(timeout=timeout_s)
        except queue.Empty:
            return False
        if isinstance(got, tuple):
            self._held = got
            return True
        self._lost = got or DeviceLostError(f"{self._uri} has ended")
        raise self._lost

    def _wait_until_due(self, device_us: int, deadline: float) -> bool:
        if not self._paced:
            return True
        if self._started_ns is None:
            self._started_ns = time.monotonic_ns() - device_us * 1000
        wait_s = (self._started_ns + device_us * 1000 - time.monotonic_ns()) / 1e9
        left_s = deadline - time.monotonic()
        if wait_s > left_s:
            self._stop.wait(max(0.0, left_s))
            return False
        # Woken early only by close: then no frame is due any more.
        return not self._stop.wait(max(0.0, wait_s))

    def _decode(self) -> None:
        try:
            for item in self._played():
                if not self._put(item):
                    return
            self._put(None)
        except Exception as exc:  # noqa: BLE001  # a thread that died silently would starve read
            self._put(ClipError(f"{self._uri}: {exc}"))

    def _played(self) -> Iterator[tuple[int, Planes]]:
        """Timestamps and planes, round after round, the clock running on."""
        times = self._clip.header.device_us
        round_us = times[-1] - times[0] + round(1e6 / self._clip.header.fps)
        offset_us = -times[0]
        while True:
            for at_us, planes in zip(times, self._clip.frames(), strict=True):
                yield offset_us + at_us, planes
            if not self._loop:
                return
            offset_us += round_us

    def _put(self, item: tuple[int, Planes] | ClipError | None) -> bool:
        while not self._stop.is_set():
            try:
                self._ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False


DRIVER = Driver("replay", open_replay, recorded=True)
