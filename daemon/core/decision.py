"""The decision of one encounter: liveness before identity, doubt is refusal."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

from yibao_face.daemon.core.encounter import Answer, Cause, Who


@dataclass(frozen=True, slots=True)
class Likeness:
    """Cosine of the probe to one reference, -1..1, and who that reference is.

    ``person``: digest. ``expired``: an agent whose registration is over (S0-58).
    """

    who: Who
    similarity: float
    person: str = ""
    expired: bool = False


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """``min_similarity``: cosine at the calibrated FAR. ``demo``: recordings may pass."""

    min_similarity: float
    demo: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer and its cause; ``similarity`` of the reference that decided, if one was used.

    ``matched``: the digest of who stood there; empty where nobody was recognised.
    """

    answer: Answer
    who: Who
    cause: Cause
    similarity: float | None = None
    matched: str = ""


def refused(cause: Cause, similarity: float | None = None) -> Outcome:
    """A code-0 outcome."""
    return Outcome(Answer.FAIL, Who.NOBODY, cause, similarity)


def exempt(cause: Cause) -> Outcome:
    """A code-2 outcome: nobody looked, a rule of the policy says nobody need (S1-13)."""
    return Outcome(Answer.NOT_NEEDED, Who.NOBODY, cause)


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
    own, agent, former = (
        _best(likenesses, who, expired)
        for who, expired in ((Who.SELF, False), (Who.AGENT, False), (Who.AGENT, True))
    )
    enough = policy.min_similarity
    if own is not None and own.similarity >= enough:
        return _passed(Cause.MATCHED_SELF, own)
    if agent is not None and agent.similarity >= enough:
        return _passed(Cause.MATCHED_AGENT, agent)
    if former is not None and former.similarity >= enough:
        # Told apart from a stranger: the clerk can renew the registration.
        return refused(Cause.AGENT_EXPIRED, former.similarity)
    best = max((f.similarity for f in (own, agent, former) if f is not None), default=None)
    return refused(Cause.OTHER_PERSON, best)


def _passed(cause: Cause, likeness: Likeness) -> Outcome:
    return Outcome(Answer.PASS, likeness.who, cause, likeness.similarity, likeness.person)


def _best(likenesses: tuple[Likeness, ...], who: Who, expired: bool) -> Likeness | None:
    """The nearest reference of ``who``; one whose similarity is no number does not count."""
    numbers = [
        f for f in likenesses if f.who is who and f.expired is expired and not isnan(f.similarity)
    ]
    return max(numbers, key=lambda f: f.similarity, default=None)
