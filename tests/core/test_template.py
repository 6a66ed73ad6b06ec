"""Templates grow from clear passes and cannot be walked away from the person."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.core.decision import Likeness, MatchPolicy, decide
from yibao_face.daemon.core.encounter import Answer, Who
from yibao_face.daemon.core.template import Growth, Kept, Probe, Sample, Source, grown, weights
from yibao_face.daemon.gallery.gallery import Reference, Stored, reference_of
from yibao_face.models.api import Embedding
from yibao_face.models.embed import cosine

DAY = date(2026, 1, 5)
NEEDED = 0.46
RULE = Growth()
POLICY = MatchPolicy(NEEDED, demo=False)
ANCHOR = Sample(Source.ENROLMENT, DAY, 1.0)


def later(days: int, source: Source = Source.PASS, merit: float = 1.0) -> Sample:
    return Sample(source, DAY + timedelta(days), merit)


def probe(
    to_anchors: float = 0.9, days: int = 400, *, merit: float = 1.0, by_staff: bool = False
) -> Probe:
    return Probe(to_anchors, NEEDED, DAY + timedelta(days), merit, by_staff)


@pytest.mark.parametrize(
    ("samples", "offered", "expected"),
    [
        ([ANCHOR], probe(), None),
        ([ANCHOR], probe(NEEDED + RULE.margin), None),
        ([ANCHOR], probe(NEEDED + RULE.margin - 1e-6), Kept.TOO_UNLIKE),
        ([ANCHOR], probe(float("nan")), Kept.TOO_UNLIKE),
        ([ANCHOR], probe(by_staff=True), Kept.STAFF_WORD),
        ([ANCHOR], probe(days=RULE.apart_days), None),
        ([ANCHOR], probe(days=RULE.apart_days - 1), Kept.TOO_SOON),
        ([ANCHOR], probe(days=-400), Kept.TOO_SOON),
        ([ANCHOR] * RULE.most, probe(), Kept.FULL),
        ([ANCHOR, *map(later, (40, 10, 20, 30, 50))], probe(), 2),
        ([ANCHOR, later(10), later(10, merit=0.5), *map(later, (20, 30, 40))], probe(), 2),
    ],
)
def test_a_probe_becomes_a_sample_only_where_it_teaches_and_cannot_mislead(
    samples: list[Sample], offered: Probe, expected: int | Kept | None
) -> None:
    assert expected == grown(samples, offered, RULE)


@given(st.lists(st.sampled_from(Source), min_size=1, max_size=12))
def test_anchors_hold_half_of_a_template_at_least(sources: list[Source]) -> None:
    shares = weights([Sample(source, DAY, 1.0) for source in sources])
    anchored = sum(w for w, source in zip(shares, sources, strict=True) if source.is_anchor)

    assert pytest.approx(1.0) == sum(shares)
    assert all(share > 0 for share in shares)
    if any(source.is_anchor for source in sources):
        assert anchored >= 0.5 - 1e-9


@given(
    st.lists(st.tuples(st.sampled_from(Source), st.integers(0, 900)), min_size=1, max_size=8),
    st.floats(-1, 1),
    st.integers(0, 1000),
)
def test_no_probe_ever_replaces_an_anchor(
    kinds: list[tuple[Source, int]], alike: float, days: int
) -> None:
    samples = [later(at, source) for source, at in kinds]
    place = grown(samples, probe(alike, days), RULE)

    assert not isinstance(place, int) or not samples[place].source.is_anchor


def unit(vector: Embedding) -> Embedding:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def between(one: Embedding, other: Embedding, to_one: float) -> Embedding:
    """The unit vector nearest to ``other`` whose cosine to ``one`` is ``to_one``."""
    side = unit(other - np.dot(one, other) * one)
    return unit(to_one * one + np.sqrt(1 - to_one**2) * side)


class Attack:
    """An impostor feeds probes as near to his own face as the rule just takes them."""

    def __init__(self, rule: Growth, *, anchored: bool) -> None:
        rng = np.random.default_rng(11)
        self.rule, self.anchored = rule, anchored
        self.victim = unit(rng.normal(size=128).astype(np.float32))
        # As alike as one stranger in ten thousand is: who is more alike needs no template.
        self.impostor = between(
            self.victim,
            unit(rng.normal(size=128).astype(np.float32)),
            NEEDED - POLICY.slack - 0.001,
        )
        self.stored = [Stored(0, ANCHOR, self.victim)]

    def reference(self) -> Reference:
        return reference_of(Who.SELF, "p", self.stored, expired=False)

    def feed(self, number: int) -> None:
        own = self.reference()
        target = own.template if own.anchors is None or not self.anchored else own.anchors
        offered = between(target, self.impostor, NEEDED + self.rule.margin + 0.001)
        day = DAY + timedelta(8 * number)
        facts = [s.sample for s in self.stored]
        place = grown(facts, Probe(cosine(offered, target), NEEDED, day, 1.0), self.rule)
        if isinstance(place, Kept):
            return
        sample = Stored(number, Sample(Source.PASS, day, 1.0), offered)
        self.stored = [s for at, s in enumerate(self.stored) if at != place] + [sample]

    def answer(self) -> Answer:
        own = self.reference()
        to_anchors = None if own.anchors is None else cosine(self.impostor, own.anchors)
        likeness = Likeness(
            Who.SELF, cosine(self.impostor, own.template), "p", to_anchors=to_anchors
        )
        slack = POLICY.slack if self.anchored else 2.0
        return decide(None, (likeness,), False, replace(POLICY, slack=slack)).answer


def test_a_thousand_probes_of_an_impostor_do_not_let_him_in() -> None:
    attack = Attack(RULE, anchored=True)
    for number in range(1, 1001):
        attack.feed(number)
        own = attack.reference()
        assert ANCHOR in [s.sample for s in attack.stored]
        assert cosine(own.template, attack.victim) > 0.7

    assert RULE.most == len(attack.stored)
    assert Answer.FAIL is attack.answer()


def test_probes_near_the_threshold_never_become_samples() -> None:
    attack = Attack(RULE, anchored=True)
    own = attack.reference().template
    for number in range(1, 1001):
        alike = NEEDED + RULE.margin * number / 1001
        offered = Probe(alike, NEEDED, DAY + timedelta(8 * number), 1.0)
        assert Kept.TOO_UNLIKE is grown([s.sample for s in attack.stored], offered, RULE)

    assert np.array_equal(own, attack.reference().template)


def test_without_anchors_the_same_attack_would_succeed() -> None:
    """The test above can fail: a template compared with itself is walked to the impostor."""
    attack = Attack(RULE, anchored=False)
    for number in range(1, 1001):
        attack.feed(number)

    assert Answer.PASS is attack.answer()
