"""Lane 2: sealed files by their hash, in their slot, and never before results."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from harness import wait_for
from uplink_bed import Centre, Heard, Machine, cable, centre

from yibao_face.sync.center.api import Limits, unix_ms
from yibao_face.sync.evidence import DROPPED, SENT, WAITING, EvidenceLane
from yibao_face.sync.uplink.api import Hands, Place, State
from yibao_face.sync.uplink.lane.evidence import MAX_BYTES, FileLane
from yibao_face.sync.uplink.wire.answer import Slot
from yibao_face.sync.uplink.wire.client import Client


def lane_of(machine: Machine) -> EvidenceLane:
    return EvidenceLane(machine.outbox.file, machine.folder / "evidence")


def keep(machine: Machine, data: bytes, at_ms: int = 1) -> str:
    """A sealed file under a name that is not its hash, as the daemon keeps it."""
    name = hashlib.sha256(b"name of " + data[:100]).hexdigest()
    folder = machine.folder / "evidence"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    lane_of(machine).add(name, max(1, len(data)), "photo", "record-1", at_ms)
    return name


def states(machine: Machine) -> dict[str, str]:
    rows = machine.outbox.file.rows("SELECT name, state FROM evidence")
    return {str(name): str(state) for name, state in rows}


def sending(site: Centre, tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "counter", site.place, evidence=tmp_path / "counter" / "evidence")
    machine.enrol(site)
    return machine


def stored(site: Centre, data: bytes) -> Path:
    sha256 = hashlib.sha256(data).hexdigest()
    return site.folder / "evidence" / sha256[:2] / sha256[2:4] / sha256


def test_files_arrive_byte_for_byte_under_their_hash(site: Centre, tmp_path: Path) -> None:
    machine = sending(site, tmp_path)
    files = [bytes([n]) * (n * 100_000 + 1) for n in range(5)]
    names = [keep(machine, data) for data in files]

    with machine.sending():
        wait_for(lambda: machine.uplink.drained)

    assert dict.fromkeys(names, SENT) == states(machine)
    assert files == [stored(site, data).read_bytes() for data in files]
    machine.close()


def test_a_file_that_is_gone_is_dropped_and_told(site: Centre, tmp_path: Path) -> None:
    machine = sending(site, tmp_path)
    gone, there = keep(machine, b"gone", 1), keep(machine, b"there", 2)
    (machine.folder / "evidence" / gone).unlink()

    with machine.sending():
        wait_for(lambda: machine.uplink.drained)

    assert {gone: DROPPED, there: SENT} == states(machine)
    assert [("evidence-missing", {"name": gone, "lane": "photo"})] == machine.heard.troubles
    machine.close()


def test_a_file_the_centre_cannot_take_holds_up_nobody(site: Centre, tmp_path: Path) -> None:
    machine = sending(site, tmp_path)
    large = keep(machine, b"x" * (MAX_BYTES + 1), 1)
    empty = keep(machine, b"", 2)
    small = keep(machine, b"small", 3)

    with machine.sending():
        wait_for(lambda: machine.uplink.drained)

    assert {large: WAITING, empty: WAITING, small: SENT} == states(machine)
    machine.close()


def test_a_centre_short_of_disk_gets_results_and_files_later(tmp_path: Path) -> None:
    limits = Limits(free_disk_bytes=2**62)
    with centre(tmp_path / "center", limits=limits) as site:
        machine = sending(site, tmp_path)
        name = keep(machine, b"photo")
        with machine.sending():
            machine.put(1, 3)
            wait_for(lambda: len(site.stored()) == 3)
            time.sleep(0.3)
            assert {name: WAITING} == states(machine)
            assert State.ONLINE is machine.status.state
    with centre(tmp_path / "center", port=site.port) as site:
        machine.uplink = machine.another()
        with machine.sending():
            wait_for(lambda: machine.uplink.drained)
        assert {name: SENT} == states(machine)
    machine.close()


def test_a_cut_wire_costs_no_file_and_doubles_none(tmp_path: Path) -> None:
    with centre(tmp_path / "center") as site, cable(site.port) as wire:
        machine = Machine(
            tmp_path / "counter",
            Place("localhost", wire.port),
            evidence=tmp_path / "counter" / "evidence",
        )
        machine.enrol(site)
        files = [bytes([n]) * 50_000 for n in range(6)]
        for data in files:
            keep(machine, data)
        with machine.sending():
            wait_for(lambda: machine.status.state is State.ONLINE)
            wire.lose_answers(3)
            wait_for(lambda: machine.uplink.drained)
        assert files == [stored(site, data).read_bytes() for data in files]
        machine.close()


def test_a_file_under_way_lets_results_pass(site: Centre, tmp_path: Path) -> None:
    machine = sending(site, tmp_path)
    keep(machine, b"z" * 300_000)
    with bench(machine, site) as lane:
        lane.quiet.clear()
        timer = threading.Timer(0.4, lane.quiet.set)
        timer.start()
        begun = time.monotonic()

        assert lane.files.send(lane.client)

        assert time.monotonic() - begun >= 0.4
        timer.join()


def test_before_its_slot_no_file_is_sent(site: Centre, tmp_path: Path) -> None:
    machine, now_ms = sending(site, tmp_path), unix_ms()
    with bench(machine, site) as lane:
        lane.files.take_slot(Slot(now_ms + 90_000, 1000))

        assert 90.0 == lane.files.opens_in_s(now_ms)
        assert 0.0 == lane.files.opens_in_s(now_ms + 90_000)


def test_the_rate_of_the_slot_is_kept(site: Centre, tmp_path: Path) -> None:
    machine = sending(site, tmp_path)
    for n in range(3):
        keep(machine, bytes([n]) * 200_000, n)
    with bench(machine, site) as lane:
        lane.files.take_slot(Slot(0, 100_000))
        while lane.files.send(lane.client):
            pass

        # 600,000 bytes at 100,000 a second, less the second's worth that may go at once.
        assert 4.5 <= sum(lane.waits) <= 7.0
        assert {SENT} == set(states(machine).values())


class Bench:
    """The lane without its thread; its waits are counted, not waited for."""

    def __init__(self, machine: Machine, site: Centre) -> None:
        self.waits: list[float] = []
        self.quiet = threading.Event()
        self.quiet.set()
        self.client = Client(site.place, machine.identities.context(site.ca, known=True))
        self.files = FileLane(
            lane_of(machine),
            machine.folder / "evidence",
            Hands(steady_s=lambda: sum(self.waits)),
            news=Heard(),
            quiet=self.quiet,
            wait=self._wait,
        )

    def _wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return False


@contextmanager
def bench(machine: Machine, site: Centre) -> Generator[Bench, None, None]:
    made = Bench(machine, site)
    try:
        yield made
    finally:
        made.client.close()
        machine.close()
