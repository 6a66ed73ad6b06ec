"""Lane 1: every record arrives once, whatever the wire and the centre do."""

from __future__ import annotations

import base64
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from center_bed import INSTITUTION
from harness import wait_for
from uplink_bed import PACE, SIGNER, Centre, Machine, cable, centre, skewed

from yibao_face.sync.center.api import Limits, RefusedError
from yibao_face.sync.chain import SHA256, head_statement
from yibao_face.sync.outbox import LATER
from yibao_face.sync.uplink.api import SKEW_MS, CentreRefusedError, Place, State


def deals(first: int, last: int) -> list[str]:
    return [f"D{n:08d}" for n in range(first, last + 1)]


def online(machine: Machine) -> None:
    wait_for(lambda: machine.status.state is State.ONLINE)


def drained(machine: Machine) -> None:
    wait_for(lambda: machine.uplink.drained)


def test_a_record_that_is_written_arrives(site: Centre, counter: Machine) -> None:
    with counter.sending():
        online(counter)
        counter.put(1, 3)
        drained(counter)

    assert deals(1, 3) == site.deals()
    assert {} == site.alarms()
    assert (0, 0) == (counter.status.waiting, counter.status.dead)


def test_the_envelope_says_who_sends_how_far_and_signs_it(site: Centre, counter: Machine) -> None:
    counter.put(1, 2)
    counter.uplink.once()
    counter.put(3, 4)

    counter.uplink.once()

    batch = site.script.batches[-1]
    assert ("counter-1", INSTITUTION, "boot-1") == (batch.device, batch.institution, batch.boot_id)
    assert (3, 4) == (batch.seq_from, batch.head.seq)
    head = counter.outbox.delivery.head()
    assert head.hash == batch.head.hash
    statement = head_statement(head.seq, head.hash, head.at_ms, SHA256)
    assert SIGNER.sign(statement) == head.signature
    assert 88 == len(base64.b64encode(head.signature))


def test_a_machine_without_a_record_gives_a_sign_of_life(site: Centre, counter: Machine) -> None:
    status = counter.uplink.once()

    assert (State.ONLINE, [0]) == (status.state, site.script.sizes)
    batch = site.script.batches[0]
    assert (1, 0, bytes(32)) == (batch.seq_from, batch.head.seq, batch.head.hash)
    assert {} == site.alarms()


def test_signs_of_life_come_in_their_time(site: Centre, counter: Machine) -> None:
    counter.uplink = counter.another(pace=replace(PACE, life_s=0.2))

    with counter.sending():
        wait_for(lambda: len(site.script.sizes) >= 4)

    assert {0} == set(site.script.sizes)


def test_results_go_before_what_can_wait(site: Centre, counter: Machine) -> None:
    for n in range(1, 5):
        [made] = counter.put(n, n) if n % 2 else [None]
        if made is None:
            from center_bed import record  # noqa: PLC0415  # one use

            counter.outbox.put(record(n), LATER)
    counter.uplink.once()

    sent = [body["deal_no"] for body in site.script.batches[0].records]
    assert ["D00000001", "D00000003", "D00000002", "D00000004"] == sent
    assert {} == site.alarms()


def test_a_backlog_goes_in_batches_of_200(site: Centre, counter: Machine) -> None:
    counter.put(1, 450)

    with counter.sending():
        drained(counter)

    assert [200, 200, 50] == site.script.sizes
    assert deals(1, 450) == site.deals()


def test_the_centres_budget_is_kept(tmp_path: Path) -> None:
    with centre(tmp_path / "center", limits=Limits(records=7)) as site:
        machine = Machine(tmp_path / "counter", site.place)
        machine.enrol(site)
        machine.put(1, 30)
        with machine.sending():
            drained(machine)
        machine.close()

    # The first one is too many and is halved; each answer then says 7.
    accepted = [size for size in site.script.sizes if size]
    assert max(accepted) <= 7
    assert 30 == sum(accepted)


