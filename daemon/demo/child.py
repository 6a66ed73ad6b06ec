"""The daemon as a process of its own: what the demo calls and the benchmark measures."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from yibao_face.daemon.config import Config, to_toml
from yibao_face.daemon.door.client import Caller, caller_of

_READY_S = 60.0
_STOP_S = 10.0


class DemoError(Exception):
    """A demo or a measurement could not be made; the message is one line."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running daemon and somebody who may call it and answer at its counter."""

    process: subprocess.Popen[bytes]
    caller: Caller


@contextmanager
def child_daemon(
    config: Config, arguments: Sequence[str] = ("serve", "--demo")
) -> Generator[Child, None, None]:
    """``yibao-face serve --demo`` with ``config``; port 0 takes a free one. Stopped at the end.

    ``arguments``: another command that serves and says so in the same way.
    """
    file, log = config.data / "config.toml", config.data / "daemon.log"
    file.write_text(to_toml(config), "utf-8")
    python = [sys.executable, "-m", "yibao_face.daemon"]
    command = [*python, *arguments, "--config", str(file)]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    with (
        log.open("wb") as sink,
        subprocess.Popen(  # noqa: S603  # ourselves
            command, stdout=subprocess.PIPE, stderr=sink, env=environment
        ) as process,
    ):
        try:
            port = _port(process)
            if port is None:
                said = log.read_text("utf-8", "replace").strip().splitlines()
                raise DemoError(f"the daemon did not start: {said[-1] if said else 'no word'}")
            bound = replace(config, door=replace(config.door, port=port))
            yield Child(process, caller_of(bound, clerk=True))
        finally:
            _stop(process)


def _port(process: subprocess.Popen[bytes]) -> int | None:
    """The port of the daemon's first line; ``None`` when it ends, or says nothing, instead."""
    assert process.stdout is not None  # noqa: S101  # it is a pipe
    killer = threading.Timer(_READY_S, process.kill)
    killer.start()
    try:
        words = process.stdout.readline().decode("utf-8", "replace").split()
    finally:
        killer.cancel()
    return int(words[1].rsplit(":", 1)[1]) if words[:1] == ["ready"] else None


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
