"""Is what stands before the camera a living head: gates on its features, frame by frame.

Two kinds of gate. A *reading* gate says the frame cannot be judged: a hint, and the next one is
tried. An *attack* gate says it was judged and is not a head: one such frame may be noise, two end
the encounter at once, so that nobody can shop for a lucky frame. All gates must hold, of every
cue (depth, infrared…): one cue never makes up for another. The soft score over the same features
can only deny.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from statistics import median

from yibao_face.daemon.core.encounter import Cause

Features = Mapping[str, float]
# Farther out every value says the same: what no calibration has seen must not outweigh the rest.
Z_LIMIT = 8.0


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
class Term:
    """What one feature adds to the soft score: ``linear * z - magnitude * |z|``.

    ``z``: how far the feature lies from ``middle``, in units of ``spread``, at most 8 either way.
    """

    feature: str
    middle: float
    spread: float
    linear: float
    magnitude: float

    def adds(self, features: Features) -> float:
        """NaN where the feature is absent."""
        z = (features.get(self.feature, nan) - self.middle) / self.spread
        bounded = z if isnan(z) else max(-Z_LIMIT, min(Z_LIMIT, z))
        return self.linear * bounded - self.magnitude * abs(bounded)


@dataclass(frozen=True, slots=True)
class SoftScore:
    """Log-odds of a living head over those attacks it was fitted to.

    It knows no others, so it may deny what the gates let by and never the reverse. A session has
    the median of its frames, and needs ``least``.
    """

    terms: tuple[Term, ...]
    bias: float
    least: float
    cause: Cause

    def of(self, features: Features) -> float:
        """NaN where a feature is absent or no number."""
        return self.bias + sum(term.adds(features) for term in self.terms)


@dataclass(frozen=True, slots=True)
class LivenessPolicy:
    """Gates, how many usable frames decide, and how many attack frames end at once."""

    reading: tuple[Gate, ...]
    attack: tuple[Gate, ...]
    frames: int
    attack_frames: int
    version: str
    soft: SoftScore | None = None


@dataclass(frozen=True, slots=True)
class LivenessVerdict:
    """``cause`` is ``None`` for a living head. ``features``: medians over the frames judged.

    ``score``: median of the soft scores, NaN without one.
    """

    cause: Cause | None
    features: dict[str, float]
    frames: int
    score: float = nan


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
    medians of all features pass every gate, and the median score its limit.
    """
    now = (attack_cause(frame, policy) for frame in frames)
    causes = [*earlier, *(cause for cause in now if cause is not None)]
    score = _score(frames, policy.soft)
    if len(causes) >= policy.attack_frames:
        return LivenessVerdict(causes[0], _medians(frames), len(frames), score)
    if len(frames) < policy.frames:
        return None
    middle = _medians(frames)
    cause = reading_hint(middle, policy) or attack_cause(middle, policy)
    return LivenessVerdict(cause or _denied(score, policy.soft), middle, len(frames), score)


def _score(frames: Sequence[Features], soft: SoftScore | None) -> float:
    return _median([soft.of(frame) for frame in frames]) if soft and frames else nan


def _denied(score: float, soft: SoftScore | None) -> Cause | None:
    # `not >=` rather than `<`: a score that is no number denies.
    return soft.cause if soft is not None and not score >= soft.least else None


def _first_failing(gates: tuple[Gate, ...], features: Features) -> Cause | None:
    return next((gate.cause for gate in gates if not gate.holds(features)), None)


def _medians(frames: Sequence[Features]) -> dict[str, float]:
    names = dict.fromkeys(name for frame in frames for name in frame)
    return {name: _median([frame.get(name, nan) for frame in frames]) for name in names}


def _median(values: list[float]) -> float:
    """NaN when one of them is: sorting would put it anywhere."""
    return nan if any(map(isnan, values)) else median(values)
