"""What a daemon keeps as evidence is listed for the centre with its record, within its quota."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from harness import FIRST, SECOND, Running, his_call, put_before_camera, running

from yibao_face.daemon.config import Config
from yibao_face.daemon.section import EvidenceConfig
from yibao_face.sync.api import Query
from yibao_face.sync.evidence import Quota

HOSPITAL = "001000200030"
Portrait = Callable[[str], bytes]


def listed(site: Running) -> list[tuple[str, str]]:
    return [(p.lane, p.record_id) for p in site.daemon.desk.keeper.lane.due(Quota(0, {}))]


def register(site: Running, photo: bytes) -> str:
    """An agent by word and paper; the id of the record."""
    until = site.daemon.ledger.clock.today() + timedelta(days=30)
    people = {"institution": HOSPITAL, "id": FIRST, "agent_id": SECOND, "relation": "子女"}
    rest = {"photos": [base64.b64encode(photo).decode()], "staff": "1001"}
    done = site.caller.act("agent", {**people, **rest, "until": until.isoformat()})
    assert done["ok"]
    return str(done["id"])


def test_photographs_and_attacks_are_listed_with_their_records(
    cast: Config, clips: Path, portrait: Portrait
) -> None:
    put_before_camera(cast, clips, "flat-first")
    with running(cast) as site:
        agent = register(site, portrait("second"))
        assert 0 == site.caller.authenticate(his_call(FIRST))["code"]
        [attack] = site.daemon.ledger.outbox.find(Query(kinds=("settlement",)))
        assert attack.cause.startswith("spoof")
        assert {("agent", agent), ("attack", attack.id)} == set(listed(site))
        assert 2 == site.daemon.desk.keeper.health()["waiting"]


def test_beyond_the_quota_evidence_goes_with_an_alarm_and_the_records_stay(
    cast: Config, portrait: Portrait
) -> None:
    with running(cast) as site:
        register(site, portrait("second"))
    # A folder that another program filled while nobody looked.
    (cast.data / "evidence" / ("a" * 64)).write_bytes(bytes(1_000_000))
    small = replace(cast, evidence=EvidenceConfig(quota_mb=1))
    with running(small) as site:
        log = site.daemon.ledger.outbox
        assert site.daemon.desk.keeper.health()["bytes"] <= 1024 * 1024
        [alarm] = [json.loads(r.detail) for r in log.find(Query(kinds=("alarm",)))]
        assert "evidence-dropped" == alarm["what"]
        assert 1 == sum(alarm["lost"].values())
        assert 1 == len(log.find(Query(kinds=("agent",))))
