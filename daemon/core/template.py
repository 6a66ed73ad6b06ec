"""How a person's template grows, and why nobody can walk it away from him (S0-73).

Samples somebody vouched for are *anchors*: never replaced, never outweighed. A later pass may add
its probe, but only if it is far above the threshold of the anchors alone: whoever feeds probes
must be accepted by the anchors first, however often he comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Source(StrEnum):
    """Where a sample comes from; the first two are anchors."""

    ID_PHOTO = "id-photo"
    ENROLMENT = "enrolment"
    PASS = "pass"  # noqa: S105  # an encounter that passed, no word to keep

    @property
    def is_anchor(self) -> bool:
        """Whether somebody vouched for it."""
        return self is not Source.PASS


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of a template. ``merit``: how well it is seen, higher is better."""

    source: Source
    day: date
    merit: float


@dataclass(frozen=True, slots=True)
class Growth:
    """``margin``: cosine above the threshold of the anchors. ``most``: samples a person has.

    ``apart_days``: since the newest sample: frames of one day are too alike to teach anything.
    """

    margin: float = 0.12
    most: int = 6
    apart_days: int = 7


class Kept(StrEnum):
    """Why a probe did not become a sample."""

    STAFF_WORD = "staff-word"
    TOO_UNLIKE = "too-unlike"
    TOO_SOON = "too-soon"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Probe:
    """The fused probe of an encounter that passed.

    ``to_anchors``: cosine to the anchors fused; ``needed``: the threshold of the anchors alone.
    ``by_staff``: a staff member's word let it pass.
    """

    to_anchors: float
    needed: float
    day: date
    merit: float
    by_staff: bool = False


def grown(samples: Sequence[Sample], probe: Probe, rule: Growth) -> int | Kept | None:
    """Place of the sample ``probe`` replaces; ``None``: it is added; ``Kept``: it is not taken.

    Grown samples age: the oldest goes first. Anchors never go.
    """
    if probe.by_staff:
        return Kept.STAFF_WORD
    # `not >=`: a cosine that is no number teaches nothing.
    if not probe.to_anchors >= probe.needed + rule.margin:
        return Kept.TOO_UNLIKE
    if any((probe.day - sample.day).days < rule.apart_days for sample in samples):
        return Kept.TOO_SOON
    if len(samples) < rule.most:
        return None
    grown_ones = [at for at, sample in enumerate(samples) if not sample.source.is_anchor]
    if not grown_ones:
        return Kept.FULL
    return min(grown_ones, key=lambda at: (samples[at].day, samples[at].merit))


def weights(samples: Sequence[Sample]) -> tuple[float, ...]:
    """Share of each sample in the fused template; anchors hold half at least, all together 1."""
    anchors = sum(sample.source.is_anchor for sample in samples)
    others = len(samples) - anchors
    if anchors == 0 or others <= anchors:
        return (1.0 / len(samples),) * len(samples)
    return tuple(0.5 / (anchors if s.source.is_anchor else others) for s in samples)
