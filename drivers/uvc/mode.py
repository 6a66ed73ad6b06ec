"""Which modes of a camera are tried, in which order; nothing is ever scaled to a size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# MJPG first: two uncompressed streams do not fit on one USB 2 bus.
COLOUR = ("MJPG", "YUYV", "NV12")
INFRARED = ("GREY", "Y10 ", "Y16 ", "YUYV", "MJPG")
# Formats no colour camera needs: a node that has only these sees infrared.
GREY = frozenset({"GREY", "Y10 ", "Y12 ", "Y16 "})
# What a USB 2 bus that is short of bandwidth still carries.
_SMALL = (640, 480)
_SLOW_FPS = 15

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sizes:
    """A size in px, or a range of sizes, and the highest rate in frames/s (0: not told)."""

    width: range
    height: range
    fps: float = 0.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A pixel format and its sizes, as the camera lists them; no sizes: it does not tell."""

    fourcc: str
    sizes: tuple[Sizes, ...] = ()


@dataclass(frozen=True, slots=True)
class Mode:
    """What is asked for or was agreed on.

    ``stride``: bytes from row to row; ``length``: bytes of a frame, the most where compressed;
    both 0 until agreed.
    """

    fourcc: str
    width: int
    height: int
    fps: float
    stride: int = 0
    length: int = 0

    def __str__(self) -> str:
        return f"{self.fourcc.strip()} {self.width}x{self.height}@{self.fps:g}"


def ladder(
    offers: Sequence[Offer], preferred: Sequence[str], size: Size, fps: float
) -> list[Mode]:
    """Modes to try, best first: as asked, then 640x480, then 15 frames/s; empty: none of use.

    A size the camera lacks becomes the largest one within it, else its smallest. Modes that
    cannot reach half the rate asked for come after those that can.
    """
    by_name = {offer.fourcc: offer for offer in offers}
    named = [by_name[name] for name in preferred if name in by_name]
    small = (min(size[0], _SMALL[0]), min(size[1], _SMALL[1]))
    steps = [(size, fps), (small, fps), (small, min(fps, _SLOW_FPS))]
    wanted = [_fitted(offer, at, rate) for at, rate in steps for offer in named]
    wanted.sort(key=lambda found: found[1] < fps / 2)
    return list(dict.fromkeys(mode for mode, _ in wanted))


def _fitted(offer: Offer, size: Size, fps: float) -> tuple[Mode, float]:
    """The mode, and the rate its size is said to reach."""
    if not offer.sizes:
        return Mode(offer.fourcc, *size, fps), fps
    fits = [(_largest_within(sizes, size), sizes.fps or fps) for sizes in offer.sizes]
    inside = [fit for fit in fits if fit[0][0] <= size[0] and fit[0][1] <= size[1]]
    chosen, reach = max(inside, key=_area) if inside else min(fits, key=_area)
    return Mode(offer.fourcc, *chosen, min(fps, reach)), reach


def _largest_within(sizes: Sizes, size: Size) -> Size:
    return _nearest(sizes.width, size[0]), _nearest(sizes.height, size[1])


def _nearest(values: range, most: int) -> int:
    """The largest of ``values`` up to ``most``, else the least of them."""
    if most < values.start:
        return values.start
    return values[min(len(values) - 1, (most - values.start) // values.step)]


def _area(fit: tuple[Size, float]) -> int:
    return fit[0][0] * fit[0][1]
