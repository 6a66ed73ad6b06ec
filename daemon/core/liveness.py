"""Is the relief before the camera that of a living head: gates on depth features, frame by frame.

Two kinds of gate. A *reading* gate says the depth cannot be judged: a hint, and the next frame is
tried. An *attack* gate says it was judged and is not a head: one such frame may be noise, two end
the encounter at once, so that nobody can shop for a lucky frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from statistics import median

from yibao_face.daemon.core.encounter import Cause

Features = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Gate:
    """``feature`` must lie in ``low``..``high``; else ``cause``. NaN and absence never pass."""

    feature: str
    low: float
    high: float
    cause: Cause

    def holds(self, features: Features) -> bool:
        """Whether the feature is present and inside."""
        return self.low <= features.get(self.feature, nan) <= self.high


@dataclass(frozen=True, slots=True)
class LivenessPolicy:
    """Gates, how many usable frames decide, and how many attack frames end at once."""

    reading: tuple[Gate, ...]
    attack: tuple[Gate, ...]
    frames: int
    attack_frames: int
    version: str


@dataclass(frozen=True, slots=True)
class LivenessVerdict:
    """``cause`` is ``None`` for a living head. ``features``: medians over the frames judged."""

    cause: Cause | None
    features: dict[str, float]
    frames: int


def reading_hint(features: Features, policy: LivenessPolicy) -> Cause | None:
    """The hint of the first reading gate that fails; ``None`` when the depth can be judged."""
    return _first_failing(policy.reading, features)


def attack_cause(features: Features, policy: LivenessPolicy) -> Cause | None:
    """The cause of the first attack gate that fails; ``None`` when the frame looks alive."""
    return _first_failing(policy.attack, features)


def judge(
    frames: Sequence[Features], policy: LivenessPolicy, earlier: tuple[Cause, ...] = ()
) -> LivenessVerdict | None:
    """Judge the usable frames so far; ``None`` while more are needed.

    Alive only when ``policy.frames`` usable frames were seen, fewer than ``attack_frames`` failed
    an attack gate (those held against ``earlier`` faces of this encounter included), and the
    medians of all features pass every gate.
    """
    now = (attack_cause(frame, policy) for frame in frames)
    causes = [*earlier, *(cause for cause in now if cause is not None)]
    if len(causes) >= policy.attack_frames:
        return LivenessVerdict(causes[0], _medians(frames), len(frames))
    if len(frames) < policy.frames:
        return None
    middle = _medians(frames)
    cause = reading_hint(middle, policy) or attack_cause(middle, policy)
    return LivenessVerdict(cause, middle, len(frames))


def _first_failing(gates: tuple[Gate, ...], features: Features) -> Cause | None:
    return next((gate.cause for gate in gates if not gate.holds(features)), None)


def _medians(frames: Sequence[Features]) -> dict[str, float]:
    names = dict.fromkeys(name for frame in frames for name in frame)
    return {name: _median([frame.get(name, nan) for frame in frames]) for name in names}


def _median(values: list[float]) -> float:
    """NaN when one of them is: sorting would put it anywhere."""
    return nan if any(map(isnan, values)) else median(values)
