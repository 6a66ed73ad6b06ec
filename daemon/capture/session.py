"""Frames of an open camera until one face has been judged, or time runs out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from yibao_face.daemon.capture.attempt import Attempt, CameraSilentError
from yibao_face.daemon.capture.examine import Examiner, Shot
from yibao_face.daemon.capture.measure import measures_of
from yibao_face.daemon.capture.watch import Watch
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import Measures
from yibao_face.daemon.core.liveness.course import SAME_FACE_OVERLAP, PassiveCourse
from yibao_face.daemon.core.liveness.gate import LivenessPolicy, LivenessVerdict, attack_cause
from yibao_face.daemon.core.quality import guidance
from yibao_face.drivers.api import Camera, Frame
from yibao_face.models.track import BestShots, FaceTracker

# How long one read may block: a caller who leaves frees the camera within this and one frame.
_SLICE_S = 0.25
# Nobody who stands still is away for so long: somebody else stepped in.
_SAME_FACE_GAP_S = 1.0
# Frames held to be matched; more are never fused.
_KEPT_SHOTS = 5
# Below every merit: a frame that failed an attack gate comes last.
_ATTACK_MALUS = 1e6

Tell = Callable[[Cause], None]


class Follower:
    """The one face an encounter is about, among all faces of its frames."""

    def __init__(self) -> None:
        self._tracker = FaceTracker()
        self._last: Shot | None = None
        self.id = 0

    def follow(self, shot: Shot) -> bool:
        """Go on to ``shot``; whether it shows the same face as before (the first always is)."""
        tracks = self._tracker.update(shot.faces)
        id_ = next(track.id for track in tracks if track.detection is shot.face)
        before, was = self._last, self.id
        self._last, self.id = shot, id_
        return before is None or (id_ == was and _goes_on(before, shot))

    def miss(self) -> None:
        """A frame without a face: who comes back too late is somebody new."""
        self._tracker.update(())


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """A judged face: the verdict, and the shots it rests on, best to match first.

    ``before``: how chin, mouth, head and lids were held. ``follower`` goes on with the same face.
    ``held``: attack frames of this encounter so far, those of earlier faces included.
    """

    verdict: LivenessVerdict
    shots: tuple[Shot, ...]
    before: tuple[Measures, ...]
    follower: Follower
    held: tuple[Cause, ...] = ()

    @property
    def best(self) -> Shot:
        """The shot to match: one of those liveness was judged on."""
        return self.shots[0]


@dataclass(frozen=True, slots=True)
class Session:
    """``capture_s``: how long a person may take to be seen; ``silence_s``: longest frame gap.

    ``max_frames``: usable frames, of whatever face, after which nobody has been judged: more would
    only be searched for a lucky one.
    """

    examiner: Examiner
    capture_s: float
    silence_s: float
    max_frames: int = 15

    def gather(
        self,
        camera: Camera,
        attempt: Attempt,
        tell: Tell,
        held: tuple[Cause, ...] = (),
        watch: Watch | None = None,
    ) -> Capture | Cause:
        """Read until the face is judged; a ``Cause`` is the hint that lasted, or the stream's.

        ``tell`` gets each hint as it comes. ``held``: attack frames from before. ``watch``: of
        ``camera``; none where frames are judged that carry no clock of ours. Raises as
        ``Camera.read`` and ``Attempt.check`` do, and ``CameraSilentError``.
        """
        passive = _Passive(self.examiner, held, watch)
        onlooker, needed = self.examiner.onlooker, self.examiner.liveness.frames
        onlooker.gathers(needed, self.capture_s)
        most = max(self.max_frames, needed)
        for frame in self.frames(camera, attempt, self.capture_s):
            hint = passive.take(frame, time.monotonic_ns())
            if hint is Cause.STREAM_IMPLAUSIBLE:
                return hint
            if hint is not None:
                tell(hint)
            onlooker.counted(passive.course.counted)
            captured = passive.judged()
            if captured is not None:
                return captured
            if passive.course.usable >= most:
                break
        return passive.course.lasting_hint

    def frames(self, camera: Camera, attempt: Attempt, seconds: float) -> Iterator[Frame]:
        """Frames as they come, for ``seconds``. Raises as ``gather`` does."""
        give_up = time.monotonic() + seconds
        heard = time.monotonic()
        while time.monotonic() < give_up:
            attempt.check()
            frame = camera.read(_SLICE_S)
            if frame is not None:
                heard = time.monotonic()
                yield frame
            elif time.monotonic() - heard > self.silence_s:
                raise CameraSilentError(f"no frame for {self.silence_s} s")
        attempt.check()


class _Passive:
    """The frames of one look: their course, and the shots worth matching."""

    def __init__(
        self, examiner: Examiner, held: tuple[Cause, ...], watch: Watch | None = None
    ) -> None:
        self.course = PassiveCourse(examiner.liveness, held)
        self._examiner, self._watch, self._policy = examiner, watch, examiner.liveness
        self._follower = Follower()
        self._best = self._none_yet()

    def take(self, frame: Frame, read_ns: int) -> Cause | None:
        """Look at ``frame``, read at ``read_ns``; what the person should be told, if anything.

        ``STREAM_IMPLAUSIBLE`` is not for him: no camera sends what was seen.
        """
        found = self._examiner.examine(frame)
        hint = unfit(self._watch, frame, found, read_ns)
        if hint is None and isinstance(found, Shot):
            return self._add(found) or guidance(found.seen, self._examiner.limits)
        if hint is None and found is Cause.NO_FACE:
            self._follower.miss()
        hint = hint or (found if isinstance(found, Cause) else None)
        if hint is not None:
            self.course.hint(hint)
        return hint

    def judged(self) -> Capture | None:
        """The capture, once enough was seen of one face."""
        verdict = self.course.judged()
        shots = self._best.best(self._follower.id)
        if verdict is None or not shots:
            return None
        # What is matched passed every gate itself: one frame of another may hide among five.
        passed = tuple(shot for shot in shots if attack_cause(shot.features, self._policy) is None)
        before, held = tuple(self.course.before), self.course.held
        return Capture(verdict, passed or shots, before, self._follower, held)

    def _add(self, shot: Shot) -> Cause | None:
        """Take ``shot``; ``MOVED`` when it is another face than before: counting starts again."""
        same = self._follower.follow(shot)
        if not same:
            self._best = self._none_yet()
        self._best.offer(self._follower.id, shot)
        return self.course.add(shot.features, measures_of(shot), same=same)

    def _none_yet(self) -> BestShots[Shot]:
        # Not a method of ours: in such a circle the frames of a face, 8 MB, outlive the encounter.
        return BestShots(partial(_rank, self._policy), _KEPT_SHOTS)


def unfit(watch: Watch | None, frame: Frame, found: Shot | Cause, read_ns: int) -> Cause | None:
    """Why ``frame`` must not be judged, whatever was ``found`` in it: the stream it came in."""
    if watch is None:
        return None
    return watch.see(frame, found.face.box if isinstance(found, Shot) else None, read_ns)


def _rank(policy: LivenessPolicy, shot: Shot) -> float:
    """Best first; one that failed an attack gate only where no other is left."""
    attacked = attack_cause(shot.features, policy) is not None
    return shot.merit - _ATTACK_MALUS if attacked else shot.merit


def _goes_on(before: Shot, now: Shot) -> bool:
    gap_s = (now.frame.at_ns - before.frame.at_ns) / 1e9
    return gap_s <= _SAME_FACE_GAP_S and before.face.box.overlap(now.face.box) >= SAME_FACE_OVERLAP
