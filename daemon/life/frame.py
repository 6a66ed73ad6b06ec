"""Where something happened, told without whose machine it is: no folder of a user, no value."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from pathlib import PurePath, PureWindowsPath
from types import TracebackType

# As faulthandler writes a line of a stack.
_LINE = re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>\S+)')
_MOST = 60


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a stack. ``file``: its last two parts only."""

    file: str
    line: int
    function: str


def frames_of(found: TracebackType | None) -> list[Place]:
    """Outermost first, the innermost 60 at the most."""
    frames = traceback.extract_tb(found)[-_MOST:]
    return [Place(short(at.filename), at.lineno or 0, at.name) for at in frames]


def parsed(text: str) -> list[Place]:
    """The lines of a stack in what faulthandler wrote, in its order."""
    found = [match for line in text.splitlines() if (match := _LINE.match(line))]
    return [Place(short(m["file"]), int(m["line"]), m["function"][:80]) for m in found[:_MOST]]


def short(file: str) -> str:
    """The last two parts of a path of either system."""
    path = PureWindowsPath(file) if "\\" in file else PurePath(file)
    return "/".join(path.parts[-2:])
