"""What a camera suffers is on record once, and once when it is over."""

from __future__ import annotations

from typing import Any

import pytest

from yibao_face.daemon.booth.alarm import CameraAlarm
from yibao_face.drivers.api import CameraInfo, Capability
from yibao_face.drivers.supervise.condition import Condition
from yibao_face.drivers.supervise.health import Health, State
from yibao_face.sync.api import StoreError

INFO = CameraInfo("uvc", "uvc:/dev/video0", "camera", "S1", Capability.RGB)
GOOD = Health(State.STREAMING, condition=Condition.GOOD, info=INFO)
COVERED = Health(State.STREAMING, condition=Condition.COVERED, info=INFO)
DARK = Health(State.STREAMING, condition=Condition.DARK, info=INFO)
LOST = Health(State.FAULTY, fault="DeviceLostError", condition=Condition.GOOD, info=INFO)
UNKNOWN = Health(State.STREAMING, info=INFO)


class Bench:
    """An alarm, a clock that is moved by hand, and what was written."""

    def __init__(self) -> None:
        self.now_s, self.full = 1000.0, False
        self.written: list[dict[str, Any]] = []
        self.alarm = CameraAlarm(self._write, lambda: self.now_s)

    def hear(self, health: Health, after_s: float = 0.0) -> None:
        self.now_s += after_s
        self.alarm.hear(health)

    @property
    def states(self) -> list[str]:
        return [str(detail["state"]) for detail in self.written]

    def _write(self, detail: dict[str, Any]) -> None:
        if self.full:
            raise StoreError("disk full")
        self.written.append(detail)


@pytest.mark.parametrize(
    ("health", "state"), [(COVERED, "covered"), (DARK, "dark"), (LOST, "DeviceLostError")]
)
def test_what_is_wrong_is_written_once_with_the_camera(health: Health, state: str) -> None:
    bench = Bench()

    for _ in range(5):
        bench.hear(health, 2.0)

    expected = {"what": "camera", "state": state, "driver": "uvc", "serial": "S1"}
    assert [expected] == bench.written


@pytest.mark.parametrize("health", [GOOD, UNKNOWN, Health()])
def test_a_camera_that_is_well_or_not_yet_known_writes_nothing(health: Health) -> None:
    bench = Bench()

    bench.hear(health, 100.0)

    assert [] == bench.written


def test_well_is_what_stays_well() -> None:
    bench = Bench()
    bench.hear(COVERED)

    bench.hear(GOOD, 1.0)
    bench.hear(GOOD, 9.0)
    assert ["covered"] == bench.states
    bench.hear(GOOD, 1.5)

    assert ["covered", "good"] == bench.states


def test_a_loose_contact_does_not_fill_the_log() -> None:
    bench = Bench()

    for _ in range(50):
        bench.hear(LOST, 1.0)
        bench.hear(GOOD, 1.0)

    assert ["DeviceLostError"] == bench.states


def test_another_trouble_follows_after_a_minute_not_before() -> None:
    bench = Bench()
    bench.hear(LOST)

    bench.hear(COVERED, 5.0)
    assert ["DeviceLostError"] == bench.states
    bench.hear(COVERED, 60.0)

    assert ["DeviceLostError", "covered"] == bench.states


def test_what_could_not_be_written_is_tried_again() -> None:
    bench = Bench()
    bench.full = True
    with pytest.raises(StoreError):
        bench.hear(COVERED)
    bench.full = False

    bench.hear(COVERED, 1.0)

    assert ["covered"] == bench.states
