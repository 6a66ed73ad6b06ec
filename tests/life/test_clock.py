"""A clock that was set is noticed while the service runs and while it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.life.clock import JUMP_MS, ClockWatch, Times
from yibao_face.sync.api import StoreError

HOUR_MS = 3_600_000


class Machine:
    """Its two clocks, and how often it was started."""

    def __init__(self, file: Path) -> None:
        self.file, self.unix_ms, self.steady_ms, self.boot = file, 1_800_000_000_000, 5_000, "b1"
        self.written: list[dict[str, Any]] = []
        self.full = False

    def passes(self, ms: int) -> None:
        self.unix_ms += ms
        self.steady_ms += ms

    def restarts(self) -> None:
        self.steady_ms, self.boot = 9_000, self.boot + "x"

    def starts(self) -> ClockWatch:
        times = Times(lambda: self.unix_ms, lambda: self.steady_ms / 1000, self.boot)
        watch = ClockWatch(self.file, times, self._write)
        watch.begin()
        return watch

    def _write(self, detail: dict[str, Any]) -> None:
        if self.full:
            raise StoreError("disk full")
        self.written.append(detail)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "clock.json")


def test_time_that_passes_is_no_jump(machine: Machine) -> None:
    watch = machine.starts()
    for _ in range(100):
        machine.passes(HOUR_MS)
        watch.look()
    machine.starts()

    assert [] == machine.written


@pytest.mark.parametrize("by_ms", [HOUR_MS, -HOUR_MS, JUMP_MS + 1000])
def test_a_clock_set_while_it_runs_is_on_record_once(machine: Machine, by_ms: int) -> None:
    watch = machine.starts()
    machine.unix_ms += by_ms
    watch.look()
    watch.look()

    assert [{"what": "clock-set", "by_s": by_ms // 1000, "when": "run"}] == machine.written


def test_a_clock_set_while_the_service_was_down_is_found_at_the_start(machine: Machine) -> None:
    machine.starts()
    machine.passes(HOUR_MS)
    machine.unix_ms -= 2 * HOUR_MS
    machine.starts()

    assert [{"what": "clock-set", "by_s": -7200, "when": "start"}] == machine.written


def test_after_another_start_of_the_machine_only_back_is_told(machine: Machine) -> None:
    machine.starts()
    machine.restarts()
    machine.unix_ms += 72 * HOUR_MS
    machine.starts()
    assert [] == machine.written

    machine.restarts()
    machine.unix_ms -= 72 * HOUR_MS
    machine.starts()
    assert [-72 * 3600] == [said["by_s"] for said in machine.written]


def test_a_small_step_of_the_network_time_is_nothing(machine: Machine) -> None:
    watch = machine.starts()
    for _ in range(50):
        machine.unix_ms += JUMP_MS // 4
        watch.look()

    assert [] == machine.written


def test_what_a_full_disk_did_not_take_is_written_later(machine: Machine) -> None:
    watch = machine.starts()
    machine.full = True
    machine.unix_ms += HOUR_MS
    watch.look()
    machine.full = False
    watch.look()
    watch.look()

    assert [3600] == [said["by_s"] for said in machine.written]


@given(st.binary(max_size=200))
def test_any_file_is_read(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.mktemp("c") / "clock.json"
    file.write_bytes(data)
    machine = Machine(file)
    machine.starts()

    assert [] == machine.written


@pytest.mark.parametrize(
    "text", ["[1]", '{"boot": 1}', '{"boot": "b1", "between_ms": true}', '{"at_ms": "x"}']
)
def test_a_file_of_another_shape_is_nothing(machine: Machine, text: str) -> None:
    machine.file.write_text(text, "utf-8")
    machine.starts()

    assert [] == machine.written
