"""The optional ``health`` of a batch: facts about the machine, which never refuse its records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

CAMERAS = (
    *("ok", "missing", "busy", "denied", "lost", "stalled", "silent"),
    *("unsupported", "fault", "unknown"),
)
POWERS = ("mains", "battery", "unknown")
_UNHEARD = frozenset({"ok", "busy", "unknown"})
_MAX_COUNT = 2**53 - 1
_MAX_VERSIONS, _MAX_CHARS = 16, 64


@dataclass(frozen=True, slots=True)
class Health:
    """``camera``: one of ``CAMERAS``. ``battery_percent``: 0..100, ``None`` without a battery.

    ``queue_depth``, ``evidence_depth``: records and files that wait on the device. ``stopping``:
    the last word before the machine is switched off as it should be.
    """

    camera: str = "unknown"
    covered: bool = False
    power: str = "unknown"
    battery_percent: int | None = None
    queue_depth: int = 0
    evidence_depth: int = 0
    stopping: bool = False
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def faulty(self) -> bool:
        """Whether nobody can be looked at with this camera."""
        return self.camera not in _UNHEARD


class HealthError(Exception):
    """The facts are not as agreed; the message names the field."""


def read_health(body: object) -> Health | None:
    """The facts in a decoded JSON value, ``None``: none were sent; raises ``HealthError``.

    Unknown keys pass: a newer device tells more.
    """
    if body is None:
        return None
    if not isinstance(body, dict):
        raise HealthError("health is not a JSON object")
    given = cast(dict[str, Any], body)
    told = {name: given[name] for name in _CHECKS if given.get(name) is not None}
    for name, value in told.items():
        if not _CHECKS[name](value):
            raise HealthError(f"health.{name} is not as agreed")
    return Health(**told)


def _word(words: tuple[str, ...]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


def _count(most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and 0 <= value <= most


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _versions(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    pairs = cast(dict[str, Any], value)
    short = all(_short(key) and _short(text) for key, text in pairs.items())
    return len(pairs) <= _MAX_VERSIONS and short


def _short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_CHARS and value.isprintable()


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "camera": _word(CAMERAS),
    "covered": _flag,
    "power": _word(POWERS),
    "battery_percent": _count(100),
    "queue_depth": _count(_MAX_COUNT),
    "evidence_depth": _count(_MAX_COUNT),
    "stopping": _flag,
    "versions": _versions,
}
