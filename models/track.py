"""The same face from frame to frame, among many; and the best frames of each.

An id says "where that face was a moment ago", never who it is: nothing may be settled on it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Detection

# 0.3 s at 30 frames a second: a turned head or a passing hand, not the next person.
BRIDGE_FRAMES = 10
# Overlap minus distance in face sizes: a face may jump by three quarters of itself between frames.
_MIN_LIKENESS = -0.75
# Rounding is no reason to exchange two faces.
_LEAST_GAIN = 1e-9
# Nobody comes so near, or steps back so far, within one frame: another face in the same place.
_MAX_GROWTH = 2.0
# How much of the last step goes into the speed a face is expected to keep: so little that a frame
# in which two crossing faces were taken for each other is mended by the next.
_SPEED_SHARE = 0.2

Floats = npt.NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One face over time. ``age``: frames since it was first seen, that one counted.

    ``missed``: frames since it was last seen; 0: seen in this one.
    """

    id: int
    detection: Detection
    age: int = 1
    missed: int = 0
    step_px: tuple[float, float] = (0.0, 0.0)


class FaceTracker:
    """Gives every face a number it keeps; numbers are never given again.

    Remembered are the faces of the last frame and those lost within ``bridge_frames``.
    """

    def __init__(self, bridge_frames: int = BRIDGE_FRAMES) -> None:
        self._bridge_frames = bridge_frames
        self._ids = count(1)
        self._known: list[Track] = []

    def update(self, faces: Sequence[Detection]) -> list[Track]:
        """The tracks of the faces of the next frame, in their order."""
        pairs = _assigned(self._known, faces)
        seen = [
            self._new(face) if i not in pairs else _seen(self._known[pairs[i]], face)
            for i, face in enumerate(faces)
        ]
        taken = set(pairs.values())
        rest = (_missed(track) for i, track in enumerate(self._known) if i not in taken)
        self._known = seen + [track for track in rest if track.missed <= self._bridge_frames]
        return seen

    @property
    def ids(self) -> frozenset[int]:
        """Every face that may still come back under its number."""
        return frozenset(track.id for track in self._known)

    def _new(self, face: Detection) -> Track:
        return Track(next(self._ids), face)


class BestShots(Generic[T]):
    """The ``most`` best frames of each track by ``merit``; no more than these are ever held."""

    def __init__(self, merit: Callable[[T], float], most: int = 1) -> None:
        self._merit, self._most = merit, most
        self._kept: dict[int, list[tuple[float, int, T]]] = {}
        self._turn = count()

    def offer(self, track_id: int, shot: T) -> bool:
        """Keep ``shot`` if it is among the best so far; the earlier of two equals stays."""
        merit = self._merit(shot)
        kept = self._kept.setdefault(track_id, [])
        full = len(kept) >= self._most
        # `not >` rather than `<=`: what could not be judged is no best shot.
        if not merit > (-kept[-1][0] if full else float("-inf")):
            return False
        insort(kept, (-merit, next(self._turn), shot), key=lambda entry: entry[:2])
        del kept[self._most :]
        return True

    def best_shot(self, track_id: int) -> T | None:
        """The best frame of a track; ``None`` while there is none."""
        return next(iter(self.best(track_id)), None)

    def best(self, track_id: int) -> tuple[T, ...]:
        """The frames kept of a track, best first."""
        return tuple(shot for _, _, shot in self._kept.get(track_id, ()))

    def keep_only(self, ids: Collection[int]) -> None:
        """Forget the tracks of faces that are gone: call with ``FaceTracker.ids``."""
        self._kept = {i: kept for i, kept in self._kept.items() if i in ids}


def _seen(track: Track, face: Detection) -> Track:
    """``track`` one frame on, its face found again."""
    frames = track.missed + 1
    (x, y), (was_x, was_y) = _centre(face), _centre(track.detection)
    step_x, step_y = track.step_px
    step = (
        step_x + _SPEED_SHARE * ((x - was_x) / frames - step_x),
        step_y + _SPEED_SHARE * ((y - was_y) / frames - step_y),
    )
    return Track(track.id, face, track.age + 1, 0, step)


def _missed(track: Track) -> Track:
    return replace(track, age=track.age + 1, missed=track.missed + 1)


def _centre(face: Detection) -> tuple[float, float]:
    return face.box.x + face.box.width / 2, face.box.y + face.box.height / 2


def _assigned(known: Sequence[Track], faces: Sequence[Detection]) -> dict[int, int]:
    """Index of the track each face goes on with: the most alike pair first, then exchanged."""
    if not known or not faces:
        return {}
    likeness = _likeness(_expected(known), _boxes(faces))
    likeness = np.where(likeness > _MIN_LIKENESS, likeness, -np.inf)
    tracks, found = np.nonzero(likeness > -np.inf)
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for at in np.argsort(-likeness[tracks, found], kind="stable"):
        track, face = int(tracks[at]), int(found[at])
        if track not in taken and face not in pairs:
            pairs[face] = track
            taken.add(track)
    return _exchanged(pairs, likeness)


def _exchanged(pairs: dict[int, int], likeness: Floats) -> dict[int, int]:
    """No two faces would be more alike to each other's track, taken together.

    The most alike pair may be a wrong one where two faces cross: the rest then shows it.
    """
    faces, tracks = list(pairs), list(pairs.values())
    alike = likeness[np.ix_(tracks, faces)]
    # Every exchange makes the sum greater; the count only bounds the time.
    for _ in pairs:
        own = alike.diagonal()
        gain = alike + alike.T - own[:, None] - own
        i, j = divmod(int(gain.argmax()), len(faces))
        if gain[i, j] <= _LEAST_GAIN:
            break
        alike[[i, j]] = alike[[j, i]]
        tracks[i], tracks[j] = tracks[j], tracks[i]
    return dict(zip(faces, tracks, strict=True))


def _boxes(faces: Sequence[Detection]) -> Floats:
    """(n, 4): centre x, y, width, height."""
    return np.array([(*_centre(f), f.box.width, f.box.height) for f in faces], np.float64)


def _expected(known: Sequence[Track]) -> Floats:
    """(n, 4): where each face would be now had it gone on as before."""
    boxes = _boxes([track.detection for track in known])
    steps = np.array([track.step_px for track in known])
    frames = np.array([[track.missed + 1] for track in known])
    boxes[:, :2] += steps * frames
    return boxes


def _likeness(before: Floats, now: Floats) -> Floats:
    """(n, m): overlap minus distance in face sizes, at most 1; -inf for another size of face.

    The distance tells pairs apart that do not overlap, which overlap alone calls equal.
    """
    a, b = before[:, None], now[None]
    low = np.maximum(a[..., :2] - a[..., 2:] / 2, b[..., :2] - b[..., 2:] / 2)
    high = np.minimum(a[..., :2] + a[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2)
    shared = np.maximum(high - low, 0.0).prod(-1)
    # A box of no area has no size to measure a distance in: a pixel then.
    area_a, area_b = (np.maximum(side[..., 2:], 1.0).prod(-1) for side in (a, b))
    size_a, size_b = np.sqrt(area_a), np.sqrt(area_b)
    away = np.hypot(*np.moveaxis(a[..., :2] - b[..., :2], -1, 0)) / ((size_a + size_b) / 2)
    like = shared / (area_a + area_b - shared) - away
    growth = np.maximum(size_a / size_b, size_b / size_a)
    return np.where(growth <= _MAX_GROWTH, like, -np.inf)