def test_results_under_load_go_together(site: Centre, counter: Machine) -> None:
    with counter.sending():
        online(counter)
        for n in range(1, 21):
            counter.put(n, n)
            time.sleep(0.02)
        drained(counter)

    full = [size for size in site.script.sizes if size]
    assert 20 == sum(full)
    assert len(full) <= 5
    assert 1 == full[0]


def test_an_answer_lost_after_the_commit_doubles_nothing(tmp_path: Path) -> None:
    with centre(tmp_path / "center") as site, cable(site.port) as wire:
        machine = Machine(tmp_path / "counter", Place("localhost", wire.port))
        machine.enrol(site)
        with machine.sending():
            online(machine)
            for n in range(1, 9):
                wire.lose_answers(1)
                machine.put(n, n)
                wait_for(lambda n=n: machine.uplink.drained and wire.lost >= n)
        assert (deals(1, 8), {}) == (site.deals(), site.alarms())
        assert wire.lost == 8
        assert machine.status.waiting == 0
        machine.close()


def test_without_a_network_it_says_since_when_and_catches_up(tmp_path: Path) -> None:
    with centre(tmp_path / "center") as site, cable(site.port) as wire:
        machine = Machine(tmp_path / "counter", Place("localhost", wire.port))
        machine.enrol(site)
        with machine.sending():
            online(machine)
            wire.unplug()
            machine.put(1, 300)
            wait_for(lambda: machine.status.state is State.OFFLINE)
            status = machine.status
            assert ("no-answer", 300) == (status.reason, status.waiting)
            assert status.since_ms >= status.last_answer_ms > 0
            assert status.oldest_waiting_ms > 0
            wire.plugged = True
            drained(machine)
        assert (deals(1, 300), {}) == (site.deals(), site.alarms())
        machine.close()


@pytest.mark.parametrize(("status", "word"), [(503, "store"), (429, "too-often"), (503, "busy")])
def test_retry_after_is_waited_for(site: Centre, counter: Machine, status: int, word: str) -> None:
    site.script.errors = [RefusedError(status, word, "later", 1)]
    counter.put(1, 1)

    with counter.sending():
        wait_for(lambda: counter.status.state is State.OFFLINE)
        begun = time.monotonic()
        assert word == counter.status.reason
        drained(counter)
        waited_s = time.monotonic() - begun

    assert deals(1, 1) == site.deals()
    assert waited_s >= 0.8
    assert [1, 1] == site.script.sizes


def test_a_poisonous_record_is_found_and_set_aside_alone(site: Centre, counter: Machine) -> None:
    counter.put(1, 64)
    site.script.poison = {
        "D00000013": RefusedError(500, "content", "no"),
        "D00000040": RefusedError(422, "field", "no"),
        "D00000041": RefusedError(413, "too-large", "no"),
        "D00000064": RefusedError(400, "json", "no"),
    }

    with counter.sending():
        drained(counter)

    kept = [n for n in deals(1, 64) if n not in site.script.poison]
    assert kept == site.deals()
    dead = {one.seq: one.error for one in counter.outbox.delivery.dead()}
    assert {13, 40, 41, 64} == dead.keys()
    assert "the centre answered 500 content" == dead[13]
    assert max(site.script.sizes) == 64
    assert len(site.script.sizes) < 70


def test_a_centre_that_fails_at_everything_buries_nothing(site: Centre, counter: Machine) -> None:
    counter.put(1, 8)
    site.script.errors = [RefusedError(500, "content", "no") for _ in range(40)]

    with counter.sending():
        wait_for(lambda: counter.status.state is State.OFFLINE)
        assert 0 == counter.status.dead
        drained(counter)

    assert deals(1, 8) == site.deals()
    assert 0 == counter.status.dead


