"""What a sign of life says of the machine: camera, power, what waits. Nothing of who was seen."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import psutil

from yibao_face.daemon.gallery.keeper import EvidenceKeeper
from yibao_face.drivers.supervise.condition import Condition
from yibao_face.drivers.supervise.health import Health, State
from yibao_face.sync.api import StoreError
from yibao_face.sync.delivery import Delivery

logger = logging.getLogger(__name__)

_MAX_CHARS = 64
# Class names of the drivers' errors as the centre calls them; everything else is a fault.
_FAULTS = {
    "DeviceMissingError": "missing",
    "DeviceBusyError": "busy",
    "DevicePermissionError": "denied",
    "DeviceLostError": "lost",
    "DeviceStalledError": "stalled",
    "DeviceUnsupportedError": "unsupported",
}


def health_facts(
    camera: Health | None, delivery: Delivery, keeper: EvidenceKeeper
) -> dict[str, Any]:
    """As docs/protocol.md spells ``health``; what cannot be told now is left out."""
    return {**camera_facts(camera), **power_facts(), **_depths(delivery, keeper), **_versions()}


def camera_facts(health: Health | None) -> dict[str, Any]:
    """``health``: ``None`` where nobody watches over the camera, as over a recording."""
    if health is None:
        return {"camera": "unknown"}
    covered = health.state is State.STREAMING and health.condition is Condition.COVERED
    return {"camera": _camera(health), "covered": covered}


def power_facts(read: Callable[[], Any] = psutil.sensors_battery) -> dict[str, Any]:
    """``read``: the battery, ``None`` without one: such a machine is on the mains."""
    try:
        battery = read()
    except (OSError, NotImplementedError, RuntimeError):
        return {"power": "unknown"}
    if battery is None:
        return {"power": "mains"}
    words = {True: "mains", False: "battery"}
    percent = min(100, max(0, round(battery.percent)))
    return {"power": words.get(battery.power_plugged, "unknown"), "battery_percent": percent}


def _camera(health: Health) -> str:
    if health.state is State.FAULTY:
        return _FAULTS.get(health.fault, "fault")
    # Closed as nobody needs it: what was well when it was closed is well.
    resting = health.state is State.CLOSED and health.opens > 0
    return "ok" if resting or health.state is State.STREAMING else "unknown"


def _depths(delivery: Delivery, keeper: EvidenceKeeper) -> dict[str, int]:
    """A disk that is full or slow must not silence the rest."""
    try:
        waiting = delivery.backlog().waiting
        return {"queue_depth": waiting, "evidence_depth": keeper.health()["waiting"]}
    except StoreError as exc:
        logger.warning("how much waits is not known: %s", exc)
        return {}


@cache
def _versions() -> Mapping[str, Any]:
    told = {
        "program": version("yibao-face"),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }
    return {"versions": {name: text[:_MAX_CHARS] for name, text in told.items()}}
