"""The counter's state at a glance, for the tray."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from yibao_face.daemon.booth.board import Phase
from yibao_face.daemon.booth.eye import Eye
from yibao_face.daemon.codes import ERRORS, TABLE, cause_of
from yibao_face.daemon.core.encounter import Cause
from yibao_face.drivers.supervise.condition import Condition
from yibao_face.drivers.supervise.health import State
from yibao_face.models.api import ModelError


@unique
class Light(StrEnum):
    """Worst first is what is shown."""

    FAULT = "fault"
    BUSY = "busy"
    OFFLINE = "offline"
    UPDATE = "update"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Link:
    """How the way to the centre is: ``waiting`` records are not there yet."""

    online: bool
    waiting: int


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the state comes from. ``link``: ``None`` where no centre is configured.

    ``update``: version that waits to be installed, empty without one.
    """

    eye: Eye
    models: object
    link: Callable[[], Link | None] = lambda: None
    update: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class Status:
    """``reason``: of a fault, from ``codes.TABLE``."""

    light: Light
    reason: str = ""
    waiting: int = 0
    version: str = ""

    def body(self) -> dict[str, Any]:
        """For a message."""
        return {
            "light": self.light.value,
            "reason": self.reason,
            "waiting": self.waiting,
            "version": self.version,
        }


# Class names of what a supervised camera failed with, as its health has them.
_CAUSES = {error.__name__: cause for error, cause in ERRORS.items()}
_CONDITIONS = {Condition.COVERED: Cause.CAMERA_SILENT, Condition.DARK: Cause.TOO_DARK}


def status_of(sources: Sources, phase: Phase) -> Status:
    """The state now."""
    fault = _fault(sources)
    if fault is not None:
        return Status(Light.FAULT, TABLE[fault].message)
    if phase in (Phase.LOOKING, Phase.JUDGED):
        return Status(Light.BUSY)
    link = sources.link()
    if link is not None and not link.online:
        return Status(Light.OFFLINE, waiting=link.waiting)
    version = sources.update()
    return Status(Light.UPDATE if version else Light.READY, version=version)


def _fault(sources: Sources) -> Cause | None:
    if isinstance(sources.models, ModelError):
        return cause_of(sources.models)
    health = sources.eye.health()
    if health is None:
        return None
    if health.state is State.FAULTY:
        return _CAUSES.get(health.fault, Cause.CAMERA_FAULT)
    seen = health.condition
    return None if seen is None else _CONDITIONS.get(seen)
