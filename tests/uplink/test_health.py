"""What a machine says of itself beside its records, how often, and its last word."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import wait_for
from sqlalchemy import select
from uplink_bed import PACE, SIGNER, Centre, Machine

from yibao_face.sync.api import StoreError
from yibao_face.sync.center.office.store.tables import HEALTH
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.chain import GENESIS, SM3
from yibao_face.sync.delivery import Head
from yibao_face.sync.outbox import Outbox
from yibao_face.sync.uplink.api import State
from yibao_face.sync.uplink.wire.envelope import Sender, packed_batch

FACTS = {"camera": "ok", "covered": False, "queue_depth": 2, "versions": {"program": "0.1"}}
Make = Callable[..., Machine]


@pytest.fixture
def bound(site: Centre, tmp_path: Path) -> Generator[Make, None, None]:
    """Machines bound to the centre that say something of themselves."""
    made: list[Machine] = []

    def make(**changed: Any) -> Machine:
        machine = Machine(tmp_path / "counter", site.place, **changed)
        made.append(machine)
        machine.enrol(site)
        return machine

    yield make
    for machine in made:
        machine.uplink.stop()
        machine.close()


def told(site: Centre) -> list[Any]:
    return [batch.health for batch in site.script.batches if batch.health is not None]


def kept(site: Centre) -> dict[str, Any]:
    with site.center.database.reading() as db:
        [row] = rows(db, select(HEALTH))
    return row


def test_a_sign_of_life_says_how_the_machine_is(site: Centre, bound: Make) -> None:
    bound(health=lambda: FACTS).uplink.once()

    row = kept(site)
    assert ("ok", False, 2) == (row["camera"], row["covered"], row["queue_depth"])
    assert {"program": "0.1"} == json.loads(row["versions"])
    assert {} == site.alarms()


def test_it_is_said_once_in_the_time_of_a_sign_of_life_however_much_is_sent(
    site: Centre, bound: Make
) -> None:
    machine = bound(health=lambda: FACTS)
    for n in range(1, 6):
        machine.put(n, n)
        machine.uplink.once()
    assert (5, 1) == (len(site.script.batches), len(told(site)))

    often = machine.another(pace=replace(PACE, life_s=0.0))
    for _ in range(3):
        often.once()
    assert 4 == len(told(site))


def test_what_was_not_answered_is_said_again(site: Centre, bound: Make) -> None:
    machine = bound(health=lambda: FACTS)
    site.script.errors.append(StoreError("down"))
    with pytest.raises(Exception, match="answered 500"):
        machine.uplink.once()

    machine.uplink.once()

    assert 2 == len(told(site))
    assert "ok" == kept(site)["camera"]


def test_the_last_word_is_that_the_machine_ends(site: Centre, bound: Make) -> None:
    machine = bound(health=lambda: FACTS)
    with machine.sending():
        wait_for(lambda: machine.status.state is State.ONLINE)
        assert not kept(site)["stopping"]

    assert kept(site)["stopping"]
    assert [False, True] == [facts["stopping"] for facts in told(site)]
    machine.another().once()
    assert not kept(site)["stopping"]


def test_a_process_without_a_camera_says_nothing_of_the_machine(
    site: Centre, counter: Machine
) -> None:
    with counter.sending():
        wait_for(lambda: counter.status.state is State.ONLINE)

    assert [] == told(site)


def test_the_centre_takes_a_chain_of_sm3(site: Centre, bound: Make) -> None:
    machine = bound()
    machine.outbox.close()
    (machine.folder / "results.db").unlink()
    machine.outbox = Outbox(machine.folder / "results.db", sign=SIGNER.sign, algorithm=SM3)
    machine.put(1, 3)

    machine.another().once()

    assert ["whole"] * 3 == [row["chain"] for row in site.stored()]
    assert ({}, SM3) == (site.alarms(), site.script.batches[-1].head.algorithm)
    assert 0 == machine.outbox.delivery.backlog().waiting


def test_the_envelope_names_its_chain_and_says_nothing_it_was_not_told() -> None:
    who, head = Sender("c", "P1", "b", SM3), Head(0, GENESIS, 0, b"")

    bare, full = (
        json.loads(gzip.decompress(packed_batch(who, 1, 1, head, (), health=health)))
        for health in (None, {"camera": "lost"})
    )

    assert (SM3, False) == (bare["algorithm"], "health" in bare)
    assert {"camera": "lost"} == full["health"]
