"""What is left of a crash: one JSON file each in ``<data>/crash``, for whoever mends it.

Where it happened, never with what: neither messages of errors nor values of variables are kept,
as they may quote what they were given. Only the newest files stay.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType, TracebackType

from yibao_face.daemon.life.frame import Place, frames_of, parsed, short

# Where child processes of ours find the folder.
VARIABLE = "YIBAO_FACE_CRASH"
MOST_FILES = 20
_MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class CrashFolder:
    """``process``: which of our programs this is: ``serve``, ``agent``, ``windows``."""

    folder: Path
    process: str

    def keep(self, kind: str, error: str, frames: list[Place], thread: str = "") -> Path | None:
        """Write one file, let the oldest go; ``None`` where that cannot be."""
        now = datetime.now(UTC)
        body = {
            "schema": 1,
            "at": now.isoformat(timespec="seconds"),
            "kind": kind,
            "process": self.process,
            "version": _version(),
            "pid": os.getpid(),
            "thread": thread,
            "error": error,
            "frames": [asdict(place) for place in frames],
        }
        name = f"{now:%Y%m%dT%H%M%S%f}-{self.process}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / name
            path.write_text(json.dumps(body, ensure_ascii=False, indent=1), "utf-8")
            path.chmod(0o600)
            for old in crashes(self.folder)[:-MOST_FILES]:
                old.unlink(missing_ok=True)
        except OSError:
            return None
        return path

    def collect(self) -> None:
        """Turn what processes that are gone left behind into files like the others."""
        for left in self.folder.glob("*.fault"):
            with contextlib.suppress(OSError, ValueError):
                self._collect(left)

    def _collect(self, left: Path) -> None:
        process, _, pid = left.stem.rpartition("-")
        if int(pid) != os.getpid() and _alive(int(pid)):
            return
        text = left.read_bytes()[:_MOST_BYTES].decode("utf-8", "replace")
        left.unlink()
        if text.strip():
            head = text.strip().splitlines()[0].partition(":")[2].strip()
            CrashFolder(self.folder, process).keep("fault", head[:80], parsed(text))


def crashes(folder: Path) -> list[Path]:
    """The files there are, oldest first."""
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


@contextmanager
def caught(crash: CrashFolder) -> Generator[None, None, None]:
    """Keep what nobody catches meanwhile: errors of any thread, and faults of native code."""
    crash.collect()
    before = sys.excepthook, threading.excepthook
    named = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(crash.folder)
    _hook(crash)
    with _faults(crash):
        try:
            yield
        except Exception as exc:
            # Those of ours are told in a line by the command.
            if not type(exc).__module__.startswith("yibao_face."):
                crash.keep("exception", type(exc).__name__, frames_of(exc.__traceback__))
            raise
        finally:
            sys.excepthook, threading.excepthook = before
            if named is None:
                os.environ.pop(VARIABLE, None)
            else:
                os.environ[VARIABLE] = named


def inherited(process: str) -> CrashFolder | None:
    """The folder of the process that started this one; its hooks are set here for good."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    crash = CrashFolder(Path(folder), process)
    _hook(crash)
    return crash


def _hook(crash: CrashFolder) -> None:
    before, before_thread = sys.excepthook, threading.excepthook

    def uncaught(
        kind: type[BaseException], error: BaseException, at: TracebackType | None
    ) -> None:
        if issubclass(kind, Exception):
            crash.keep("exception", kind.__name__, frames_of(at), "MainThread")
        before(kind, error, at)

    def of_thread(given: threading.ExceptHookArgs) -> None:
        if issubclass(given.exc_type, Exception):
            name = given.thread.name if given.thread else ""
            crash.keep("thread", given.exc_type.__name__, frames_of(given.exc_traceback), name)
        before_thread(given)

    sys.excepthook, threading.excepthook = uncaught, of_thread


@contextmanager
def _faults(crash: CrashFolder) -> Generator[None, None, None]:
    """A file that is open before anything happens: afterwards none can be opened any more."""
    path = crash.folder / f"{crash.process}-{os.getpid()}.fault"
    was = faulthandler.is_enabled()
    try:
        crash.folder.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8")
    except OSError:
        yield
        return
    try:
        with file:
            faulthandler.enable(file)
            try:
                yield
            finally:
                faulthandler.disable()
    finally:
        if was and sys.__stderr__ is not None:
            faulthandler.enable(sys.__stderr__)
        with contextlib.suppress(OSError):
            path.unlink()


def stacks(crash: CrashFolder, kind: str, error: str) -> None:
    """Keep where every thread is now."""
    places: list[Place] = []
    for frame in sys._current_frames().values():  # pyright: ignore[reportPrivateUsage]  # documented
        at: FrameType | None = frame
        while at is not None and len(places) < 200:
            code = at.f_code
            places.append(Place(short(code.co_filename), at.f_lineno, code.co_name))
            at = at.f_back
    crash.keep(kind, error, places)


def _alive(pid: int) -> bool:
    import psutil  # noqa: PLC0415  # only where something was left

    return bool(psutil.pid_exists(pid))


def _version() -> str:
    try:
        return version("yibao-face")
    except PackageNotFoundError:
        return ""
