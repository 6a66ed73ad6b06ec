"""Templates grow from day to day, and every pass says what became of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness import FIRST, SECOND, Hands, Running, his_call, put_before_camera, running

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.template import Source
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.sync.api import Query

STEPS = ["2026-11-23T09:00", "2026-11-30T09:00", "2026-12-01T09:00", "2026-12-08T09:00"]


def passes(site: Running, clips: Path, hands: Hands, moments: list[str]) -> list[dict[str, Any]]:
    """FIRST settles at each of ``moments``; the scores of each record."""
    for moment in moments:
        hands.at(moment)
        put_before_camera(site.config, clips, "live-first")
        assert 1 == site.caller.authenticate(his_call(FIRST))["code"]
    records = site.daemon.ledger.outbox.find(Query(("settlement",)))
    return [json.loads(record.scores) for record in records]


def test_a_person_who_comes_on_other_days_gets_a_template_of_several_days(
    cast: Config, clips: Path
) -> None:
    hands = Hands(STEPS[0])
    with running(cast, clock=hands.clock) as site:
        scores = passes(site, clips, hands, STEPS)
        gallery = site.daemon.service.gallery
        person = gallery.find(Numbers(FIRST))
        assert person is not None
        assert not isinstance(site.daemon.models, Exception)
        kept = gallery.samples(person, site.daemon.models.embedder.stamp)

    assert ["too-soon", "added", "too-soon", "added"] == [s["template"] for s in scores]
    assert [Source.ENROLMENT] * 2 + [Source.PASS] * 2 == [s.sample.source for s in kept]


def test_a_refused_stranger_teaches_nothing_and_several_frames_were_looked_at(
    cast: Config, clips: Path
) -> None:
    hands = Hands(STEPS[-1])
    with running(cast, clock=hands.clock) as site:
        put_before_camera(site.config, clips, "live-first")
        assert 0 == site.caller.authenticate(his_call(SECOND))["code"]
        [record] = site.daemon.ledger.outbox.find(Query(("settlement",)))

    scores = json.loads(record.scores)
    assert "template" not in scores
    assert 3 <= scores["probe"] <= 5
