"""Which of the SDK's framesets hold an exposure that was not delivered yet, and when it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Numbers = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """``frames``: the SDK's frameset, complete. ``at_ns``: host's monotonic clock at receipt.

    ``device_us``: of the depth plane; ``skew_us``: between the first and the last plane.
    ``lit``: as the frame itself says, ``None`` where it does not.
    """

    frames: Any
    at_ns: int
    device_us: int
    skew_us: int
    lit: bool | None


class Sieve:
    """Lets complete framesets through whose every plane is new.

    The SDK's syncer gives several sets a tick, each with one more plane of it: a set with an old
    plane is followed by a better one. One per run of a pipeline: numbers start anew.
    """

    def __init__(self, sdk: Any, infrared: bool, period_us: int) -> None:
        self._sdk, self._infrared, self._period_us = sdk, infrared, period_us
        self._last: Numbers = ()
        self._last_us = -1

    def take(self, frames: Any, at_ns: int) -> Exposure | None:
        """The exposure in ``frames``, or ``None``: incomplete, or seen before."""
        planes = [frames.get_depth_frame(), frames.get_color_frame()]
        if self._infrared:
            planes.append(frames.get_infrared_frame(1))
        if not all(planes):
            return None
        numbers = tuple(plane.get_frame_number() for plane in planes)
        times_us = [round(plane.get_timestamp() * 1000.0) for plane in planes]
        fresh = all(now > was for now, was in zip(numbers, self._last, strict=False))
        if not fresh or times_us[0] <= self._last_us:
            return None
        self._last, self._last_us = numbers, times_us[0]
        skew_us = self._skew_us(planes, times_us)
        lamp_seen_by = planes[-1 if self._infrared else 0]
        return Exposure(frames, at_ns, times_us[0], skew_us, self._lit(lamp_seen_by))

    def _skew_us(self, planes: list[Any], times_us: list[int]) -> int:
        """Clocks of two kinds cannot be compared: then it may be a whole period."""
        domains = {plane.get_frame_timestamp_domain() for plane in planes}
        return max(times_us) - min(times_us) if len(domains) == 1 else self._period_us

    def _lit(self, plane: Any) -> bool | None:
        kind: Any = self._sdk.frame_metadata_value.frame_emitter_mode
        if not plane.supports_frame_metadata(kind):
            return None
        return bool(plane.get_frame_metadata(kind))
