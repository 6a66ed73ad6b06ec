"""The decision of one encounter: liveness before identity, doubt is refusal."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

from yibao_face.daemon.core.encounter import Answer, Cause, Who


@dataclass(frozen=True, slots=True)
class Likeness:
    """Cosine of the probe to one reference, -1..1, and who that reference is."""

    who: Who
    similarity: float


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """``min_similarity``: cosine at the calibrated FAR. ``demo``: recordings may pass."""

    min_similarity: float
    demo: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer and its cause; ``similarity`` of the reference that decided, if one was used."""

    answer: Answer
    who: Who
    cause: Cause
    similarity: float | None = None


def refused(cause: Cause, similarity: float | None = None) -> Outcome:
    """A code-0 outcome."""
    return Outcome(Answer.FAIL, Who.NOBODY, cause, similarity)


def decide(
    spoof: Cause | None, likenesses: tuple[Likeness, ...], recorded: bool, policy: MatchPolicy
) -> Outcome:
    """Judge a captured face. A photo of the right person is a refusal, whatever it looks like.

    ``spoof``: what liveness found (``None``: alive). ``recorded``: the frames were not seen now.
    The insured person is preferred to an agent when both references match (S0-10).
    """
    if spoof is not None:
        return refused(spoof)
    if recorded and not policy.demo:
        return refused(Cause.RECORDED_CAMERA)
    own, agents = (_best(likenesses, who) for who in (Who.SELF, Who.AGENT))
    if own is not None and own >= policy.min_similarity:
        return Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF, own)
    if agents is not None and agents >= policy.min_similarity:
        return Outcome(Answer.PASS, Who.AGENT, Cause.MATCHED_AGENT, agents)
    return refused(
        Cause.OTHER_PERSON, max((s for s in (own, agents) if s is not None), default=None)
    )


def _best(likenesses: tuple[Likeness, ...], who: Who) -> float | None:
    """Highest similarity to a reference of ``who``; one that is not a number does not count."""
    numbers = [f.similarity for f in likenesses if f.who is who and not isnan(f.similarity)]
    return max(numbers, default=None)
