"""The stream of one opened camera, watched while its frames are judged."""

from __future__ import annotations

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.stream import Exposure, Stream, StreamPolicy
from yibao_face.drivers.api import Frame
from yibao_face.models.api import Box
from yibao_face.models.liveness.noise import Plane, plane_digests, still_share, temporal_noise_mm


class Watch:
    """One per opened camera, not per gathering: what repeats may come back after a pause."""

    def __init__(self, policy: StreamPolicy) -> None:
        self._policy = policy
        self._stream = Stream(policy)
        self._before: Frame | None = None

    def see(self, frame: Frame, face: Box | None, read_ns: int) -> Cause | None:
        """Take the next frame; ``face``: where one was found; ``read_ns``: when it was read.

        ``STREAM_IMPLAUSIBLE`` ends the encounter; ``UNSYNCED``: this frame must not be judged.
        """
        before, self._before = self._before, frame
        if before is not None and frame.at_ns - before.at_ns > self._policy.max_interval_ms * 1e6:
            before = None
        exposure = _exposure(frame, before if face is not None else None, face)
        return self._stream.add(exposure, read_ns)


def _exposure(frame: Frame, before: Frame | None, face: Box | None) -> Exposure:
    noise_mm = still = None
    if before is not None and face is not None:
        still = still_share(_planes(before), _planes(frame), face)
        noise_mm = _noise_mm(before, frame, face)
    digests = plane_digests(_planes(frame))
    return Exposure(frame.at_ns, frame.device_us, frame.skew_us, digests, noise_mm, still)


def _noise_mm(before: Frame, frame: Frame, face: Box) -> float | None:
    was, now = before.depth_mm, frame.depth_mm
    if was is None or now is None or now.ndim < 2:
        return None
    return temporal_noise_mm(was, now, face)


def _planes(frame: Frame) -> tuple[Plane | None, ...]:
    """What is no picture at all is left to the examiner, which refuses it."""
    planes: tuple[Plane | None, ...] = (frame.bgr, frame.depth_mm, frame.ir)
    return tuple(None if plane is None or plane.ndim < 2 else plane for plane in planes)
