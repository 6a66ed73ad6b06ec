"""Which of an ONVIF camera's streams is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yibao_face.drivers.api import DeviceConfigError, DeviceUnsupportedError

# Cameras have two or three, recorders some per channel.
_MOST = 256


@dataclass(frozen=True, slots=True)
class Profile:
    """``size``: width and height in px, ``None`` for one without video."""

    token: str
    name: str
    size: tuple[int, int] | None


def chosen(profiles: Sequence[Profile], wanted: str, size: tuple[int, int], shown: str) -> Profile:
    """The one whose token or name is ``wanted``; where that is empty, the nearest to ``size``.

    Raises ``DeviceConfigError`` where no profile with video is called so, and
    ``DeviceUnsupportedError`` where none has video.
    """
    seen = [profile for profile in profiles[:_MOST] if profile.size]
    if not seen:
        raise DeviceUnsupportedError(f"{shown} has no profile with video")
    if not wanted:
        return min(seen, key=lambda profile: _distance(profile, size))
    for profile in seen:
        if wanted in (profile.token, profile.name):
            return profile
    raise DeviceConfigError(f"{shown} has no profile of this name with video")


def _distance(profile: Profile, size: tuple[int, int]) -> int:
    width, height = profile.size or (0, 0)
    return abs(width - size[0]) + abs(height - size[1])
