"""The decision of one encounter: liveness before identity, doubt is refusal."""

from __future__ import annotations

from dataclasses import dataclass

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
    best = max(likenesses, key=lambda found: found.similarity, default=None)
    # `not >=` rather than `<`: a similarity that is not a number must not pass.
    if best is None or not best.similarity >= policy.min_similarity:
        return refused(Cause.OTHER_PERSON, best.similarity if best else None)
    own = [f for f in likenesses if f.who is Who.SELF and f.similarity >= policy.min_similarity]
    if own:
        return Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF, own[0].similarity)
    return Outcome(Answer.PASS, Who.AGENT, Cause.MATCHED_AGENT, best.similarity)
