"""Two cameras of the kernel's vivid driver, and what can happen to them."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from yibao_face.drivers.driver import Settings

MODULE = Path("/mods/vivid.ko")
DRIVER = Path("/sys/bus/platform/drivers/vivid")
DEVICE = "vivid.0"
LINKS = Path("/dev/v4l/by-path")
COLOUR, INFRARED = Path("/dev/video0"), Path("/dev/video1")

_S_CTRL = 0xC008561C
_DROPPED = 0x00F0F040
_DISCONNECT = 0x00F0F041
_FLAG_ERROR = 0x00F0F042
_STREAMON_ERROR = 0x00F0F045
_FATAL_ERROR = 0x00F0F046
_WRAP_TIMESTAMP = 0x00F0F027
_BRIGHTNESS = 0x00980900


class Rig:
    """Loads the driver: one webcam input for each of two nodes of one device."""

    def __init__(self) -> None:
        options = "n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0,0"
        insmod = ["insmod", str(MODULE), *options.split()]
        subprocess.run(insmod, check=True)
        self._others: list[subprocess.Popen[bytes]] = []
        LINKS.mkdir(parents=True)
        for node in (COLOUR, INFRARED):
            # What udev does elsewhere.
            name = f"platform-{DEVICE}-video-index{node.name[-1]}"
            (LINKS / name).symlink_to(f"../../{node.name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.heal()

    def heal(self) -> None:
        """Undo whatever was done."""
        self.vacate()
        self.replug()
        self.resume()

    def unplug(self) -> None:
        """The device leaves the bus: its nodes go."""
        (DRIVER / "unbind").write_text(DEVICE, "ascii")

    def replug(self) -> None:
        """It comes back, under the numbers that are free."""
        if not (DRIVER / DEVICE).exists():
            (DRIVER / "bind").write_text(DEVICE, "ascii")

    def stall(self, *nodes: Path) -> None:
        """Frames stop; the camera stays."""
        for node in nodes or (COLOUR, INFRARED):
            _set(node, _DROPPED, 100)

    def resume(self) -> None:
        """They come again."""
        for node in (COLOUR, INFRARED):
            _set(node, _DROPPED, 0)

    def occupy(self, node: Path = COLOUR) -> None:
        """Another program streams from it."""
        command = ["v4l2-ctl", "-d", str(node), "--stream-mmap", "--stream-count=0"]
        other = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._others.append(other)
        assert other.stdout is not None
        # It prints a character for each frame.
        assert other.stdout.read(1) == b"<"

    def vacate(self) -> None:
        """It ends, as a crashed program would."""
        for other in self._others:
            other.kill()
            other.communicate()
        self._others.clear()

    def disconnect(self, node: Path = COLOUR) -> None:
        """The node turns dead under whoever has it open."""
        _set(node, _DISCONNECT, 1)

    def damage_a_frame(self, node: Path = COLOUR) -> None:
        """The next frame is marked as incomplete."""
        _set(node, _FLAG_ERROR, 1)

    def refuse_a_start(self, node: Path = COLOUR) -> None:
        """The next start of the stream fails."""
        _set(node, _STREAMON_ERROR, 1)

    def break_the_stream(self, node: Path = COLOUR) -> None:
        """The stream ends with an error; the node stays."""
        _set(node, _FATAL_ERROR, 1)

    def wrap_clock(self, node: Path, how: int) -> None:
        """0: timestamps of the host's clock; 1, 2: of one about to wrap round."""
        _set(node, _WRAP_TIMESTAMP, how)

    def shine(self, node: Path, brightness: int) -> None:
        """0..255; 128 is the usual."""
        _set(node, _BRIGHTNESS, brightness)


def settings(**changes: Any) -> Settings:
    """Of these tests: the second node is the infrared camera."""
    return replace(Settings(infrared=str(INFRARED)), **changes)


def timed(act: Callable[[], object]) -> float:
    """Seconds it took."""
    started = time.monotonic()
    act()
    return time.monotonic() - started


def _set(node: Path, control: int, value: int) -> None:
    fd = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, _S_CTRL, struct.pack("Ii", control, value))
    except OSError as exc:
        # Nothing to undo on a node that was disconnected: closing it brings it back.
        if exc.errno != errno.ENODEV:
            raise
    finally:
        os.close(fd)
