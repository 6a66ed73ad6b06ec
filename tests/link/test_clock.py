"""The centre's clock as evidence about ours, and the alarm that they differ."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.link.boot import _of_time, boot_id
from yibao_face.daemon.link.clock import CentreClock, ClockAlarm
from yibao_face.sync.api import StoreError
from yibao_face.sync.uplink.api import SKEW_MS


class Watch:
    """A wall clock that can be set, and a steady one that cannot."""

    def __init__(self) -> None:
        self.unix_ms, self.steady_s = 1_795_305_600_000, 100.0
        self.clock = CentreClock(lambda: self.unix_ms, lambda: self.steady_s)

    def hear(self, ahead_ms: int = 0) -> None:
        self.clock.hear(self.unix_ms + ahead_ms, self.steady_s)

    def pass_s(self, seconds: float) -> None:
        self.steady_s += seconds
        self.unix_ms += round(seconds * 1000)


def test_before_the_centre_was_heard_nothing_is_known() -> None:
    assert Watch().clock.offset_ms() is None


@given(ahead_ms=st.integers(-(10**10), 10**10), passed_s=st.integers(0, 10**7))
def test_the_offset_stays_while_both_clocks_run(ahead_ms: int, passed_s: int) -> None:
    watch = Watch()
    watch.hear(ahead_ms)

    watch.pass_s(passed_s)

    assert ahead_ms == watch.clock.offset_ms()


@given(set_ms=st.integers(-(10**10), 10**10))
def test_a_clock_that_is_set_later_is_seen_without_the_centre(set_ms: int) -> None:
    watch = Watch()
    watch.hear()
    watch.pass_s(3600)

    watch.unix_ms += set_ms

    assert -set_ms == watch.clock.offset_ms()


def test_one_alarm_for_a_skew_and_one_when_it_is_well() -> None:
    written: list[dict[str, Any]] = []
    alarm = ClockAlarm(written.append)

    for offset_ms in (0, SKEW_MS, SKEW_MS + 1, 2 * SKEW_MS, SKEW_MS - 1, SKEW_MS + 5, 1000, 0):
        alarm.hear(offset_ms)

    assert [
        {"what": "clock", "state": "skewed", "offset_s": 300},
        {"what": "clock", "state": "good", "offset_s": 1},
    ] == written


@pytest.mark.parametrize("sign", [-1, 1])
def test_an_alarm_that_could_not_be_written_comes_again(sign: int) -> None:
    written: list[dict[str, Any]] = []
    full = [True, False]

    def write(detail: dict[str, Any]) -> None:
        if full.pop(0):
            raise StoreError("full")
        written.append(detail)

    alarm = ClockAlarm(write)
    with pytest.raises(StoreError):
        alarm.hear(sign * 2 * SKEW_MS)
    alarm.hear(sign * 2 * SKEW_MS)

    assert [sign * 600] == [detail["offset_s"] for detail in written]


def test_the_boot_id_is_the_same_until_the_machine_starts_again() -> None:
    assert boot_id() == boot_id()
    assert 0 < len(boot_id()) <= 64
    assert _of_time(1_795_305_600.2) == _of_time(1_795_305_601.9)
    assert _of_time(1_795_305_600.2) != _of_time(1_795_305_900.2)
