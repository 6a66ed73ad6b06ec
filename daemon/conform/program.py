"""A program that calls the library and is driven by a pipe: ``hcf-selftest --pipe``.

The kit is a 64-bit process of this system; a 32-bit library, or one of another system, needs a
process of its own kind.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import IO, cast

from yibao_face.daemon.conform.case import ConformError, Interface, Send
from yibao_face.daemon.conform.library import FAULTS, unfit
from yibao_face.daemon.conform.target import Answer

_LINE_BYTES = 256
_END_S = 20.0
_ANSWER = re.compile(r"(-?\d+) (\d{1,4})((?: before| unended| input)*)\r?\n")
_LOAD = re.compile(r"(\d+) (\d+) (\d+) (\d+)\r?\n")


class ProgramGoneError(OSError):
    """The program ended: its library crashed it, or touched a byte behind input or answer."""


def _no_processes() -> SimpleQueue[subprocess.Popen[bytes]]:
    return SimpleQueue()


@dataclass(frozen=True, slots=True)
class ProgramTarget:
    """``command``: starts the program. Calls at the same time have a process each."""

    command: tuple[str, ...]
    _idle: SimpleQueue[subprocess.Popen[bytes]] = field(default_factory=_no_processes, repr=False)

    @property
    def name(self) -> str:
        """See ``Target.name``."""
        return shlex.join(self.command)

    def unfit(self, send: Send, body: bytes) -> str:
        """See ``Target.unfit``."""
        return unfit(send, body)

    def send(self, interface: Interface, send: Send, body: bytes) -> Answer:
        """See ``Target.send``; a byte behind input or answer ends the program."""
        del send
        return self.call(interface, body)

    def call(self, interface: Interface, body: bytes, how: str = "plain") -> Answer:
        """One call. ``how``: ``plain``, ``same`` buffer, ``null-in`` or ``null-out``."""
        with self._process() as (to, of):
            to.write(f"{interface} {how} {len(body)}\n".encode() + body)
            to.flush()
            value, length, words = _matched(_ANSWER, of)
            raw = of.read(int(length))
        faults = tuple(FAULTS[word] for word in words.split())
        return Answer(raw, returned=int(value), faults=faults)

    def load(self, interface: Interface, threads: int, calls: int) -> tuple[int, int, int, int]:
        """``calls`` in each of ``threads``: wrong ones, microseconds, KiB before and after."""
        with self._process() as (to, of):
            to.write(f"{interface} load {threads} {calls}\n".encode())
            to.flush()
            wrong, took_us, before_kib, after_kib = map(int, _matched(_LOAD, of))
        return wrong, took_us, before_kib, after_kib

    def close(self) -> None:
        """End the idle processes."""
        while (process := self._taken()) is not None:
            process.communicate(timeout=_END_S)

    def __enter__(self) -> ProgramTarget:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _process(self) -> Generator[tuple[IO[bytes], IO[bytes]], None, None]:
        process = self._taken() or self._started()
        to, of = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        try:
            yield to, of
        except BaseException:
            process.kill()
            process.wait()
            of.close()
            with suppress(OSError):  # what was not sent yet goes nowhere
                to.close()
            raise
        self._idle.put(process)

    def _taken(self) -> subprocess.Popen[bytes] | None:
        try:
            return self._idle.get_nowait()
        except Empty:
            return None

    def _started(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603  # the program whoever runs the kit named
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as exc:
            raise ConformError(f"{self.command[0]} cannot be started: {exc.strerror}") from exc


def program_target(path: Path) -> ProgramTarget:
    """The self test at ``path``; raises ``ConformError`` when it is not there."""
    if not path.is_file():
        raise ConformError(f"{path.name} is not there")
    return ProgramTarget((str(path.resolve()), "--pipe"))


def _matched(form: re.Pattern[str], of: IO[bytes]) -> tuple[str, ...]:
    """The next line; raises ``ProgramGoneError`` where it is none of ours."""
    line = of.readline(_LINE_BYTES).decode("ascii", "replace")
    found = form.fullmatch(line)
    if found is None:
        raise ProgramGoneError(f"the program ended, or says {line!r}")
    return found.groups()
