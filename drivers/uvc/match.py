"""Which picture of two cameras belongs to which, and when the infrared lamp was lit."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from yibao_face.drivers.uvc.source import Picture, Seen

_KEPT = 4
# Alternation is believed after so many pictures, and while neighbours differ by so much.
_BELIEVED = 6
_LEAST_DIFFERENCE = 8.0
_LEAST_RATIO = 1.3


class Matcher:
    """Pictures of a colour and an infrared camera, paired by the nearest time, none used twice."""

    def __init__(self) -> None:
        self._colour: deque[Seen] = deque(maxlen=_KEPT)
        self._infrared: deque[Seen] = deque(maxlen=_KEPT)

    def add(self, seen: Seen, *, infrared: bool) -> None:
        """A new picture; the oldest is dropped when too many wait."""
        (self._infrared if infrared else self._colour).append(seen)

    def take(self) -> tuple[Seen, Seen] | None:
        """The newest colour and infrared picture that belong together; ``None``: not yet."""
        for colour in reversed(self._colour):
            nearest = min(
                self._infrared, key=lambda seen: abs(seen.at_ns - colour.at_ns), default=None
            )
            if nearest is not None and self._is_settled(colour, nearest):
                self._use_up(colour, nearest)
                return colour, nearest
        return None

    def _is_settled(self, colour: Seen, infrared: Seen) -> bool:
        """Whether no picture still under way can be nearer to either of the two."""
        period_ns = 1e9 / max(colour.mode.fps, infrared.mode.fps, 1.0)
        if abs(colour.at_ns - infrared.at_ns) <= period_ns / 2:
            return True
        later_colour = self._colour[-1].at_ns >= infrared.at_ns
        later_infrared = self._infrared[-1].at_ns >= colour.at_ns
        return later_colour and later_infrared

    def _use_up(self, colour: Seen, infrared: Seen) -> None:
        while self._colour and self._colour[0].at_ns <= colour.at_ns:
            self._colour.popleft()
        while self._infrared and self._infrared[0].at_ns <= infrared.at_ns:
            self._infrared.popleft()


class Lamp:
    """Tells lit from unlit infrared pictures where the lamp flashes every other picture."""

    def __init__(self) -> None:
        self._means: deque[float] = deque(maxlen=_BELIEVED)

    def lit(self, picture: Picture) -> bool | None:
        """Of this picture, which follows the last one; ``None`` where the lamp does not flash."""
        self._means.append(float(picture[::4, ::4].mean()))
        means = list(self._means)
        if len(means) < _BELIEVED or not _alternates(means):
            return None
        return means[-1] > means[-2]


def _alternates(means: list[float]) -> bool:
    steps = [now - before for before, now in pairwise(means)]
    turns = all(a * b < 0 for a, b in pairwise(steps))
    bright = min(max(pair) for pair in pairwise(means))
    dark = max(min(pair) for pair in pairwise(means))
    return turns and bright - dark >= _LEAST_DIFFERENCE and bright >= dark * _LEAST_RATIO
