"""What is known of a supervised camera at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from yibao_face.drivers.api import CameraInfo
from yibao_face.drivers.supervise.condition import Condition


class State(StrEnum):
    """``CLOSED``: nobody needs it. ``FAULTY``: wanted, and not to be had or fallen away."""

    CLOSED = "closed"
    OPENING = "opening"
    STREAMING = "streaming"
    FAULTY = "faulty"


@dataclass(frozen=True, slots=True)
class Health:
    """``fault``: class name of the last error while ``FAULTY``, ``said``: its text; else empty.

    ``condition``: what the last pictures showed, ``None`` before the first. ``info``: of the last
    good open. ``fps``: over the last second of frames. ``last_frame_age_s``: ``None`` without one.
    ``dropped``: frames nobody looked at in time; ``opens``: good ones since the start.
    """

    state: State = State.CLOSED
    fault: str = ""
    said: str = ""
    condition: Condition | None = None
    info: CameraInfo | None = None
    fps: float = 0.0
    last_frame_age_s: float | None = None
    dropped: int = 0
    opens: int = 0
