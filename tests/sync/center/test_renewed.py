"""A repaired device chains its records anew: known content is neither conflict nor news."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from center_bed import DEVICE, INSTITUTION, Site, chained, envelope, record, run_of, statuses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from yibao_face.sync.api import Record
from yibao_face.sync.center.api import Caller, Limits
from yibao_face.sync.center.ingest.batch import read_batch
from yibao_face.sync.center.ingest.record import Incoming, read_record
from yibao_face.sync.center.store.database import Database, rows
from yibao_face.sync.center.store.records import Records
from yibao_face.sync.center.store.tables import ALARM, RECORD, RELINK
from yibao_face.sync.chain import GENESIS, body_of, canonical, gap_content, next_hash

Wire = dict[str, Any]


def repaired(last: int, lost: set[int], more: int = 0, **changed: Any) -> list[Wire]:
    """The chain of records 1 to ``last`` and ``more`` after ``lost`` ones became gaps."""
    made: list[Wire] = []
    prev = GENESIS
    for seq in range(1, last + more + 1):
        if seq in lost:
            prev = next_hash(prev, gap_content(seq, seq, 7, "unreadable"))
            continue
        one = record(seq, **changed)
        made += chained([one], seq, prev)
        prev = next_hash(prev, canonical(body_of(one, seq)))
    return made


def links(site: Site) -> list[tuple[int, str]]:
    with site.center.database.reading() as db:
        found = rows(db, select(RELINK).order_by(RELINK.c.seq))
    return [(row["seq"], row["hash"].hex()) for row in found]


def test_a_record_that_comes_again_after_a_repair_is_dup_and_both_links_are_kept(
    site: Site,
) -> None:
    machine, anew = site.machine(), repaired(5, {2})
    machine.batch(run_of(1, 5))
    before = site.stored()

    for _ in range(2):
        assert ["dup"] * 4 == statuses(machine.batch(anew))

    assert before == site.stored()
    # The first one's link is what it was: only from the gap on the chain is another.
    assert [(one["seq"], one["hash"]) for one in anew[1:]] == links(site)
    assert {"chain-renewed": "boot-1"} == site.alarms()


def test_what_follows_the_repair_continues_the_new_chain(site: Site) -> None:
    machine, anew = site.machine(), repaired(5, {2}, more=2)
    machine.batch(run_of(1, 5))

    assert ["dup"] * 4 + ["new", "new"] == statuses(machine.batch(anew))
    assert ["whole"] * 7 == [row["chain"] for row in site.stored()]
    assert {"chain-renewed"} == set(site.alarms())


def test_what_came_before_the_link_it_continues_is_whole_once_that_is_known(site: Site) -> None:
    machine, anew = site.machine(), repaired(5, {2}, more=1)
    machine.batch(run_of(1, 5))
    assert ["new"] == statuses(machine.batch(anew[-1:]))
    assert "broken" == site.stored()[-1]["chain"]

    machine.batch(anew[:-1], head={"seq": 6, "hash": anew[-1]["hash"]})

    assert ["whole"] * 6 == [row["chain"] for row in site.stored()]
    assert {"chain-broken", "chain-renewed"} == set(site.alarms())


def test_what_a_later_record_spoke_against_is_open_again_until_the_one_before_comes(
    site: Site,
) -> None:
    machine, old, anew = site.machine(), run_of(1, 5), repaired(5, {1})
    last = {"seq": 5, "hash": anew[-1]["hash"]}
    # The fifth as it was first linked, the fourth as it is now: one of them seems forged.
    machine.batch(old[4:])
    machine.batch(anew[2:3], head=last)
    assert ["broken"] == [row["chain"] for row in site.stored() if row["seq"] == 4]

    machine.batch(anew[3:], head=last)
    assert ["open"] == [row["chain"] for row in site.stored() if row["seq"] == 4]
    machine.batch(anew[:2], head=last)

    assert ["open", "whole", "whole"] == [row["chain"] for row in site.stored()][:3]


def test_one_chained_anew_holds_one_neighbour_by_its_old_link_and_one_by_its_new(
    site: Site,
) -> None:
    machine, old, anew = site.machine(), run_of(1, 5), repaired(5, {1, 2, 5}, more=1)
    last = {"seq": 6, "hash": anew[-1]["hash"]}
    # The fifth came before the repair that lost it: nothing but the old link leads to it.
    machine.batch(old[3:])
    machine.batch(anew[:1], head=last)
    assert ["broken", "broken", "whole"] == [row["chain"] for row in site.stored()]

    machine.batch(anew[1:2], head=last)

    assert ["open", "whole", "whole"] == [row["chain"] for row in site.stored()]


def test_other_content_under_a_new_link_is_a_conflict(site: Site) -> None:
    machine = site.machine()
    machine.batch(run_of(1, 3))

    assert ["conflict"] * 2 == statuses(machine.batch(repaired(3, {2}, code=0)))
    assert [] == links(site)
    assert "chain-renewed" not in site.alarms()


def test_the_same_content_under_another_number_is_a_conflict(site: Site) -> None:
    machine = site.machine()
    machine.batch(run_of(1, 3))
    moved = chained([record(1)], 3, bytes.fromhex(run_of(1, 2)[1]["hash"]))

    assert ["conflict"] == statuses(machine.batch(moved))


def test_what_somebody_changed_in_the_table_is_not_taken_for_the_same(site: Site) -> None:
    machine = site.machine()
    machine.batch(run_of(1, 3))
    with site.center.database.writing() as db:
        db.execute(RECORD.update().where(RECORD.c.seq == 3).values(code=0))

    assert ["conflict"] == statuses(machine.batch(repaired(3, {2})[1:]))


class Desk:
    """The store without its door: what the property asks of thousands of batches."""

    def __init__(self, file: Path) -> None:
        self.database = Database(f"sqlite:///{file}")
        self.records = Records(self.database, Limits())
        self.caller = Caller(DEVICE, INSTITUTION, "1", 2**53)

    def take(self, sent: list[Wire], last: Wire) -> list[str]:
        told = {"seq": last["seq"], "hash": last["hash"]}
        batch = read_batch(envelope(sent, head=told, sent_ms=5), 200)
        return self.records.take(self.caller, batch, [_read(one) for one in sent], 5).statuses

    def stored(self) -> list[Any]:
        with self.database.reading() as db:
            return rows(db, select(RECORD).order_by(RECORD.c.seq))

    def alarms(self) -> set[str]:
        with self.database.reading() as db:
            return {row["kind"] for row in rows(db, select(ALARM))}


def _read(body: Wire) -> Incoming:
    return read_record(body, 3, INSTITUTION)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any, None, None]:
    folder, number = tmp_path_factory.mktemp("renewed"), count()
    yield lambda: folder / f"{next(number)}.db"


def _dealt(draw: st.DrawFn, sent: list[Wire]) -> list[list[Wire]]:
    """In any order, in batches of any size, some twice."""
    order = draw(st.permutations(sent))
    twice = draw(st.lists(st.sampled_from(sent), max_size=3))
    cards, batches = [*order, *twice], list[list[Wire]]()
    while cards:
        size = draw(st.integers(1, len(cards)))
        batches.append(cards[:size])
        cards = cards[size:]
    return batches


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[list[Wire]], Wire, set[int], set[int]]:
    """Batches of a chain, then of the chain after a repair; the last record; numbers that were
    lost by the device, and that were sent before the repair."""
    last, more = draw(st.integers(2, 7)), draw(st.integers(0, 3))
    # What the device lost at its end cannot be told from a cut: that is an alarm, as it should be.
    lost = draw(st.sets(st.integers(1, last - 1), max_size=3))
    old, anew = repaired(last, set()), repaired(last, lost, more)
    sent_before = draw(st.lists(st.sampled_from(old), unique_by=lambda one: one["seq"]))
    batches = _dealt(draw, sent_before) if sent_before else []
    before = {one["seq"] for one in sent_before}
    return [*batches, *_dealt(draw, anew)], anew[-1], lost, before


@given(histories())
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_comes_again_in_whatever_order_is_stored_once_and_fits_where_it_can(
    files: Any, history: tuple[list[list[Wire]], Wire, set[int], set[int]]
) -> None:
    batches, last, lost, before = history
    desk = Desk(files())
    seen = {status for sent in batches for status in desk.take(sent, last)}

    assert seen <= {"new", "dup"}
    stored = {row["seq"]: row["chain"] for row in desk.stored()}
    came = {one["seq"] for sent in batches for one in sent}
    assert sorted(came) == [row["seq"] for row in desk.stored()]
    # What the device lost and the centre has is known under its old link only: it and what came
    # later beside it cannot be told from a forgery, and are not passed over in silence.
    odd = lost & before
    beside = odd | {seq + step for seq in odd for step in (-1, 1)} - before
    assert {seq for seq, chain in stored.items() if chain in ("broken", "fork")} <= beside
    desk.database.close()


@given(st.integers(1, 4), st.sampled_from(["code", "detail", "sealed_request", "demo"]))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_one_changed_field_is_never_the_same_content(files: Any, seq: int, name: str) -> None:
    desk, sent = Desk(files()), run_of(1, 4)
    desk.take(sent, sent[-1])
    values = {"code": 2, "detail": '{"a":1}', "sealed_request": b"other", "demo": True}
    changed: Record = record(seq, **{name: values[name]})

    assert ["conflict"] == desk.take(chained([changed], seq, b"\7" * 32), sent[-1])
    desk.database.close()
