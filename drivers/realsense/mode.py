"""Which streams to ask a camera for: what is wanted first, then what a weaker cable carries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yibao_face.drivers.driver import Settings

# What every D400 has, on USB 2 as well.
_SURE = (640, 480, 15)


@dataclass(frozen=True, slots=True)
class Mode:
    """Size in px of both images and frames per second; ``infrared``: with the left IR image."""

    width: int
    height: int
    fps: int
    infrared: bool

    def __str__(self) -> str:
        return f"{self.width}x{self.height}@{self.fps}{' with IR' if self.infrared else ''}"


def ladder(settings: Settings, usb: str) -> list[Mode]:
    """Modes in the order to try. ``usb``: the SDK's ``usb_type_descriptor``, as ``2.1``.

    Two streams of 640x480 at 15 are all that USB 2 carries: more resolves there and then stalls.
    """
    if usb.startswith("2"):
        return [Mode(*_SURE, infrared=False)]
    asked = (settings.width, settings.height, settings.fps)
    sizes = dict.fromkeys([asked, (*asked[:2], _SURE[2]), (*_SURE[:2], 30), _SURE])
    return [*(Mode(*size, infrared=True) for size in sizes), Mode(*_SURE, infrared=False)]


def configs(sdk: Any, serial: str, modes: list[Mode]) -> Iterator[Any]:
    """The SDK's ``config`` of each mode on the camera with that serial."""
    for mode in modes:
        config: Any = sdk.config()
        config.enable_device(serial)
        size = (mode.width, mode.height)
        config.enable_stream(sdk.stream.depth, *size, sdk.format.z16, mode.fps)
        config.enable_stream(sdk.stream.color, *size, sdk.format.bgr8, mode.fps)
        if mode.infrared:
            config.enable_stream(sdk.stream.infrared, 1, *size, sdk.format.y8, mode.fps)
        yield config
