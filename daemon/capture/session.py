"""Frames of an open camera until one face has been judged, or time runs out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from yibao_face.daemon.capture.attempt import Attempt, CameraSilentError
from yibao_face.daemon.capture.examine import Examiner, Shot
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness import LivenessVerdict, attack_cause, judge
from yibao_face.daemon.core.quality import guidance
from yibao_face.drivers.api import Camera

# How long one read may block: a caller who leaves frees the camera within this and one frame.
_SLICE_S = 0.25
# Shots of one face follow each other in place and time, or somebody else stepped in.
_SAME_FACE_OVERLAP = 0.3
_SAME_FACE_GAP_S = 1.0

Tell = Callable[[Cause], None]


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """A judged face: the verdict, and the shots it rests on, best to match first."""

    verdict: LivenessVerdict
    shots: tuple[Shot, ...]

    @property
    def best(self) -> Shot:
        """The shot to match: one of those liveness was judged on."""
        return self.shots[0]


@dataclass(frozen=True, slots=True)
class Session:
    """``capture_s``: how long a person may take to be seen; ``silence_s``: longest frame gap."""

    examiner: Examiner
    capture_s: float
    silence_s: float

    def gather(self, camera: Camera, attempt: Attempt, tell: Tell) -> Capture | Cause:
        """Read until the face is judged; a ``Cause`` is the hint that lasted.

        ``tell`` gets each hint as it comes. Raises as ``Camera.read`` and ``Attempt.check`` do,
        and ``CameraSilentError``.
        """
        track, limits = _Track(self.examiner), self.examiner.limits
        give_up = time.monotonic() + self.capture_s
        heard = time.monotonic()
        while time.monotonic() < give_up:
            attempt.check()
            frame = camera.read(_SLICE_S)
            if frame is None:
                if time.monotonic() - heard > self.silence_s:
                    raise CameraSilentError(f"no frame for {self.silence_s} s")
                continue
            heard = time.monotonic()
            found = self.examiner.examine(frame)
            hint = found if isinstance(found, Cause) else track.add(found)
            if hint is not None:
                track.hints[hint] += 1
                tell(hint)
            elif isinstance(found, Shot) and (advice := guidance(found.seen, limits)):
                tell(advice)
            verdict = track.verdict()
            if verdict is not None:
                return Capture(verdict, track.by_merit())
        attempt.check()
        return track.lasting_hint()


class _Track:
    """The shots of one face in a row, and what was held against earlier ones."""

    def __init__(self, examiner: Examiner) -> None:
        self._policy = examiner.liveness
        self._shots: list[Shot] = []
        self._earlier_attacks: tuple[Cause, ...] = ()
        self.hints: Counter[Cause] = Counter()

    def add(self, shot: Shot) -> Cause | None:
        """Take ``shot``; ``MOVED`` when it is another face than before: counting starts again."""
        moved = bool(self._shots) and not _same_face(self._shots[-1], shot)
        if moved:
            # Attack frames are not forgotten: nobody clears his record by stepping aside.
            causes = (attack_cause(s.features, self._policy) for s in self._shots)
            self._earlier_attacks += tuple(c for c in causes if c is not None)
            self._shots = []
        self._shots.append(shot)
        return Cause.MOVED if moved else None

    def verdict(self) -> LivenessVerdict | None:
        features = [shot.features for shot in self._shots]
        return judge(features, self._policy, self._earlier_attacks) if features else None

    def by_merit(self) -> tuple[Shot, ...]:
        """Best first; a frame that failed an attack gate is matched last."""
        return tuple(
            sorted(
                self._shots,
                key=lambda s: (attack_cause(s.features, self._policy) is None, s.merit),
                reverse=True,
            )
        )

    def lasting_hint(self) -> Cause:
        return self.hints.most_common(1)[0][0] if self.hints else Cause.NO_FACE


def _same_face(before: Shot, now: Shot) -> bool:
    gap_s = (now.frame.at_ns - before.frame.at_ns) / 1e9
    return (
        gap_s <= _SAME_FACE_GAP_S and before.face.box.overlap(now.face.box) >= _SAME_FACE_OVERLAP
    )
