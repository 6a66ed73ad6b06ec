"""A Debian of its own to install in: what is written there goes with it, and it has no network."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from yibao_face.installer.command import PackageError, run

_PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
_READY = re.compile(r"ready http://[^:]+:(\d+)")
_READY_S = 120.0
_STOP_S = 30.0


def debootstrapped(at: Path, depends: Sequence[str], suite: str = "bookworm") -> Path:
    """The smallest Debian with ``depends``, made once; versions in them are left to apt."""
    if (at / ".made").is_file():
        return at
    if at.exists():
        shutil.rmtree(at)
    names = [re.sub(r"\s*[(|].*", "", word) for word in depends]
    include = f"--include={','.join(names)}"
    run(["debootstrap", "--variant=minbase", include, suite, at])
    (at / ".made").touch()
    return at


class Room:
    """``base`` with a layer of its own over it, mounted while it is open. Needs root.

    ``base`` may be ``/``: a throw-away copy of this very machine.
    """

    def __init__(self, base: Path, work: Path) -> None:
        self.path = work / "root"
        self._base, self._work = base, work
        self._process: subprocess.Popen[bytes] | None = None
        self._first: int | None = None

    def __enter__(self) -> Self:
        if self._work.exists():
            shutil.rmtree(self._work)
        self._work.mkdir(parents=True)
        # Not on the disk, which may be an overlay itself: none lies on another.
        run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", self._work])
        for name in ("root", "upper", "inner"):
            (self._work / name).mkdir()
        layers = f"lowerdir={self._base},upperdir={self._work}/upper,workdir={self._work}/inner"
        try:
            run(["mount", "-t", "overlay", "-o", layers, "none", self.path])
            run(["mount", "-t", "proc", "none", self.path / "proc"])
            # Of the machine as any has them; libraries count processors there.
            run(["mount", "--bind", "/dev", self.path / "dev"])
            run(["mount", "--bind", "-o", "ro", "/sys", self.path / "sys"])
        except PackageError:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unmount; what was written is gone."""
        inner = (self.path / name for name in ("sys", "dev", "proc"))
        for at in (*inner, self.path, self._work):
            if os.path.ismount(at):
                run(["umount", "--lazy", at])
        shutil.rmtree(self._work, ignore_errors=True)

    def take(self, *files: Path) -> None:
        """Copy into its root folder."""
        for file in files:
            shutil.copy2(file, self.path / file.name)

    def exists(self, place: str) -> bool:
        """Whether there is such a file, folder or link."""
        return os.path.lexists(self.path / place)

    def read(self, place: str) -> str:
        """Text of a file."""
        return (self.path / place).read_text("utf-8")

    def write(self, place: str, text: str) -> None:
        """Make it, folders and all; one that is there keeps its owner and mode."""
        file = self.path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def enter(self, first: int | None) -> None:
        """``run`` is beside this process from now on, in all it sees; ``None``: alone again."""
        self._first = first

    def run(self, script: str, *, user: str = "root") -> str:
        """What a shell says in there, without a network; ``PackageError`` where it fails."""
        beside = None if self._process is None else self._process.pid
        done = subprocess.run(  # noqa: S603  # our own words
            self._command(user, f"exec 2>&1; {script}", beside=beside),
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode != 0:
            raise PackageError(f"{script}: exit {done.returncode}: {done.stdout[-1500:]}")
        return done.stdout

    def _command(self, user: str, script: str, *, beside: int | None = None) -> list[str]:
        """``beside``: a process whose network it shares; else it gets one of its own."""
        chroot = ["chroot", str(self.path), "env", "-i", _PATH, "HOME=/root", "LC_ALL=C.UTF-8"]
        inside = [*chroot, "runuser", "-u", user, "--", "sh", "-c", script]
        if self._first is not None:
            return ["nsenter", f"--target={self._first}", "--all", *inside]
        if beside is not None:
            return ["nsenter", f"--net=/proc/{beside}/ns/net", *inside]
        # No cable, but a loopback.
        return ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *inside]

    @contextmanager
    def serving(self, user: str, script: str) -> Generator[int, None, None]:
        """A daemon in there for the block, its port; ``run`` shares its network meanwhile."""
        log = self._work / "served.log"
        with log.open("w") as out:
            process = subprocess.Popen(  # noqa: S603  # our own words
                self._command(user, f"exec {script}"),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._process = process
        try:
            yield port_told(process, log)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(_STOP_S)
            self._process = None

    def memory_mb(self) -> float:
        """Resident memory of the daemon, MB."""
        if self._process is None:
            raise PackageError("nothing is served")
        # runuser stays beside the program it starts.
        pids = [self._process.pid, *children_of(self._process.pid)]
        texts = [Path(f"/proc/{pid}/status").read_text("utf-8") for pid in pids]
        return sum(int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) for text in texts) / 1000


def port_told(process: subprocess.Popen[bytes], log: Path) -> int:
    """Wait for the word "ready"; raises ``PackageError`` with what was said instead."""
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and process.poll() is None:
        found = _READY.search(log.read_text("utf-8"))
        if found:
            return int(found[1])
        time.sleep(0.05)
    raise PackageError(f"the daemon is not ready: {log.read_text('utf-8')[-1500:]}")


def children_of(pid: int) -> list[int]:
    """Processes below ``pid``."""
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [below for child in map(int, told) for below in (child, *children_of(child))]
