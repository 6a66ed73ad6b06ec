"""One owner: frames are fresh, faults are told in time, and what fell away is opened again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from yibao_face.drivers.api import (
    Camera,
    DeviceBusyError,
    DeviceConfigError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DeviceStalledError,
    Frame,
    Intrinsics,
)
from yibao_face.drivers.supervise.condition import Condition
from yibao_face.drivers.supervise.health import Health, State
from yibao_face.drivers.supervise.supervisor import Patience, Supervisor
from yibao_face.drivers.virtual import Step, VirtualCamera

LENS = Intrinsics(64, 48, 60.0, 60.0, 32.0, 24.0)
QUICK = Patience(
    open_s=1.0, silence_s=0.6, freeze_s=0.4, settle_s=0.1, idle_s=0.0, preopen=False, peek_s=0.0
)
PATIENCE_S = 8.0


def frame(seed: int, level: int = 120) -> Frame:
    """A textured picture with noise of its own."""
    noise = np.random.default_rng(seed)
    bgr = noise.integers(0, 2 * level, (48, 64, 3)).astype(np.uint8)
    bgr[:24] //= 3
    depth_mm = noise.integers(500, 900, (48, 64)).astype(np.uint16)
    return Frame(seed, seed, seed, bgr, depth_mm, None, LENS)


class Port:
    """A socket a virtual camera is plugged into; each opening plays what is set."""

    def __init__(self) -> None:
        self.error: DeviceError | None = None
        self.script: Callable[[], list[Step]] = steady
        self.opened: list[VirtualCamera] = []

    def open(self) -> Camera:
        if self.error is not None:
            raise self.error
        self.opened.append(VirtualCamera(self.script(), live=True))
        return self.opened[-1]


def steady(count: int = 300) -> list[Step]:
    """Ten seconds of 30 frames a second."""
    return [step for seed in range(count) for step in (0.03, frame(seed))]


@pytest.fixture
def port() -> Port:
    return Port()


@pytest.fixture
def supervise(port: Port) -> Iterator[Callable[..., Supervisor]]:
    made: list[Supervisor] = []

    def make(
        patience: Patience = QUICK, tell: Callable[[Health], None] | None = None
    ) -> Supervisor:
        made.append(Supervisor(port.open, patience, tell))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.close()


def next_frame(camera: Camera) -> Frame:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        got = camera.read(0.2)
        if got is not None:
            return got
    raise AssertionError("no frame came")


def becomes(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


def test_a_lease_sees_only_what_was_taken_since_and_nothing_twice(
    supervise: Callable[..., Supervisor],
) -> None:
    supervisor = supervise(replace(QUICK, idle_s=-1))
    with supervisor.lease() as first:
        next_frame(first)
    asked_ns = time.monotonic_ns()

    with supervisor.lease() as second:
        frames = [next_frame(second) for _ in range(4)]

    assert all(f.at_ns > asked_ns for f in frames)
    assert sorted({f.seq for f in frames}) == [f.seq for f in frames]


def test_a_camera_kept_open_is_not_opened_for_each_person(
    supervise: Callable[..., Supervisor], port: Port
) -> None:
    supervisor = supervise(replace(QUICK, idle_s=-1))

    for _ in range(3):
        with supervisor.lease() as camera:
            next_frame(camera)

    assert 1 == len(port.opened) == supervisor.health().opens


def test_without_idle_time_it_is_released_after_each_person(
    supervise: Callable[..., Supervisor], port: Port
) -> None:
    supervisor = supervise()
    with supervisor.lease() as camera:
        next_frame(camera)

    assert becomes(lambda: port.opened[0].closed)
    assert becomes(lambda: supervisor.health().state is State.CLOSED)


def test_it_opens_before_anybody_comes_when_told_to(
    supervise: Callable[..., Supervisor], port: Port
) -> None:
    supervisor = supervise(replace(QUICK, idle_s=5.0))
    supervisor.prepare()

    assert becomes(lambda: supervisor.health().state is State.STREAMING)
    assert 1 == len(port.opened)


@pytest.mark.parametrize(
    "error", [DeviceMissingError("virtual:0 is gone"), DeviceBusyError("virtual:0", "zoom")]
)
def test_a_camera_that_cannot_be_had_is_told_in_time(
    supervise: Callable[..., Supervisor], port: Port, error: DeviceError
) -> None:
    port.error = error
    supervisor = supervise()
    started = time.monotonic()

    with pytest.raises(type(error), match="virtual:0"):
        supervisor.lease()

    assert time.monotonic() - started < QUICK.open_s + 0.5
    assert (State.FAULTY, type(error).__name__) == (
        supervisor.health().state,
        supervisor.health().fault,
    )


def test_what_waiting_does_not_mend_is_told_at_once(
    supervise: Callable[..., Supervisor], port: Port
) -> None:
    port.error = DeviceConfigError("no driver 'x'")
    supervisor = supervise(replace(QUICK, open_s=30.0))
    started = time.monotonic()

    with pytest.raises(DeviceConfigError):
        supervisor.lease()

    assert time.monotonic() - started < PATIENCE_S


def test_an_opening_that_hangs_does_not_hold_the_caller(
    supervise: Callable[..., Supervisor], port: Port
) -> None:
    released = threading.Event()

    def hang() -> list[Step]:
        released.wait(PATIENCE_S)
        return steady()

    port.script = hang
    supervisor = supervise()

    with pytest.raises(DeviceStalledError):
        supervisor.lease()
    released.set()
    with supervisor.lease() as camera:
        assert next_frame(camera).seq >= 0


def test_a_lost_camera_ends_the_lease_and_is_opened_again(
    supervise: Callable[..., Supervisor], port: Port
) -> None:
    supervisor = supervise(replace(QUICK, idle_s=-1))
    port.script = lambda: steady(12)
    with supervisor.lease() as camera, pytest.raises(DeviceLostError):
        while True:
            camera.read(0.5)
    port.script = steady

    with supervisor.lease() as again:
        next_frame(again)

    assert supervisor.health().opens >= 2
    assert "" == supervisor.health().fault


def test_a_camera_swapped_in_mid_encounter_never_continues_it(
    supervise: Callable[..., Supervisor], port: Port
) -> None:
    supervisor = supervise(replace(QUICK, idle_s=-1))
    port.script = lambda: steady(12)
    with supervisor.lease() as camera:
        next_frame(camera)
        assert becomes(lambda: supervisor.health().opens >= 2)

        with pytest.raises(DeviceLostError):
            camera.read(0.5)


def silent() -> list[Step]:
    return [*steady(8), 60.0]


def frozen() -> list[Step]:
    """Colour moves on, depth is the same picture again and again."""
    still = frame(1).depth_mm
    return [step for seed in range(200) for step in (0.03, replace(frame(seed), depth_mm=still))]


@pytest.mark.parametrize("script", [silent, frozen])
def test_a_stream_that_stands_is_closed_and_told_as_stalled(
    supervise: Callable[..., Supervisor], port: Port, script: Callable[[], list[Step]]
) -> None:
    port.script = script
    supervisor = supervise()

    with supervisor.lease() as camera, pytest.raises(DeviceStalledError):
        for _ in range(400):
            camera.read(0.1)
    assert becomes(lambda: port.opened[0].closed)


def test_closing_a_lease_ends_a_read_that_waits(supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise(replace(QUICK, silence_s=30.0))
    camera = supervisor.lease()
    next_frame(camera)
    closer = threading.Timer(0.2, camera.close)
    closer.start()

    with pytest.raises(DeviceLostError):
        while True:
            camera.read(5.0)
    closer.join()


def test_closing_the_supervisor_ends_leases_that_are_out(
    supervise: Callable[..., Supervisor], port: Port
) -> None:
    supervisor = supervise()
    camera = supervisor.lease()

    supervisor.close()

    with pytest.raises(DeviceLostError):
        for _ in range(50):
            camera.read(0.1)
    assert port.opened[0].closed
    with pytest.raises(DeviceLostError):
        supervisor.lease()


def test_a_bug_in_a_driver_is_a_fault_of_the_camera_not_the_end_of_its_owner(
    supervise: Callable[..., Supervisor], port: Port
) -> None:
    port.script = lambda: [*steady(5), ZeroDivisionError("in a driver")]
    supervisor = supervise()
    with supervisor.lease() as camera, pytest.raises(DeviceError, match="ZeroDivisionError"):
        while True:
            camera.read(0.5)
    port.script = steady

    with supervisor.lease() as again:
        next_frame(again)


def test_a_covered_lens_is_told_though_nobody_uses_the_camera(
    supervise: Callable[..., Supervisor], port: Port
) -> None:
    grey = np.full((48, 64, 3), 9, np.uint8)
    port.script = lambda: [
        step for seed in range(200) for step in (0.02, replace(frame(seed), bgr=grey))
    ]
    told: list[Health] = []

    supervise(replace(QUICK, peek_s=0.2), told.append)

    assert becomes(lambda: any(h.condition is Condition.COVERED for h in told))
    assert becomes(lambda: len(port.opened) >= 2)
    assert port.opened[0].closed


def test_the_first_frames_are_dropped_until_the_light_is_steady(
    supervise: Callable[..., Supervisor], port: Port
) -> None:
    def brightening() -> list[Step]:
        rising = [step for n in range(6) for step in (0.01, frame(n, 10 + 20 * n))]
        return [*rising, *steady()]

    port.script = brightening
    supervisor = supervise(replace(QUICK, settle_s=5.0))

    with supervisor.lease() as camera:
        first = next_frame(camera)

    assert first.bgr.mean() > 60


def test_frames_nobody_fetched_are_counted(supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise()
    with supervisor.lease() as camera:
        next_frame(camera)
        assert becomes(lambda: supervisor.health().dropped > 0)

        health = supervisor.health()

    assert health.last_frame_age_s is not None
    assert 10 < health.fps < 60
