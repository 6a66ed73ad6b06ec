"""What a running writer tells of itself: what it wrote, what waits, and what does not answer."""

from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from center_bed import run_of, running, statuses
from cluster_bed import Nats, nats, until
from prometheus_client.parser import text_string_to_metric_families

from yibao_face.daemon.cli.main import main
from yibao_face.sync.center.bus.address import read_address
from yibao_face.sync.center.bus.jetstream import JetStream
from yibao_face.sync.center.http.metrics import health_of, metrics_text, part_of


@dataclass(frozen=True)
class Told:
    """What is answered at an address, here or elsewhere."""

    status: int
    text: str


@dataclass(frozen=True)
class Writing:
    """A running ``center write``. ``url``: of its metrics."""

    url: str
    process: subprocess.Popen[str]

    def ask(self, path: str) -> Told:
        try:
            with urllib.request.urlopen(self.url.replace("/metrics", path), timeout=20) as answer:  # noqa: S310  # loopback
                return Told(answer.status, answer.read().decode())
        except urllib.error.HTTPError as exc:
            return Told(exc.code, exc.read().decode())

    def health(self) -> tuple[int, dict[str, str]]:
        told = self.ask("/health")
        found: dict[str, str] = json.loads(told.text)
        return told.status, found

    def samples(self) -> dict[tuple[str, ...], float]:
        told = self.ask("/metrics")
        assert 200 == told.status, told.text
        return parsed(told.text)


def parsed(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name.removeprefix("yibao_center_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def server() -> Generator[Nats, None, None]:
    with nats() as made:
        yield made


@contextmanager
def writing(*words: str) -> Generator[Writing, None, None]:
    program = [sys.executable, "-m", "yibao_face.daemon.cli.main", "center", "write"]
    command = [*program, *words, "--metrics-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[1]
            assert "writing\n" == process.stdout.readline()
            yield Writing(url, process)
        finally:
            process.kill()


@contextmanager
def beside(server: Nats) -> Generator[JetStream, None, None]:
    bus = JetStream(read_address(server.url))
    try:
        yield bus
    finally:
        bus.close()


def test_a_writer_tells_what_it_wrote_and_ends_when_told(
    tmp_path: Path, url: str | None, server: Nats
) -> None:
    with running(tmp_path, url, bus=JetStream(read_address(server.url))) as site:
        sent = run_of(1, 9)
        assert ["new"] * 9 == statuses(site.machine().batch(sent))
        site.machine().batch([{**sent[0], "code": 2}])
        taking = part_of(site.center)
        assert parsed(metrics_text(taking).decode())["bus_messages",] >= 1
        assert {"status": "ok", "database": "ok", "bus": "ok"} == health_of(taking)

    words = ["--data", str(tmp_path), "--bus", server.url, *(["--db", url] if url else [])]
    with beside(server) as bus, writing(*words) as writer:
        bus.publish("poison", b"poison")
        until("all is written", lambda: bus.waiting() == 0)
        until("it is counted", lambda: ("alarms_total", "dead-letter") in writer.samples())
        found = writer.samples()
        assert (200, {"status": "ok", "database": "ok", "bus": "ok"}) == writer.health()
        writer.process.terminate()
        assert 0 == writer.process.wait(30)

    assert 9 == found["records_total", "new"]
    assert 1 == found["alarms_total", "dead-letter"]
    assert 0 == found["bus_messages",]
    assert (1, 1) == (found["devices",], found["devices_active",])


def test_a_bus_that_does_not_answer_is_seen_and_the_rest_is_told_all_the_same(
    tmp_path: Path, server: Nats
) -> None:
    with running(tmp_path):
        pass
    [servers] = [[*server.servers.values()]]
    with writing("--data", str(tmp_path), "--bus", server.url) as writer:
        assert 0 == writer.samples()["bus_messages",]
        for one in servers:
            one.pause()
        try:
            assert (503, {"status": "down", "database": "ok", "bus": "down"}) == writer.health()
            found = writer.samples()
        finally:
            for one in servers:
                one.resume()
        until("it is found again", lambda: writer.health()[0] == 200)

    assert math.isnan(found["bus_messages",])
    assert found["disk_free_bytes",] > 0


def test_a_database_that_cannot_be_used_is_seen(tmp_path: Path, server: Nats) -> None:
    with running(tmp_path):
        pass
    with writing("--data", str(tmp_path), "--bus", server.url) as writer:
        (tmp_path / "center.db").write_bytes(b"no database" * 1000)

        assert (503, {"status": "down", "database": "down", "bus": "ok"}) == writer.health()
        assert 503 == writer.ask("/metrics").status


def test_a_centre_without_a_bus_has_no_figure_of_it(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        part = part_of(site.center)

        assert {"status": "ok", "database": "ok"} == health_of(part)
        assert ("bus_messages",) not in parsed(metrics_text(part).decode())


def test_a_port_that_is_taken_is_told_in_one_line(
    tmp_path: Path, server: Nats, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path):
        pass
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ["--data", str(tmp_path), "--bus", server.url, "--metrics-port", str(port)]

        assert 1 == main(["center", "write", *words])
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"yibao-face: port {port} cannot be opened:")