def test_where_nothing_is_taken_only_a_few_are_set_aside_at_a_time(
    site: Centre, counter: Machine
) -> None:
    counter.put(1, 40)
    site.script.poison = {deal: RefusedError(500, "content", "no") for deal in deals(1, 40)}

    with pytest.raises(CentreRefusedError, match="500 content"):
        counter.uplink.once()

    counts = counter.outbox.delivery.counts()
    assert (35, 5) == (counts.waiting, counts.dead)
    site.script.poison = {}
    counter.outbox.delivery.revive()
    counter.uplink.once()
    assert deals(1, 40) == site.deals()


@pytest.mark.parametrize(
    ("status", "word", "state"),
    [
        (403, "wrong-device", State.REFUSED),
        (403, "wrong-institution", State.REFUSED),
        (422, "schema", State.REFUSED),
        (415, "encoding", State.REFUSED),
        (404, "address", State.REFUSED),
        (408, "slow", State.OFFLINE),
    ],
)
def test_a_batch_refused_as_a_whole_costs_no_record(
    site: Centre, counter: Machine, status: int, word: str, state: State
) -> None:
    counter.put(1, 8)
    site.script.errors = [RefusedError(status, word, "no") for _ in range(30)]

    with pytest.raises(CentreRefusedError, match=word):
        counter.uplink.once()

    found = counter.status
    assert (state, word, 8, 0) == (found.state, found.reason, found.waiting, found.dead)
    site.script.errors = []
    while counter.status.waiting:
        counter.uplink.once()
    assert deals(1, 8) == site.deals()


def test_where_a_batch_was_too_slow_the_next_is_smaller(site: Centre, counter: Machine) -> None:
    counter.put(1, 100)
    site.script.errors = [RefusedError(408, "slow", "no"), RefusedError(408, "slow", "no")]

    with counter.sending():
        drained(counter)

    assert [100, 50, 25, 50, 25] == [size for size in site.script.sizes if size]


def test_a_conflict_is_set_aside_with_its_reason(site: Centre, counter: Machine) -> None:
    counter.put(1, 1)
    counter.uplink.once()
    other = Machine(counter.folder.parent / "twin", site.place)
    other.put(1, 1, deal_no="another")
    for file in ("identity.pem",):
        (other.folder / "link").mkdir(exist_ok=True)
        (other.folder / "link" / file).write_bytes((counter.folder / "link" / file).read_bytes())
        (other.folder / "link" / file).chmod(0o600)

    other.uplink.once()

    [dead] = other.outbox.delivery.dead()
    assert "conflict" == dead.error
    assert "conflict" in site.alarms()
    assert deals(1, 1) == site.deals()
    other.close()


def test_a_rejected_record_is_set_aside_and_the_others_arrive(
    site: Centre, counter: Machine
) -> None:
    counter.put(1, 1)
    counter.put(2, 2, institution="P99999999999")
    counter.put(3, 3)

    counter.uplink.once()

    [dead] = counter.outbox.delivery.dead()
    assert (2, "rejected: institution is not the certificate's") == (dead.seq, dead.error)
    assert ["D00000001", "D00000003"] == site.deals()


def test_what_the_centre_lost_is_sent_again_and_nothing_else(
    site: Centre, counter: Machine
) -> None:
    counter.put(1, 10)
    counter.uplink.once()
    site.script.gaps = [((3, 4), (9, 9))]
    counter.uplink.once()
    assert 3 == counter.status.waiting

    site.script.gaps = [((3, 4), (9, 9))]
    counter.uplink.once()

    assert [3, 4, 9] == [body["seq"] for body in site.script.batches[-1].records]
    assert 0 == counter.status.waiting
    assert deals(1, 10) == site.deals()


def test_a_centre_set_back_to_a_backup_gets_the_lost_records_again(tmp_path: Path) -> None:
    folder, backup = tmp_path / "center", tmp_path / "backup.db"
    with centre(folder) as site:
        machine = Machine(tmp_path / "counter", site.place)
        machine.enrol(site)
        machine.put(1, 5)
        machine.uplink.once()
    backup.write_bytes((folder / "center.db").read_bytes())
    with centre(folder, port=site.port):
        machine.put(6, 8)
        machine.uplink.once()
    for tail in ("-wal", "-shm"):
        (folder / f"center.db{tail}").unlink(missing_ok=True)
    (folder / "center.db").write_bytes(backup.read_bytes())
    with centre(folder, port=site.port) as site:
        machine.put(9, 9)
        machine.uplink.once()
        machine.uplink.once()
        assert deals(1, 9) == site.deals()
    machine.close()


