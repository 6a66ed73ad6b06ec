"""Kill -9 on either side of the bus, right behind the point of no return, and at any moment."""

from __future__ import annotations

import http.client
import random
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from center_bed import Machine, run_of, running, statuses
from cluster_bed import Nats, nats, until

from yibao_face.daemon.cli.main import main
from yibao_face.sync.center.bus.address import read_address
from yibao_face.sync.center.bus.jetstream import JetStream
from yibao_face.sync.center.bus.writer import DEAD

PROGRAM = Path(__file__).with_name("dying_bus.py")
LOST = (http.client.HTTPException, ConnectionError)


@pytest.fixture
def server() -> Generator[Nats, None, None]:
    with nats() as made:
        yield made


@pytest.fixture
def bus(server: Nats) -> Generator[JetStream, None, None]:
    made = JetStream(read_address(server.url), silent_s=1)
    yield made
    made.close()


@contextmanager
def child(
    role: str, folder: Path, url: str | None, bus: str
) -> Generator[tuple[subprocess.Popen[str], str], None, None]:
    """One side of the bus, and what it says when it is ready."""
    command = [sys.executable, str(PROGRAM), role, str(folder), url or "", bus]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def bound(folder: Path, url: str | None) -> Machine:
    with running(folder, url) as site:
        return site.machine()


def stored(folder: Path, url: str | None) -> tuple[list[int], dict[str, str]]:
    """Numbers and alarms; every record hangs together with the one before."""
    with running(folder, url) as site:
        found = site.stored()
        assert {"whole"} == {row["chain"] for row in found}
        return [row["seq"] for row in found], site.alarms()


def test_killed_behind_the_point_of_no_return_nothing_is_lost_or_doubled(
    tmp_path: Path, url: str | None, server: Nats, bus: JetStream
) -> None:
    machine, sent = bound(tmp_path, url), run_of(1, 50)
    (tmp_path / "die").touch()
    for _ in range(2):
        with child("ingest", tmp_path, url, server.url) as (process, port):
            machine.port = int(port)
            with suppress(*LOST):
                raise AssertionError(machine.batch(sent))
            assert -9 == process.wait(10)
    for _ in range(2):
        with child("writer", tmp_path, url, server.url) as (process, _):
            assert -9 == process.wait(20)
    (tmp_path / "die").unlink()
    assert 1 == bus.waiting()

    with child("ingest", tmp_path, url, server.url) as (_, port):
        machine.port = int(port)
        assert ["dup"] * 50 == statuses(machine.batch(sent))
        machine.close()
    with child("writer", tmp_path, url, server.url):
        until("all is written", lambda: bus.waiting() == 0)
    assert ([*range(1, 51)], {}) == stored(tmp_path, url)


def test_killed_while_it_puts_something_aside_the_writer_does_it_once(
    tmp_path: Path, url: str | None, server: Nats, bus: JetStream
) -> None:
    bound(tmp_path, url)
    bus.publish("poison", b"poison")
    (tmp_path / "die").touch()
    for _ in range(2):
        with child("writer", tmp_path, url, server.url) as (process, _):
            assert -9 == process.wait(20)
    (tmp_path / "die").unlink()

    with child("writer", tmp_path, url, server.url):
        until("it is put aside", lambda: bus.waiting() == 0)

    assert 1 == len(bus.buried())
    with running(tmp_path, url) as site:
        assert {DEAD} == {*site.alarms()}


def test_both_sides_killed_at_any_moment_lose_nothing_and_double_nothing(
    tmp_path: Path, url: str | None, server: Nats, bus: JetStream
) -> None:
    machine, sent, dice = bound(tmp_path, url), run_of(1, 300), random.Random(8)  # noqa: S311  # moments
    done, kills = 0, 0
    while done < len(sent):
        with (
            child("ingest", tmp_path, url, server.url) as (ingest, port),
            child("writer", tmp_path, url, server.url) as (writer, _),
        ):
            machine.port = int(port)
            if kills < 5:
                for process in (ingest, writer):
                    threading.Timer(dice.uniform(0.02, 0.2), process.kill).start()
            with suppress(*LOST):
                while done < len(sent):
                    assert {"new", "dup"} >= {*statuses(machine.batch(sent[done : done + 10]))}
                    done += 10
            machine.close()
            kills += done < len(sent)
    with child("writer", tmp_path, url, server.url):
        until("all is written", lambda: bus.waiting() == 0)

    assert ([*range(1, 301)], {}) == stored(tmp_path, url)
    assert kills > 0


def test_the_commands_of_an_operator_take_in_write_and_stop_when_told(
    tmp_path: Path, server: Nats, bus: JetStream
) -> None:
    machine = bound(tmp_path, None)
    rest = ["--data", str(tmp_path), "--bus", server.url]
    with command("serve", *rest, "--port", "0") as (serving, told):
        machine.port = int(told.rsplit(":", 1)[1])
        assert ["new"] * 9 == statuses(machine.batch(run_of(1, 9)))
        machine.close()
        with command("write", *rest) as (writing, ready):
            assert "writing" == ready
            until("all is written", lambda: bus.waiting() == 0)
            for process in (writing, serving):
                process.terminate()
                assert 0 == process.wait(30)
    assert ([*range(1, 10)], {}) == stored(tmp_path, None)


@contextmanager
def command(*words: str) -> Generator[tuple[subprocess.Popen[str], str], None, None]:
    program = [sys.executable, "-m", "yibao_face.daemon.cli.main", "center", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_a_writer_without_a_bus_says_what_to_give(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for action in ("write", "dead"):
        assert 1 == main(["center", action, "--data", str(tmp_path)])
        assert "no bus: give --bus nats://a,b,c" in capsys.readouterr().err
