"""The parent's end of a child process: what was heard from it, how it ended, how to end it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import RawIOBase
from typing import cast

from yibao_face.drivers.api import (
    DeviceError,
    DeviceLostError,
    DeviceStalledError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.host.memory import Memory
from yibao_face.drivers.host.message import Message, read_error, receive, send

Cancelled = threading.Event | Callable[[], bool]
# Not ``multiprocessing``: its children import the parent's main program again, here the daemon
# with its networks. A child of ours imports the drivers alone. A packed program understands the
# same words (installer/bundle/entry.py). -P: the working folder is nobody's package.
_CHILD = ("-P", "-m", "yibao_face.drivers.host")
# The child tells every 0.1 s that it is well; its driver may take 0.5 s longer than asked. A
# machine that is busy must not look like a driver that hangs, nor a hang last beyond 3 s.
SILENCE_S = 2.0
_CLOSE_S = 1.0
_KILL_S = 0.5
_CANCEL_POLL_S = 0.05
# Linux tells a child of its parent's death when the thread that started it ends: this one stays.
_STARTER = ThreadPoolExecutor(1, "driver-host-start")


class Child:
    """A running child. ``news``: guards and announces ``answer``, ``fault`` and what is heard.

    ``answer``: its first message; later ones go to ``hear``, called in a thread that holds
    ``news``. ``fault``: why nothing more comes. ``shown``: the camera, for messages. Raises
    ``DeviceUnsupportedError`` where no process can be started.
    """

    def __init__(
        self, request: Message, memory: Memory, shown: str, hear: Callable[[Message], None]
    ) -> None:
        self.news = threading.Condition()
        self.answer: Message | None = None
        self.fault: DeviceError | None = None
        self._heard_at = time.monotonic()
        self._shown, self._hear = shown, hear
        self._ending = threading.Lock()
        try:
            self._process = _STARTER.submit(_start, memory.inherited).result()
        except OSError as exc:
            raise DeviceUnsupportedError(f"{shown}: no driver process: {exc.strerror}") from exc
        self._requests = cast(RawIOBase, self._process.stdin)
        self._answers = cast(RawIOBase, self._process.stdout)
        with suppress(OSError):  # it has ended already, which the listener tells
            send(self._requests, request)
        self._listener = threading.Thread(target=self._listen, name="driver-host", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def answer_within(self, budget_s: float, cancelled: Cancelled | None = None) -> Message:
        """Wait for the answer.

        Raises the child's error, ``DeviceStalledError`` after ``budget_s`` and ``DeviceLostError``
        when ``cancelled``; the child is killed then.
        """
        until = time.monotonic() + budget_s
        with self.news:
            while self.answer is None:
                if self.fault is not None:
                    raise self.fault
                if _is_set(cancelled):
                    self.kill(DeviceLostError(f"{self._shown}: opening was cancelled"))
                elif (left_s := until - time.monotonic()) <= 0:
                    text = f"{self._shown}: the driver did not answer within {budget_s:g} s"
                    self.kill(DeviceStalledError(text))
                else:
                    self.news.wait(left_s if cancelled is None else min(left_s, _CANCEL_POLL_S))
            return self.answer

    def silence_left_s(self) -> float:
        """How long the child may still say nothing; kills it when it is over. Holds ``news``."""
        left_s = self._heard_at + SILENCE_S - time.monotonic()
        if left_s <= 0:
            code = self._process.poll()
            if code is None:
                text = f"{self._shown}: the driver has hung for {SILENCE_S:g} s"
                self.kill(DeviceStalledError(text))
            else:
                self.kill(self._ended(code))
        return left_s

    def kill(self, fault: DeviceError) -> None:
        """End the child at once, for that reason; holds ``news``."""
        self.fault = self.fault or fault
        self._process.kill()
        self.news.notify_all()

    def end(self) -> None:
        """Ask it to end, and kill it when it does not; may be called twice, from any thread."""
        with self._ending:
            with suppress(OSError):
                self._requests.close()
            self._listener.join(_CLOSE_S)
            if self._listener.is_alive():
                self._process.kill()
                # A process that waits for a broken device in the kernel does not even die; the
                # listener outlives this object and collects it.
                self._listener.join(_KILL_S)

    def _listen(self) -> None:
        try:
            while (message := receive(self._answers)) is not None:
                self._take(message)
        except (ValueError, OSError) as exc:
            with self.news:
                self.kill(DeviceLostError(f"{self._shown}: the driver process sent {exc}"))
        code = self._process.wait()
        self._answers.close()
        with self.news:
            self.fault = self.fault or self._ended(code)
            self.news.notify_all()

    def _take(self, message: Message) -> None:
        with self.news:
            self._heard_at = time.monotonic()
            if "error" in message:
                self.fault = self.fault or read_error(message)
            elif self.answer is None:
                self.answer = message
            else:
                self._hear(message)
            self.news.notify_all()

    def _ended(self, code: int) -> DeviceLostError:
        return DeviceLostError(f"{self._shown}: the driver process ended with {_name(code)}")


def _start(inherited: tuple[int, ...]) -> subprocess.Popen[bytes]:
    # stderr: what an SDK prints is nobody's, and may hold anything.
    return subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, *_CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        pass_fds=inherited,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _is_set(cancelled: Cancelled | None) -> bool:
    if isinstance(cancelled, threading.Event):
        return cancelled.is_set()
    return cancelled is not None and cancelled()


def _name(code: int) -> str:
    if code >= 0:
        return f"exit code {code if code < 256 else hex(code)}"
    try:
        return signal.Signals(-code).name
    except ValueError:  # real-time signals have no names
        return f"signal {-code}"