def test_leases_are_given_back_when_it_stops(tmp_path: Path) -> None:
    with centre(tmp_path / "center") as site, cable(site.port) as wire:
        machine = Machine(tmp_path / "counter", Place("localhost", wire.port))
        machine.enrol(site)
        with machine.sending():
            online(machine)
            wire.lose_answers(1000)
            machine.put(1, 3)
            wait_for(lambda: wire.lost > 2)
        assert 3 == len(machine.outbox.delivery.claim(10, site.center.clock()))
        machine.close()


def test_an_acknowledgement_that_cannot_be_written_doubles_nothing(
    site: Centre, counter: Machine
) -> None:
    counter.put(1, 5)
    with closing(sqlite3.connect(counter.folder / "results.db")) as db:
        full = "BEGIN SELECT raise(FAIL, 'database or disk is full'); END"
        db.execute(f"CREATE TRIGGER full BEFORE UPDATE OF sent_at ON delivery {full}")
        db.commit()
        with counter.sending():
            wait_for(lambda: counter.status.state is State.OFFLINE)
            assert ("store", 5) == (counter.status.reason, counter.status.waiting)
            db.execute("DROP TRIGGER full")
            db.commit()
            drained(counter)

    assert (deals(1, 5), {}) == (site.deals(), site.alarms())
    assert len(site.script.sizes) >= 2


def test_two_senders_do_not_send_at_once(site: Centre, counter: Machine) -> None:
    second = counter.another()
    with counter.sending():
        online(counter)
        second.start()
        counter.put(1, 600)
        wait_for(lambda: second._standing.status.state is State.STANDBY)
        drained(counter)
        assert State.ONLINE is second.status().state
        assert 600 == sum(site.script.sizes)
    # The first has gone: the second takes over.
    counter.put(601, 602)
    wait_for(lambda: second.drained)
    second.stop()

    assert deals(1, 602) == site.deals()
    assert 602 == sum(site.script.sizes)


def test_who_waits_at_the_counter_goes_first(site: Centre, counter: Machine) -> None:
    busy = [True]
    counter.uplink = counter.another(
        busy=lambda: busy[0], pace=replace(PACE, yield_s=0.4, life_s=60.0)
    )
    counter.put(1, 200)
    begun = time.monotonic()
    with counter.sending():
        drained(counter)
    slow_s = time.monotonic() - begun

    assert [50, 50, 50, 50] == [size for size in site.script.sizes if size]
    # Four small batches, each of which waited for the person, but not for ever.
    assert slow_s >= 1.6
    busy[0] = False
    counter.put(201, 400)
    counter.another().once()
    assert 200 == site.script.sizes[-1]


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_a_day_off_sends_and_is_told(site: Centre, tmp_path: Path, days: int) -> None:
    by_ms = days * 86_400_000
    machine = Machine(tmp_path / "skewed", site.place, hands=skewed(by_ms))
    machine.enrol(site)
    machine.put(1, 3)

    status = machine.uplink.once()

    assert status.skewed
    assert status.offset_ms is not None
    assert abs(status.offset_ms + by_ms) < SKEW_MS
    assert deals(1, 3) == site.deals()
    assert "clock-skew" in site.alarms()
    assert machine.heard.clocks
    machine.close()


def test_a_clock_that_is_set_while_records_wait_keeps_none_back(
    site: Centre, counter: Machine
) -> None:
    counter.put(1, 2)
    counter.outbox.delivery.claim(10, site.center.clock() + 86_400_000)

    counter.uplink.once()

    assert deals(1, 2) == site.deals()
