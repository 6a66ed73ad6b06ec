"""A camera to be checked, and what can be done to it: by a test bed, or by hand when asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from yibao_face.drivers.api import Camera, CameraInfo, Capability

Act = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Bed:
    """``open`` opens the camera anew; ``driver`` is its name; what a bed cannot do is ``None``.

    ``recorded``: plays what was seen at another time. ``discover``: what the driver finds.
    ``absent``: opens a device that is not there.
    ``unplug``/``replug``, ``stall``/``resume`` (it stays, frames stop), ``occupy``/``vacate``
    (another process holds it): undone by their second half, which may be called alone.
    """

    driver: str
    open: Callable[[], Camera]
    recorded: bool = False
    discover: Callable[[], list[CameraInfo]] | None = None
    absent: Callable[[], Camera] | None = None
    unplug: Act | None = None
    replug: Act | None = None
    stall: Act | None = None
    resume: Act | None = None
    occupy: Act | None = None
    vacate: Act | None = None

    def can(self, ability: str) -> bool:
        """Whether ``ability``, a field of this class, is there."""
        return getattr(self, ability) is not None


class PointFailedError(AssertionError):
    """A driver does not do what the point asks; the message says what was seen instead."""


def must(held: bool, seen: str) -> None:
    """Raise ``PointFailedError`` with what was ``seen`` unless it ``held``."""
    if not held:
        raise PointFailedError(seen)


def planes_of(capability: Capability) -> frozenset[str]:
    """Names of the planes in ``Frame`` that frames of such a camera must have."""
    flags = {"bgr": Capability.RGB, "depth_mm": Capability.DEPTH, "ir": Capability.IR}
    return frozenset(name for name, flag in flags.items() if flag in capability)
