"""What the updater knows across power failures: one small file, replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum, unique
from pathlib import Path
from typing import Any, cast

from yibao_face.installer.update.fault import UpdateError
from yibao_face.installer.update.place import replace_file


@unique
class Step(StrEnum):
    """What was begun. ``TAKING``: parts lie about. ``SWITCHING``: ``current`` may be either.

    ``LEAVING``: the way back was begun. ``COMMITTED``: the new one stays, the rest is sweeping.
    """

    IDLE = "idle"
    TAKING = "taking"
    SWITCHING = "switching"
    LEAVING = "leaving"
    COMMITTED = "committed"


class StateError(UpdateError):
    """The file of what the updater knows cannot be used."""


@dataclass(frozen=True, slots=True)
class State:
    """``waiting``: version that is unpacked and tested, ``""`` for none; ``previous``: the one
    kept to go back to. ``origin``, ``target``: of the switch under way.

    ``failed``: version → why it is not tried again. ``known``: version → SHA-256 of its archive.
    ``cuts``: version → how often a power failure ended its switch. ``seen``: TUF role → version.
    """

    step: Step = Step.IDLE
    waiting: str = ""
    previous: str = ""
    origin: str = ""
    target: str = ""
    reason: str = ""
    failed: Mapping[str, str] = field(default_factory=dict[str, str])
    known: Mapping[str, str] = field(default_factory=dict[str, str])
    cuts: Mapping[str, int] = field(default_factory=dict[str, int])
    seen: Mapping[str, int] = field(default_factory=dict[str, int])


_MAPPINGS = {"failed": str, "known": str, "cuts": int, "seen": int}


def read_state(path: Path) -> State:
    """What is known; the empty state where there is no file. Raises ``StateError``."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, RecursionError) as exc:
        raise StateError(f"{path.name} cannot be read: {type(exc).__name__}") from exc
    if not isinstance(found, dict):
        raise StateError(f"{path.name} is no object")
    return _state(cast("dict[str, Any]", found), path.name)


def write_state(path: Path, state: State) -> None:
    """On disk when this returns; raises ``OSError``, and then the old one is still there."""
    replace_file(path, json.dumps(asdict(state), ensure_ascii=False, indent=1).encode())


def _state(body: dict[str, Any], name: str) -> State:
    if set(body) - {f.name for f in fields(State)}:
        raise StateError(f"{name} is of a newer program")
    for key, value in body.items():
        inner = _MAPPINGS.get(key)
        if inner is None:
            sound = isinstance(value, str)
        else:
            sound = isinstance(value, dict) and all(
                type(one) is inner for one in cast("dict[str, Any]", value).values()
            )
        if not sound:
            raise StateError(f"{name}: {key} is not as it should be")
    try:
        values: dict[str, Any] = {**body, "step": Step(body.get("step", Step.IDLE))}
        return State(**values)
    except ValueError as exc:
        raise StateError(f"{name}: step is not known") from exc
