"""Which modes the streams of a device are set to."""

from __future__ import annotations

from collections.abc import Iterable

from yibao_face.drivers.driver import Settings
from yibao_face.drivers.openni2.library import abi
from yibao_face.drivers.openni2.library.sdk import Mode
from yibao_face.drivers.openni2.planes import FORMATS

Size = tuple[int, int]


def choose(modes: dict[int, list[Mode]], asked: Settings) -> dict[int, Mode]:
    """A mode for each sensor that has one; empty where colour and depth share no size.

    Of ``asked``'s size or the next smaller, all of one size; of its rate or the next slower.
    """
    usable = {sensor: _readable(sensor, offered) for sensor, offered in modes.items()}
    common = _sizes(usable.get(abi.COLOUR, [])) & _sizes(usable.get(abi.DEPTH, []))
    if not common:
        return {}
    size = _next_below(common, (asked.width, asked.height))
    fitting = {
        s: [m for m in offered if (m.width, m.height) == size] for s, offered in usable.items()
    }
    return {s: _best(s, offered, asked.fps) for s, offered in fitting.items() if offered}


def _readable(sensor: int, offered: Iterable[Mode]) -> list[Mode]:
    return [mode for mode in offered if mode.format in FORMATS[sensor]]


def _sizes(offered: Iterable[Mode]) -> set[Size]:
    return {(mode.width, mode.height) for mode in offered}


def _next_below(sizes: set[Size], asked: Size) -> Size:
    below = [size for size in sizes if size[0] <= asked[0] and size[1] <= asked[1]]
    return max(below) if below else min(sizes)


def _best(sensor: int, offered: list[Mode], fps: int) -> Mode:
    """The rate first, then the format that needs no conversion."""
    slower = [mode.fps for mode in offered if mode.fps <= fps]
    rate = max(slower) if slower else min(mode.fps for mode in offered)
    kept = [mode for mode in offered if mode.fps == rate]
    return min(kept, key=lambda mode: FORMATS[sensor].index(mode.format))
