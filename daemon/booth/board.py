"""What may be shown of the encounter under way: who, how far, what to do, how it ended.

Read-only for windows: the encounter posts here and never waits for anybody who looks. Faces are
kept as one newest frame, in memory, and only while somebody is before the camera.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from typing import Any, Self

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.identity import masked, masked_name
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.core.quality import FaceBox, chosen_face
from yibao_face.drivers.api import Camera, CameraInfo, Frame

# What was judged is written down at once, and what was told is old by then: a window that comes
# later must not show how somebody else's encounter ended.
_AFTER_S = 5.0


@unique
class Phase(StrEnum):
    """``JUDGED``: over, but not on disk yet, so nothing is told. ``TOLD``: it is."""

    IDLE = "idle"
    LOOKING = "looking"
    JUDGED = "judged"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is expected, if anybody is: ``name`` and ``number`` as the call has them."""

    encounter: str
    purpose: Purpose
    name: str = field(default="", repr=False)
    number: str = field(default="", repr=False)

    @property
    def who(self) -> str:
        """Masked, for a screen others see; empty where nobody is expected."""
        return masked_name(self.name) or masked(self.number)


@dataclass(frozen=True, slots=True)
class Posted:
    """What is to be seen now. ``version`` grows with every change.

    ``usable`` of ``needed`` frames; ``left_s``: for being seen, then of the whole call.
    ``face``: in pixels of a picture of ``size``. ``good_at_s``: monotonic time of the last usable
    frame. ``cause``: how it ended, once told. ``frame``: newest, of an unsupervised camera.
    """

    version: int = 0
    phase: Phase = Phase.IDLE
    visit: Visit | None = None
    needed: int = 0
    usable: int = 0
    left_s: float = 0.0
    face: FaceBox | None = None
    size: tuple[int, int] = (0, 0)
    good_at_s: float = 0.0
    cause: Cause | None = None
    frame: Frame | None = field(default=None, repr=False)


class Board:
    """One per daemon, an ``Onlooker`` of its sessions. Thread-safe; nothing raises or waits.

    ``after_s``: how long the end of an encounter is to be seen.
    """

    def __init__(self, after_s: float = _AFTER_S) -> None:
        self._after_s = after_s
        self._changed = threading.Condition(threading.RLock())
        self._posted = Posted()
        self._attempt: Attempt | None = None
        self._until_s = self._over_at_s = 0.0

    def begin(self, visit: Visit, attempt: Attempt) -> None:
        """Somebody is to come before the camera."""
        self._attempt, self._until_s = attempt, float("inf")
        fresh = Posted(phase=Phase.LOOKING, visit=visit)
        self._post(**{f: getattr(fresh, f) for f in Posted.__slots__ if f != "version"})

    def gathers(self, needed: int, seconds: float) -> None:
        """See ``Onlooker.gathers``."""
        self._until_s = time.monotonic() + seconds
        self._post(needed=needed, usable=0)

    def counted(self, usable: int) -> None:
        """See ``Onlooker.counted``; more than before means that all was well."""
        more = usable > self._posted.usable
        good_at_s = time.monotonic() if more else self._posted.good_at_s
        self._post(usable=usable, good_at_s=good_at_s)

    def placed(self, faces: tuple[FaceBox, ...], size: tuple[int, int]) -> None:
        """See ``Onlooker.placed``."""
        self._post(face=faces[chosen_face(faces, size)] if faces else None, size=size)

    def judged(self) -> None:
        """The camera is free again; the result is about to be written down."""
        self._attempt, self._over_at_s = None, time.monotonic()
        with self._changed:
            phase = Phase.JUDGED if self._posted.phase is Phase.LOOKING else self._posted.phase
            self._post(phase=phase, face=None, frame=None)

    def written(self, encounter: str, cause: Cause) -> None:
        """The end of ``encounter`` is on disk, or that it could not be put there."""
        with self._changed:
            visit = self._posted.visit
            if visit is not None and visit.encounter == encounter:
                self._post(phase=Phase.TOLD, cause=cause, face=None, frame=None)

    def clear(self) -> None:
        """Nothing is to be seen any more, at once."""
        with self._changed:
            self._posted = Posted(self._posted.version)
            self._post()

    def watch(self, camera: Camera) -> Camera:
        """``camera``, its newest frame shown as long as it is read."""
        return _Watched(camera, self)

    def see(self, frame: Frame) -> None:
        """Show ``frame`` until the next."""
        with self._changed:
            if self._posted.phase is Phase.LOOKING:
                self._post(frame=frame)

    def look(self) -> Posted:
        """What is to be seen now."""
        with self._changed:
            posted = self._posted
        over = posted.phase in (Phase.JUDGED, Phase.TOLD)
        if over and time.monotonic() - self._over_at_s > self._after_s:
            return Posted(posted.version)
        return replace(posted, left_s=self._left_s())

    def wait(self, version: int, seconds: float) -> Posted:
        """As ``look``, as soon as something changed since ``version``, or ``seconds`` passed."""
        with self._changed:
            self._changed.wait_for(lambda: self._posted.version != version, seconds)
        return self.look()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        self._post()

    def _left_s(self) -> float:
        attempt = self._attempt
        if attempt is None:
            return 0.0
        return max(0.0, min(attempt.left_s(), self._until_s - time.monotonic()))

    def _post(self, **facts: Any) -> None:
        with self._changed:
            self._posted = replace(self._posted, version=self._posted.version + 1, **facts)
            self._changed.notify_all()


class _Watched:
    """A camera whose frames the board sees too."""

    def __init__(self, camera: Camera, board: Board) -> None:
        self._camera, self._board = camera, board

    @property
    def info(self) -> CameraInfo:
        """See ``Camera.info``."""
        return self._camera.info

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera.read``."""
        frame = self._camera.read(timeout_s)
        if frame is not None:
            self._board.see(frame)
        return frame

    def close(self) -> None:
        """See ``Camera.close``."""
        self._camera.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()
