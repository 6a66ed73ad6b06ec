"""A recording as a camera that can be unplugged and silenced, through the SDK's own context."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyrealsense2

from yibao_face.drivers.conformance.bed import Bed
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.realsense.realsense import RealSenseCamera, open_in

rs: Any = pyrealsense2


class Socket:
    """Where the recorded camera is plugged in: one context and one file.

    Unloading the file raises the same event of the context as pulling the cable of a camera.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._away = path, path.with_suffix(".away")
        self._context: Any = rs.context()
        self._camera: RealSenseCamera | None = None

    def open(self) -> RealSenseCamera:
        self._camera = open_in(rs, self._context, f"file={self._path}", Settings())
        return self._camera

    def absent(self) -> RealSenseCamera:
        return open_in(rs, self._context, "file=nothing.db3", Settings())

    def unplug(self) -> None:
        self._path.rename(self._away)
        self._context.unload_device(str(self._path))

    def replug(self) -> None:
        if self._away.exists():
            self._away.rename(self._path)

    def stall(self) -> None:
        self._player().pause()

    def resume(self) -> None:
        self._player().resume()

    def _player(self) -> Any:
        """That of the camera opened last: asked, the context makes another one."""
        assert self._camera is not None
        return self._camera._pump.session.device.as_playback()


def make_bed(socket: Socket) -> Bed:
    """What can be done to the camera in ``socket``."""
    return Bed(
        "realsense",
        socket.open,
        recorded=True,
        absent=socket.absent,
        unplug=socket.unplug,
        replug=socket.replug,
        stall=socket.stall,
        resume=socket.resume,
    )
