"""One picture stream of a system, Linux or Windows: what both drivers of this room read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from yibao_face.drivers.api import CameraInfo, Capability
from yibao_face.drivers.uvc import decode, mode
from yibao_face.drivers.uvc.decode import Raw
from yibao_face.drivers.uvc.mode import Mode

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One picture of its own memory; ``at_ns``: ``time.monotonic_ns`` when the host got it.

    ``lit``: whether the infrared lamp was on, ``None``: not known.
    """

    at_ns: int
    picture: Picture
    mode: Mode
    lit: bool | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """What a stream is for: the formats it may have, best first, and how they are decoded."""

    name: str
    formats: tuple[str, ...]
    decode: Callable[[Raw, Mode], Picture]


COLOUR = Kind("colour", mode.COLOUR, decode.colour)
INFRARED = Kind("infrared", mode.INFRARED, decode.infrared)


@dataclass(frozen=True, slots=True)
class Identity:
    """Of one camera, as ``CameraInfo`` has it; ``rest``: of the uri that finds it again."""

    rest: str
    model: str
    serial: str = ""
    firmware: str = ""
    usb_id: str = ""
    path: str = ""
    device_name: str = ""

    def info(self, driver: str, uri: str, capability: Capability) -> CameraInfo:
        """As a camera of that driver."""
        return CameraInfo(
            driver,
            uri,
            self.model,
            self.serial,
            capability,
            self.firmware,
            self.usb_id,
            self.path,
            self.device_name,
        )


class Source(Protocol):
    """An opened stream. One thread reads it, any may close it."""

    @property
    def identity(self) -> Identity:
        """Whose stream it is."""
        ...

    @property
    def mode(self) -> Mode:
        """What was agreed on; after ``start``."""
        ...

    def start(self) -> None:
        """Let the pictures come; raises ``DeviceError``, ``DeviceUnsupportedError`` where the bus
        has no room for any mode.
        """
        ...

    def step_down(self) -> bool:
        """Go on in a mode of less bandwidth; ``False``: there is none."""
        ...

    def next(self, timeout_s: float) -> Seen | None:
        """The freshest picture not yet given, as ``Camera.read`` in time and errors."""
        ...

    def close(self) -> None:
        """Give the camera up and end a ``next``; raises nothing, may come twice."""
        ...
