"""systemd's socket, spoken to as it is: a datagram socket of a test."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from yibao_face.daemon.life.crash import CrashFolder, crashes
from yibao_face.daemon.life.notify import notify, watchdog_s
from yibao_face.daemon.life.pulse import EXIT_HUNG, Bounds, Pulse

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="systemd is Linux's")
QUICK = Bounds(loop_s=0.2, encounter_s=0.2, stop_s=0.2, tick_s=0.02)


@pytest.fixture
def manager(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[socket.socket, None, None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield sock


def heard(manager: socket.socket) -> str:
    return manager.recv(4096).decode()


def test_without_a_manager_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/notify")
    assert not notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "relative")
    assert not notify("READY=1")


def test_the_manager_hears(manager: socket.socket) -> None:
    assert notify("READY=1")
    assert "READY=1" == heard(manager)


@pytest.mark.skipif(sys.platform != "linux", reason="names without a file are Linux's")
def test_a_socket_without_a_file_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"yibao-face-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        sock.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        assert notify("READY=1")
        assert "READY=1" == heard(sock)


@pytest.mark.parametrize(
    ("given", "pid", "wanted"),
    [
        ("", "", None),
        ("60000000", "", 60.0),
        ("60000000", "own", 60.0),
        ("60000000", "1", None),
        ("0", "", None),
        ("soon", "", None),
    ],
)
def test_how_long_the_manager_waits(
    monkeypatch: pytest.MonkeyPatch, given: str, pid: str, wanted: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", given)
    # Not among the parameters: every process that shares the tests has another one.
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)

    assert wanted == watchdog_s()


class Ended:
    """Stands where the process would end."""

    def __init__(self) -> None:
        self.code: int | None = None
        self.told = threading.Event()

    def __call__(self, code: int) -> None:
        self.code = code
        self.told.set()


def test_a_service_that_lives_says_so_and_says_that_it_stops(
    manager: socket.socket, tmp_path: Path
) -> None:
    ended, said = Ended(), list[str]()

    def listen() -> None:
        while "STOPPING=1" not in said:
            said.append(heard(manager))

    async def serve() -> None:
        stop = asyncio.Event()
        with Pulse(lambda: "", CrashFolder(tmp_path / "crash", "serve"), QUICK, ended) as pulse:
            pulse.follow(asyncio.get_running_loop(), stop)
            pulse.ready()
            await asyncio.sleep(0.5)
            stop.set()
            await asyncio.sleep(0.1)

    listener = threading.Thread(target=listen)
    listener.start()
    asyncio.run(serve())
    listener.join(10)

    assert "STOPPING=1" == said[-1]
    assert "READY=1" == said[0]
    assert said.count("WATCHDOG=1") >= 5
    assert ended.code is None
    assert [] == crashes(tmp_path / "crash")


def hangs(kind: str) -> str:
    return "same" if kind == "encounter without end" else ""


@pytest.mark.parametrize("kind", ["encounter without end", "door does not answer", "stop overdue"])
def test_what_only_seems_to_live_is_ended_with_a_note(tmp_path: Path, kind: str) -> None:
    ended, crash = Ended(), CrashFolder(tmp_path, "serve")
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    if kind == "stop overdue":
        stop.set()
    runner = threading.Thread(target=loop.run_forever)
    if kind != "door does not answer":
        runner.start()
    with Pulse(lambda: hangs(kind), crash, QUICK, ended) as pulse:
        pulse.follow(loop, stop)
        assert ended.told.wait(10)
    if runner.is_alive():
        loop.call_soon_threadsafe(loop.stop)
        runner.join()
    loop.close()

    [file] = crashes(tmp_path)
    assert EXIT_HUNG == ended.code
    assert f'"error": "{kind}"' in file.read_text("utf-8")
    assert "test_notify.py" in file.read_text("utf-8")


def test_encounters_that_follow_each_other_are_no_hang(tmp_path: Path) -> None:
    ended, turn = Ended(), iter(range(10_000))
    with Pulse(lambda: str(next(turn)), CrashFolder(tmp_path, "serve"), QUICK, ended):
        ended.told.wait(0.6)

    assert ended.code is None
