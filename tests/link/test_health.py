"""How the camera and the power of this machine are told to the centre."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from yibao_face.daemon.link.health import camera_facts, power_facts
from yibao_face.drivers import api
from yibao_face.drivers.supervise.condition import Condition
from yibao_face.drivers.supervise.health import Health, State
from yibao_face.sync.center.ingest.health import CAMERAS

ERRORS = [
    one
    for one in vars(api).values()
    if isinstance(one, type) and issubclass(one, api.DeviceError) and one is not api.DeviceError
]


@pytest.mark.parametrize(
    ("health", "camera"),
    [
        (None, "unknown"),
        (Health(), "unknown"),
        (Health(State.OPENING, opens=3), "unknown"),
        (Health(State.CLOSED, opens=1), "ok"),
        (Health(State.STREAMING, condition=Condition.DARK), "ok"),
        (Health(State.FAULTY, "DeviceMissingError"), "missing"),
        (Health(State.FAULTY, "DeviceBusyError"), "busy"),
        (Health(State.FAULTY, "DeviceLostError", opens=2), "lost"),
        (Health(State.FAULTY, "ValueError"), "fault"),
    ],
)
def test_the_camera_is_told_in_the_words_of_the_protocol(
    health: Health | None, camera: str
) -> None:
    assert camera == camera_facts(health)["camera"]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_of_a_driver_has_a_word_the_centre_knows(error: type) -> None:
    word = camera_facts(Health(State.FAULTY, error.__name__))["camera"]

    assert word in CAMERAS
    assert word not in ("ok", "unknown")


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("condition", Condition)
def test_only_a_running_camera_is_covered(state: State, condition: Condition) -> None:
    covered = state is State.STREAMING and condition is Condition.COVERED

    assert covered == camera_facts(Health(state, condition=condition))["covered"]


def _fails() -> Any:
    raise OSError("no such file")


@pytest.mark.parametrize(
    ("read", "facts"),
    [
        (lambda: None, {"power": "mains"}),
        (_fails, {"power": "unknown"}),
        (
            lambda: SimpleNamespace(percent=99.6, power_plugged=True),
            {"power": "mains", "battery_percent": 100},
        ),
        (
            lambda: SimpleNamespace(percent=101, power_plugged=False),
            {"power": "battery", "battery_percent": 100},
        ),
        (
            lambda: SimpleNamespace(percent=7, power_plugged=None),
            {"power": "unknown", "battery_percent": 7},
        ),
    ],
)
def test_the_power_is_told(read: Callable[[], Any], facts: dict[str, Any]) -> None:
    assert facts == power_facts(read)
