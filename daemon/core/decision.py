"""The decision of one encounter: liveness before identity, doubt is refusal."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, isnan, log10

from yibao_face.daemon.core.encounter import Answer, Cause, Who

# Cosine that one power of ten of FAR costs where a network's own figure is not known.
DECADE = 0.07
# Pictures looked at before somebody is refused without looking at the rest.
_TO_REFUSE = 3


@dataclass(frozen=True, slots=True)
class Likeness:
    """Cosine of the probe to one reference, -1..1, and who that reference is.

    ``person``: digest. ``expired``: an agent whose registration is over (S0-58). ``template`` and
    ``probe``: pictures on either side. ``to_anchors``: cosine to the samples somebody vouched for;
    ``None``: the reference has no others.
    """

    who: Who
    similarity: float
    person: str = ""
    expired: bool = False
    template: int = 1
    probe: int = 1
    to_anchors: float | None = None


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """``min_similarity``: cosine at the calibrated FAR, one picture a side.

    ``limits``: the same by samples of the template, then of the probe; more count as the most
    there are. ``demo``: recordings may pass. ``slack``: how far below its limit the cosine to the
    anchors alone may lie, one power of ten of FAR: all that grown samples can ever give away.
    ``certain``, ``hopeless``: so far above or below its limit, more pictures change nothing.

    Of one among many: ``decade`` is what one power of ten of FAR costs, ``lead`` how far the best
    must be ahead of the second.
    """

    min_similarity: float
    demo: bool
    limits: tuple[tuple[float, ...], ...] = ()
    slack: float = 0.05
    certain: float = 0.15
    hopeless: float = 0.2
    decade: float = DECADE
    lead: float = 0.1

    def needed(self, template: int, probe: int) -> float:
        """Least cosine of ``probe`` pictures fused to ``template`` samples fused."""
        if not self.limits:
            return self.min_similarity
        row = self.limits[min(template, len(self.limits)) - 1]
        return row[min(probe, len(row)) - 1]

    def holds(self, likeness: Likeness, persons: int = 1) -> bool:
        """Whether it is the person; a cosine that is no number never is.

        ``persons``: how many the probe was compared to. So many times as often a stranger is like
        one of them, and so much more is asked: FAR is that of the whole search.
        """
        needed = self.needed(likeness.template, likeness.probe) + self.decade * log10(persons)
        anchors = likeness.to_anchors
        anchored = anchors is None or anchors >= needed - self.slack
        return likeness.similarity >= needed and anchored


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
        _best(likenesses, who, expired, policy)
        for who, expired in ((Who.SELF, False), (Who.AGENT, False), (Who.AGENT, True))
    )
    if own is not None and policy.holds(own):
        return _passed(Cause.MATCHED_SELF, own)
    if agent is not None and policy.holds(agent):
        return _passed(Cause.MATCHED_AGENT, agent)
    if former is not None and policy.holds(former):
        # Told apart from a stranger: the clerk can renew the registration.
        return refused(Cause.AGENT_EXPIRED, former.similarity)
    best = max((f.similarity for f in (own, agent, former) if f is not None), default=None)
    return refused(Cause.OTHER_PERSON, best)


@dataclass(frozen=True, slots=True)
class Identified:
    """The outcome of a search. ``lead``: of the best over the second; ``None``: no second."""

    outcome: Outcome
    lead: float | None = None


def identify(
    spoof: Cause | None,
    likenesses: tuple[Likeness, ...],
    persons: int,
    recorded: bool,
    policy: MatchPolicy,
) -> Identified:
    """Say which of ``persons`` a captured face is, if only one of them it can be.

    ``likenesses``: of those most alike, one of each, all of them ``SELF``. Who is not far enough
    ahead of the second is nobody, and so is anyone while the second would pass by his own number:
    twins, and one face enrolled twice, have to be named. A cosine that is no number is a doubt.
    """
    if spoof is not None:
        return Identified(refused(spoof))
    if recorded and not policy.demo:
        return Identified(refused(Cause.RECORDED_CAMERA))
    if not likenesses or not all(isfinite(f.similarity) for f in likenesses):
        return Identified(refused(Cause.NOT_IDENTIFIED))
    best, *others = sorted(likenesses, key=lambda f: f.similarity, reverse=True)
    second = max((f.similarity for f in others), default=-inf)
    lead = best.similarity - second if others else None
    among = max(persons, len(likenesses))
    alone = not any(_rivals(f, policy) for f in others)
    if alone and best.similarity - second >= policy.lead and policy.holds(best, among):
        return Identified(_passed(Cause.MATCHED_SELF, best), lead)
    return Identified(refused(Cause.NOT_IDENTIFIED, best.similarity), lead)


def _rivals(likeness: Likeness, policy: MatchPolicy) -> bool:
    """Whether it could be him too; what his anchors say is no reason to trust another."""
    return not likeness.similarity < policy.needed(likeness.template, likeness.probe)


def _passed(cause: Cause, likeness: Likeness) -> Outcome:
    return Outcome(Answer.PASS, likeness.who, cause, likeness.similarity, likeness.person)


def is_certain(likenesses: tuple[Likeness, ...], policy: MatchPolicy) -> bool:
    """Whether further pictures of the same face can be spared: it is him, or clearly nobody."""
    over = [f.similarity - policy.needed(f.template, f.probe) for f in likenesses]
    if any(
        f.who is Who.SELF and policy.holds(f) and above >= policy.certain
        for f, above in zip(likenesses, over, strict=True)
    ):
        return True
    # One bad picture proves nothing against a person.
    looked = min((f.probe for f in likenesses), default=0)
    return looked >= _TO_REFUSE and all(above <= -policy.hopeless for above in over)


def _best(
    likenesses: tuple[Likeness, ...], who: Who, expired: bool, policy: MatchPolicy
) -> Likeness | None:
    """The best reference of ``who``; one whose similarity is no number does not count."""
    numbers = [
        f for f in likenesses if f.who is who and f.expired is expired and not isnan(f.similarity)
    ]
    return max(numbers, key=lambda f: (policy.holds(f), f.similarity), default=None)
