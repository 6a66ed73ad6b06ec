"""A room in which systemd runs, as on any counter: units are started, watched and ended by it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from yibao_face.installer.command import PackageError
from yibao_face.installer.linux.trial.room import Room, children_of

SCRIPT = Path(__file__).with_name("boot.sh")
# What every desktop has and the smallest Debian has not.
SYSTEMD = ("systemd", "udev")
_HIERARCHIES = (
    Path("/sys/fs/cgroup"),
    Path("/sys/fs/cgroup/unified"),
    Path("/sys/fs/cgroup/systemd"),
)
_BOOT_S, _END_S = 60.0, 10.0


@contextmanager
def booted(room: Room) -> Generator[None, None, None]:
    """Its systemd runs for the block, and what ``room.run`` does runs beside it."""
    name = f"yibao-face-room-{os.getpid()}"
    process = subprocess.Popen(  # noqa: S603  # our own words
        ["/bin/sh", SCRIPT, room.path, name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        room.enter(_first_of(process))
        _wait(room)
        yield
    finally:
        room.enter(None)
        process.kill()
        process.wait(10)
        _drop(name)


def _first_of(process: subprocess.Popen[bytes]) -> int:
    """Number of the systemd, once it is there; raises ``PackageError``."""
    until = time.monotonic() + _BOOT_S
    while time.monotonic() < until and process.poll() is None:
        for pid in children_of(process.pid):
            with suppress(OSError):
                if "systemd" in Path(f"/proc/{pid}/comm").read_text("ascii"):
                    return pid
        time.sleep(0.05)
    process.kill()
    said = process.stderr.read().decode(errors="replace") if process.stderr else ""
    raise PackageError(f"systemd does not start in a room of its own: {said[-500:]}")


def _wait(room: Room) -> None:
    until = time.monotonic() + _BOOT_S
    while time.monotonic() < until:
        with suppress(PackageError):
            room.run("systemctl is-system-running --wait || systemctl is-active multi-user.target")
            return
        time.sleep(0.2)
    raise PackageError("systemd in the room does not come up")


def _drop(name: str) -> None:
    """The control groups, once the last process in them is gone."""
    tops = [at / name for at in _HIERARCHIES if (at / name).is_dir()]
    until = time.monotonic() + _END_S
    while any(top.is_dir() for top in tops) and time.monotonic() < until:
        for folder in (folder for top in tops for folder, _, _ in os.walk(top, topdown=False)):
            with suppress(OSError):
                Path(folder).rmdir()
        time.sleep(0.05)
