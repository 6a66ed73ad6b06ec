"""Does a stream of frames look like one of a camera: clocks, repeats and noise of its exposures.

What is put in instead of a camera (a file, a still picture in one plane, a rendered head) rarely
imitates all that comes for free with a sensor: a clock of its own that keeps pace with ours, noise
that is never the same twice, planes that belong together. An injector who knows these rules can
obey them: they stand beside the pinned device (``core.liveness.device``), never in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from yibao_face.daemon.core.encounter import Cause

# Some devices count microseconds in 32 bits: once in 71 minutes they begin again.
_WRAP_US = 1 << 32


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is known of one frame besides its pictures.

    ``digest``: one per plane (colour, depth, IR), empty for a plane that is absent or of one
    value. ``noise_mm``: noise of the depth against the frame before; ``still``: largest share
    0..1, over the planes, of face pixels that equal those of the frame before. Both ``None``
    where there is nothing to compare, NaN where comparing failed.
    """

    at_ns: int
    device_us: int
    skew_us: int = 0
    digest: tuple[bytes, ...] = ()
    noise_mm: float | None = None
    still: float | None = None


@dataclass(frozen=True, slots=True)
class StreamPolicy:
    """What a stream may do. ``hiccups``: frames that may repeat or stand still, per encounter.

    ``max_age_ms``: from the exposure until it is judged. Device intervals under
    ``min_interval_us`` are a clock that stands; after a host interval over ``max_interval_ms``
    the clocks are compared anew. They may differ by ``clock_slack_ms`` plus ``clock_share`` of
    the longer one. ``looped``: an own recording played round and round, as late as its reader is:
    its clock says nothing, and only the frame before counts as a repeat.
    """

    max_skew_us: int = 20_000
    max_age_ms: float = 1_000.0
    min_interval_us: int = 2_000
    max_interval_ms: float = 1_000.0
    clock_slack_ms: float = 500.0
    clock_share: float = 0.5
    min_noise_mm: float = 0.05
    max_still: float = 0.995
    hiccups: int = 1
    looped: bool = False


class Stream:
    """What the exposures of an encounter add up to so far: each is looked at once.

    Memory of digests alone: a plane may come back however late.
    """

    def __init__(self, policy: StreamPolicy) -> None:
        self._policy = policy
        self._seen: set[tuple[int, bytes]] = set()
        self._before: Exposure | None = None
        self._hiccups = 0
        self._host_us = self._device_us = 0.0
        self._clocks_agree = True

    def add(self, now: Exposure, now_ns: int | None = None) -> Cause | None:
        """Take the next exposure; what is wrong with all so far, as ``stream_cause`` has it."""
        before, self._before = self._before, now
        repeats = self._repeats(before, now)
        self._hiccups += repeats or _is_still(now, self._policy)
        if before is not None and not self._policy.looped:
            self._clocks_agree = self._clocks_agree and self._keeps_pace(before, now)
        if self._hiccups > self._policy.hiccups or not self._clocks_agree:
            return Cause.STREAM_IMPLAUSIBLE
        return None if _is_usable(now, self._policy, now_ns) else Cause.UNSYNCED

    def _repeats(self, before: Exposure | None, now: Exposure) -> bool:
        """Whether a plane of it came before, or the device clock stood still."""
        planes = {(i, digest) for i, digest in enumerate(now.digest) if digest}
        repeated = not self._seen.isdisjoint(planes)
        if self._policy.looped:
            self._seen.clear()
        self._seen |= planes
        if repeated or before is None or self._policy.looped:
            return repeated
        return 0 <= _elapsed_us(before, now) < self._policy.min_interval_us

    def _keeps_pace(self, before: Exposure, now: Exposure) -> bool:
        """Whether both clocks ran forward, and as far as each other since the last long gap."""
        policy = self._policy
        device, host = _elapsed_us(before, now), (now.at_ns - before.at_ns) / 1e3
        if device < 0 or host < 0:
            return False
        if host > policy.max_interval_ms * 1e3:
            self._host_us = self._device_us = 0.0
            return True
        self._host_us += host
        self._device_us += device
        longer = max(self._host_us, self._device_us)
        allowed = policy.clock_slack_ms * 1e3 + policy.clock_share * longer
        return abs(self._host_us - self._device_us) <= allowed


def stream_cause(
    exposures: Sequence[Exposure], policy: StreamPolicy, now_ns: int | None = None
) -> Cause | None:
    """What is wrong with the exposures of an encounter so far, the newest last; ``None``: nothing.

    ``STREAM_IMPLAUSIBLE`` ends the encounter. ``UNSYNCED`` is a hint: the newest frame must not
    be judged, the next one may. ``now_ns``: the clock of ``Exposure.at_ns``, where age counts.
    """
    stream, cause = Stream(policy), None
    for exposure in exposures:
        cause = stream.add(exposure, now_ns)
    return cause


def _is_usable(newest: Exposure, policy: StreamPolicy, now_ns: int | None) -> bool:
    synced = 0 <= newest.skew_us <= policy.max_skew_us
    age_ms = 0.0 if now_ns is None else (now_ns - newest.at_ns) / 1e6
    compared = all(v is None or isfinite(v) for v in (newest.noise_mm, newest.still))
    return synced and compared and 0.0 <= age_ms <= policy.max_age_ms


def _is_still(now: Exposure, policy: StreamPolicy) -> bool:
    """Whether the face is more like that of the frame before than a sensor ever makes it."""
    silent = now.noise_mm is not None and now.noise_mm < policy.min_noise_mm
    return silent or (now.still is not None and now.still > policy.max_still)


def _elapsed_us(before: Exposure, now: Exposure) -> int:
    """Device time from one to the other; a clock of 32 bits that began again is unrolled."""
    elapsed = now.device_us - before.device_us
    began_again = elapsed < -_WRAP_US // 2 and now.device_us >= 0 and before.device_us < _WRAP_US
    return elapsed + _WRAP_US if began_again else elapsed
