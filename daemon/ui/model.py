"""What the daemon sends, read once: a field that is missing or odd is its harmless default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

_EMPTY: Mapping[str, Any] = {}
# More than any name or sentence of ours: what is longer is not meant to be read.
_LONGEST = 400


def shown(value: object, limit: int = _LONGEST) -> str:
    """``value`` as one line that can be shown: no control, direction or line signs."""
    text = value if isinstance(value, str) else ""
    return "".join(ch for ch in text if ch.isprintable())[:limit]


@dataclass(frozen=True, slots=True)
class Task:
    """A movement asked for."""

    action: str
    text: str
    left_s: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question: ``stage`` is ``consent`` or ``confirm``."""

    stage: str
    text: str
    person: str


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended."""

    good: bool
    reason: str
    step: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Screen:
    """One encounter as it is now; ``face``: x, y, width, height in shares of the picture."""

    phase: str = "idle"
    encounter: str = ""
    purpose: str = "settlement"
    who: str = ""
    needed: int = 0
    usable: int = 0
    left_s: float = 0.0
    face: tuple[float, float, float, float] | None = None
    hint: str = ""
    hint_cause: str = ""
    task: Task | None = None
    prompt: Prompt | None = None
    result: Result | None = None

    @property
    def share(self) -> float:
        """Of the frames needed, 0..1."""
        return min(1.0, self.usable / self.needed) if self.needed > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """The counter's state at a glance."""

    light: str = "starting"
    reason: str = ""
    waiting: int = 0
    version: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the site set."""

    window: bool = True
    screen: int = 0
    volume: int = 70
    language: str = "zh"
    contrast: str = "normal"
    address: str = ""
    version: str = ""
    voice: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """How a sign asked for here ended."""

    result: Result
    encounter: str = ""
    name: str = ""
    person: str = ""
    signs: tuple[tuple[str, str], ...] = field(default_factory=tuple)


def screen_of(raw: Mapping[str, Any]) -> Screen:
    """Read ``screen`` of a state."""
    hint = _part(raw, "hint") or _EMPTY
    return Screen(
        shown(raw.get("phase"), 20) or "idle",
        shown(raw.get("encounter"), 60),
        shown(raw.get("purpose"), 20) or "settlement",
        shown(raw.get("who"), 30),
        _whole(raw.get("needed")),
        _whole(raw.get("usable")),
        _number(raw.get("left_s")),
        _face(raw.get("face")),
        shown(hint.get("text")),
        shown(hint.get("cause"), 40),
        _task(_part(raw, "task")),
        _prompt(_part(raw, "prompt")),
        result_of(_part(raw, "result")),
    )


def status_of(raw: Mapping[str, Any]) -> Status:
    """Read ``status`` of a state."""
    return Status(
        shown(raw.get("light"), 20) or "starting",
        shown(raw.get("reason")),
        _whole(raw.get("waiting")),
        shown(raw.get("version"), 40),
    )


def settings_of(body: Mapping[str, Any]) -> Settings:
    """Read ``hello``."""
    raw = _part(body, "ui") or _EMPTY
    return Settings(
        raw.get("window") is not False,
        _whole(raw.get("screen")),
        min(100, _whole(raw.get("volume"))),
        shown(raw.get("language"), 10) or "zh",
        shown(raw.get("contrast"), 10) or "normal",
        shown(body.get("address"), 100),
        shown(body.get("version"), 40),
        shown(body.get("voice")),
    )


def signed_of(body: Mapping[str, Any]) -> Signed:
    """Read ``signed``."""
    found = result_of(_part(body, "result")) or Result(False, "", "")
    return Signed(
        found,
        shown(body.get("encounter"), 60),
        shown(body.get("name"), 30),
        shown(body.get("person"), 30),
        signs_of(body.get("signs")),
    )


def signs_of(raw: object) -> tuple[tuple[str, str], ...]:
    """``in`` or ``out`` and the time of each sign of a day."""
    rows = cast("list[object]", raw) if isinstance(raw, list) else []
    pairs = (cast("list[object]", row) for row in rows if isinstance(row, list))
    return tuple((shown(p[0], 10), shown(p[1], 10)) for p in pairs if len(p) == 2)


def result_of(raw: Mapping[str, Any] | None) -> Result | None:
    """Read a result."""
    if raw is None:
        return None
    reason, step = shown(raw.get("reason")), shown(raw.get("step"))
    return Result(raw.get("good") is True, reason, step, shown(raw.get("cause"), 40))


def _part(raw: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = raw.get(key)
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else None


def _task(raw: Mapping[str, Any] | None) -> Task | None:
    if raw is None:
        return None
    return Task(shown(raw.get("action"), 20), shown(raw.get("text")), _number(raw.get("left_s")))


def _prompt(raw: Mapping[str, Any] | None) -> Prompt | None:
    if raw is None:
        return None
    stage, person = shown(raw.get("stage"), 20), shown(raw.get("person"), 40)
    return Prompt(stage, shown(raw.get("text"), 2000), person)


def _face(raw: object) -> tuple[float, float, float, float] | None:
    if not isinstance(raw, list) or len(cast("list[object]", raw)) != 4:
        return None
    x, y, width, height = (_number(share) for share in cast("list[object]", raw))
    return x, y, width, height


def _whole(value: object) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return max(0, min(cast("int", value), 10**9)) if whole else 0


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(max(-1e6, min(value, 1e6))) if value == value else 0.0  # noqa: PLR0124  # not NaN
