"""What ``serve`` and ``agent`` live by: log, crash files, pulse and clock, in one place each."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from yibao_face.daemon.core.decision import refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.life.clock import ClockWatch, Times
from yibao_face.daemon.life.crash import CrashFolder, caught
from yibao_face.daemon.life.heap import give_back, share_one_heap
from yibao_face.daemon.life.log import logged
from yibao_face.daemon.life.pulse import Bounds, Pulse
from yibao_face.daemon.link.boot import boot_id
from yibao_face.daemon.wiring import Daemon
from yibao_face.sync.uplink.api import boot_time_s

# An encounter that ends on time has ended this long after its deadline.
_GRACE_S = 60.0


def log_folder(data: Path) -> Path:
    """Where the log lies."""
    return data / "logs"


def crash_folder(data: Path) -> Path:
    """Where crash files lie."""
    return data / "crash"


def clock_file(data: Path) -> Path:
    """What the last run saw of the clock."""
    return data / "clock.json"


@contextmanager
def kept(data: Path, process: str, *, verbose: bool) -> Generator[CrashFolder, None, None]:
    """Log and crash files from here on. ``process``: the command."""
    share_one_heap()
    crash = CrashFolder(crash_folder(data), process)
    with logged(log_folder(data), verbose=verbose), caught(crash):
        yield crash


@contextmanager
def alive(daemon: Daemon, crash: CrashFolder) -> Generator[Pulse, None, None]:
    """Pulse and clock of a daemon that is about to serve."""
    # Loading the networks took 45 MB more than they need from now on.
    give_back()
    ledger, booth = daemon.ledger, daemon.service.booth
    bounds = Bounds(encounter_s=daemon.config.encounter.deadline_s + _GRACE_S)

    def write(detail: dict[str, Any]) -> None:
        ledger.write(ledger.new_id(), Entry(Kind.ALARM, refused(Cause.RECORDED), detail=detail))

    times = Times(ledger.clock.unix_ms, boot_time_s, boot_id())
    watch = ClockWatch(clock_file(daemon.config.data), times, write)
    with Pulse(lambda: booth.under_way, crash, bounds) as pulse, watch:
        yield pulse
