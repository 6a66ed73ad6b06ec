"""The child process: opens one camera and hands its frames on until it is told to end."""

from __future__ import annotations

import faulthandler
import os
import pkgutil
import signal
import sys
import threading
from io import FileIO, RawIOBase
from typing import Any, NoReturn

from yibao_face.drivers.api import DeviceUnsupportedError
from yibao_face.drivers.driver import API, Driver
from yibao_face.drivers.host.memory import Memory
from yibao_face.drivers.host.message import (
    Message,
    read_settings,
    receive,
    send,
    told_error,
    told_frame,
    told_info,
)
from yibao_face.drivers.host.ring import RingWriter
from yibao_face.drivers.table import driver

# How long a read waits, thus how often the parent hears that all is well.
_POLL_S = 0.1
# Before the next read after one without a frame: a driver may not wait as it should.
_PAUSE_S = 0.01
# A driver that hangs with the interpreter's lock in a process nobody looks after any more would
# hold the camera for ever; this clock of faulthandler's runs without the lock.
_HUNG_S = 5.0
# For the camera's ``close`` once the parent is gone or has asked.
_CLOSE_S = 1.0
_PR_SET_PDEATHSIG = 1


def main() -> NoReturn:
    """Serve the one request on standard input; never returns.

    Ends without the interpreter's farewell: destructors of SDKs are known to hang in it.
    """
    requests, answers = _private_streams()
    _end_with_parent()
    request = receive(requests)
    if request is not None:
        told_to_end = threading.Event()
        watch = threading.Thread(target=_watch, args=(requests, told_to_end), daemon=True)
        watch.start()
        try:
            _serve(request, answers, told_to_end)
        except OSError:  # the parent is gone: nobody is left to tell
            os._exit(1)
    os._exit(0)


def _private_streams() -> tuple[RawIOBase, RawIOBase]:
    """The pipes, moved to where no SDK that reads or prints can meet them."""
    requests, answers = FileIO(os.dup(0), "r"), FileIO(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    return requests, answers


def _end_with_parent() -> None:
    # The terminal's interrupt goes to all; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  # only here

        # At once, and also where a driver that hangs in its open keeps ``_watch`` from running.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch(requests: RawIOBase, told_to_end: threading.Event) -> None:
    """End with the pipe: the parent closed it, or is no more."""
    requests.read(1)
    told_to_end.set()
    threading.Event().wait(_CLOSE_S)
    os._exit(0)


def _serve(request: Message, answers: RawIOBase, told_to_end: threading.Event) -> None:
    shown = str(request.get("shown", request["driver"]))
    # Whatever a driver raises ends this process, and is told first.
    try:
        sys.path[:] = request["path"]
        found = _driver(request["driver"])
        if request["act"] == "open":
            _stream(found, request, answers, told_to_end)
        elif request["act"] == "discover":
            cameras = found.discover(read_settings(request["settings"]))
            send(answers, {"found": [told_info(info) for info in cameras]})
        else:
            send(answers, {"name": found.name, "api": found.api, "recorded": found.recorded})
    except (Exception, SystemExit) as exc:  # noqa: BLE001  # as said
        send(answers, told_error(exc, shown))


def _driver(spec: str) -> Driver:
    """By its name in the table or, a plug-in, as ``module:attribute``."""
    if ":" not in spec:
        return driver(spec)
    try:
        found: Any = pkgutil.resolve_name(spec)
    except (ImportError, AttributeError) as exc:
        raise DeviceUnsupportedError(f"{spec}: {exc}") from exc
    if not isinstance(found, Driver):
        raise DeviceUnsupportedError(f"{spec} is a {type(found).__name__}, not a Driver")
    if found.api != API:
        raise DeviceUnsupportedError(f"{spec} is of driver API {found.api}, not {API}")
    return found


def _stream(
    found: Driver, request: Message, answers: RawIOBase, told_to_end: threading.Event
) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    camera = found.open(request["rest"], read_settings(request["settings"]))
    try:
        send(answers, {"opened": told_info(camera.info)})
        ring = RingWriter(Memory(request["memory"]))
        while not told_to_end.is_set():
            faulthandler.dump_traceback_later(_HUNG_S, exit=True, file=nowhere)
            frame = camera.read(_POLL_S)
            if frame is not None:
                send(answers, {"frame": told_frame(frame, ring.put(frame))})
            else:
                send(answers, {})
                told_to_end.wait(_PAUSE_S)
    finally:
        camera.close()
