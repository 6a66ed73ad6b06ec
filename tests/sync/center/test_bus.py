"""Between taking in and writing: a JetStream server, and a writer beside the centre."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from center_bed import (
    AT_MS,
    DEVICE,
    SIGNER,
    Site,
    chained,
    head,
    record,
    run_of,
    running,
    statuses,
)
from cluster_bed import Nats, nats, until
from nats.js.api import StorageType
from sqlalchemy import select, text

from yibao_face.daemon.cli.main import main
from yibao_face.sync.center.api import CenterError, Limits, StoreDownError, unix_ms
from yibao_face.sync.center.bus.address import read_address
from yibao_face.sync.center.bus.api import BusError, Delivery
from yibao_face.sync.center.bus.jetstream import STREAM, JetStream
from yibao_face.sync.center.bus.parcel import opened
from yibao_face.sync.center.bus.writer import DEAD, Writer
from yibao_face.sync.center.device.authority import make_authority
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.tables import CONFLICT, PROGRESS
from yibao_face.sync.chain import SM3

LIMITS = Limits()
_OTHER_FORM = gzip.compress(b'{"form":9,"now_ms":1}', mtime=0)


@pytest.fixture
def server() -> Generator[Nats, None, None]:
    with nats() as made:
        yield made


@contextmanager
def connected(url: str) -> Generator[JetStream, None, None]:
    bus = JetStream(read_address(url))
    try:
        yield bus
    finally:
        bus.close()


@pytest.fixture
def bus(server: Nats) -> Generator[JetStream, None, None]:
    """The writer's own connection."""
    with connected(server.url) as made:
        yield made


@pytest.fixture
def behind(server: Nats, url: str | None, tmp_path: Path) -> Generator[Site, None, None]:
    """A centre that hands everything to the bus, over each engine."""
    with running(tmp_path, url, bus=JetStream(read_address(server.url))) as site:
        yield site


@contextmanager
def writing(bus: JetStream, site: Site) -> Generator[None, None, None]:
    """A writer at work beside the centre."""
    center, stop = site.center, threading.Event()
    writer = Writer(bus, center.database, center.records, center.limits, center.clock)
    thread = threading.Thread(target=writer.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def write_all(bus: JetStream, site: Site) -> None:
    """A writer's life until nothing waits."""
    with writing(bus, site):
        until("all is written", lambda: bus.waiting() == 0)


def test_what_is_new_is_on_the_bus_first_and_in_the_database_then(
    behind: Site, bus: JetStream
) -> None:
    machine = behind.machine()

    assert ["new"] * 30 == statuses(machine.batch(run_of(1, 30)))
    assert ([], 1) == (behind.stored(), bus.waiting())
    write_all(bus, behind)

    assert [*range(1, 31)] == [row["seq"] for row in behind.stored()]
    assert {"whole"} == {row["chain"] for row in behind.stored()}
    assert {} == behind.alarms()


def test_a_batch_sent_again_is_dup_and_written_once(behind: Site, bus: JetStream) -> None:
    machine, sent = behind.machine(), run_of(1, 20)
    machine.batch(sent)

    assert ["dup"] * 20 == statuses(machine.batch(sent))
    assert 1 == bus.waiting()
    write_all(bus, behind)
    # Cut otherwise it is new to the bus, and known to the database.
    assert ["new"] * 10 == statuses(machine.batch(sent[5:15]))
    write_all(bus, behind)

    assert [*range(1, 21)] == [row["seq"] for row in behind.stored()]
    assert {} == behind.alarms()


def test_a_record_that_is_unsound_is_rejected_at_once_and_never_travels(
    behind: Site, bus: JetStream
) -> None:
    sent = run_of(1, 3)
    sent[1] = {**sent[1], "code": 2}

    assert ["new", "reject", "new"] == statuses(behind.machine().batch(sent))
    write_all(bus, behind)

    assert [1, 3] == [row["seq"] for row in behind.stored()]
    assert [] == bus.buried()


def test_a_conflict_is_found_by_the_writer_kept_apart_and_alarmed(
    behind: Site, bus: JetStream
) -> None:
    machine, [first] = behind.machine(), run_of(1, 1)
    [other] = chained([record(1, code=0)])
    assert ["new"] == statuses(machine.batch([first]))

    assert ["new"] == statuses(machine.batch([other]))
    write_all(bus, behind)

    assert [1] == [row["code"] for row in behind.stored()]
    with behind.center.database.reading() as db:
        assert [first["id"]] == [row["id"] for row in rows(db, select(CONFLICT))]
    assert first["id"] == behind.alarms()["conflict"]


def test_gaps_told_are_those_of_what_is_written_without_what_came_now(
    behind: Site, bus: JetStream
) -> None:
    machine, sent = behind.machine(), run_of(1, 10)
    machine.batch(sent[:2] + sent[6:])
    write_all(bus, behind)

    assert [[3, 3], [5, 6]] == machine.batch(sent[3:4]).body["gaps"]
    assert [[3, 6]] == machine.batch([]).body["gaps"]


def test_a_sign_of_life_travels_every_time(behind: Site, bus: JetStream) -> None:
    machine = behind.machine()
    for _ in range(2):
        assert [] == statuses(machine.batch([]))
    assert 2 == bus.waiting()
    write_all(bus, behind)

    [progress] = progress_of(behind)
    assert unix_ms() - progress["seen_ms"] < 60_000


def test_the_writer_believes_a_head_only_when_it_is_signed(behind: Site, bus: JetStream) -> None:
    machine, sent = behind.signing(), run_of(1, 4)
    machine.batch(sent[:3], head=head(sent[2], SIGNER))
    write_all(bus, behind)
    assert {} == behind.alarms()

    for told in (head(sent[3]), {**head(sent[3], SIGNER), "seq": 999}):
        assert ["new"] == statuses(machine.batch(sent[3:], head=told))
    write_all(bus, behind)

    [progress] = progress_of(behind)
    assert (3, AT_MS) == (progress["head_seq"], progress["head_at_ms"])
    assert {"head-unsigned", "head-forged"} == behind.alarms().keys()
    assert [1, 2, 3, 4] == [row["seq"] for row in behind.stored()]


def test_the_writer_knows_what_was_chained_anew_by_its_content(
    behind: Site, bus: JetStream
) -> None:
    machine, anew = behind.machine(), chained([record(n) for n in range(2, 6)], 2, b"\1" * 32)
    machine.batch(run_of(1, 5))

    assert ["new"] * 4 == statuses(machine.batch(anew))
    write_all(bus, behind)

    assert [one["hash"] for one in run_of(1, 5)] == [row["hash"].hex() for row in behind.stored()]
    assert {"chain-renewed", "head-mismatch"} >= behind.alarms().keys() >= {"chain-renewed"}


def test_a_chain_of_another_hash_is_written_as_such(behind: Site, bus: JetStream) -> None:
    machine = behind.machine()
    sent = chained([record(n) for n in range(1, 4)], algorithm=SM3)

    assert ["new"] * 3 == statuses(machine.batch(sent, algorithm=SM3))
    write_all(bus, behind)

    assert ["whole"] * 3 == [row["chain"] for row in behind.stored()]
    assert (SM3, []) == (progress_of(behind)[0]["head_algorithm"], bus.buried())


def test_a_batch_that_was_handed_out_again_does_not_turn_the_clock_back(
    behind: Site, bus: JetStream
) -> None:
    behind.machine().batch(run_of(1, 1))
    [old] = [opened(d.data, LIMITS) for d in bus.fetch(1, 2)]
    take, late = behind.center.records.take, (old.caller, old.batch, old.incoming)
    take(*late, old.now_ms + 60_000)

    take(*late, old.now_ms)

    [progress] = progress_of(behind)
    assert old.now_ms + 60_000 == progress["seen_ms"]


def progress_of(site: Site) -> list[dict[str, Any]]:
    with site.center.database.reading() as db:
        return rows(db, select(PROGRESS))


def test_a_bus_that_is_down_promises_nothing(behind: Site, server: Nats) -> None:
    machine, [child] = behind.machine(), server.servers.values()
    child.kill()

    answer = machine.batch(run_of(1, 2))

    assert (503, "store") == (answer.status, answer.body["error"])
    child.start()
    until("taken", lambda: machine.batch(run_of(1, 2)).status == 200)
    assert [] == behind.stored()


def test_acknowledged_messages_outlive_the_server(
    behind: Site, server: Nats, bus: JetStream
) -> None:
    [child] = server.servers.values()
    assert ["new"] * 5 == statuses(behind.machine().batch(run_of(1, 5)))
    child.kill()
    child.start()

    write_all(bus, behind)

    assert [*range(1, 6)] == [row["seq"] for row in behind.stored()]


@pytest.mark.parametrize("data", [b"", b"not gzip", gzip.compress(b"{}", mtime=0), _OTHER_FORM])
def test_what_cannot_be_read_is_put_aside_alarmed_and_holds_nobody_up(
    behind: Site, bus: JetStream, data: bytes
) -> None:
    bus.publish("poison", data)
    behind.machine().batch(run_of(1, 3))

    write_all(bus, behind)

    [letter] = bus.buried()
    assert [1, 2, 3] == [row["seq"] for row in behind.stored()]
    assert {DEAD} == {*behind.alarms()}
    assert (len(data), "") == (letter.size_bytes, letter.device)
    assert letter.reason


def refuse(site: Site, seq: int) -> None:
    """The database does not take this record, for a reason nobody foresaw."""
    with site.center.database.writing() as db:
        if db.dialect.name == "sqlite":
            db.execute(
                text(
                    "CREATE TRIGGER no BEFORE INSERT ON record WHEN new.seq = "
                    f"{seq} BEGIN SELECT RAISE(ABORT, 'no'); END"
                )
            )
            return
        body = f"IF new.seq = {seq} THEN RAISE check_violation; END IF; RETURN new;"
        function = f"CREATE FUNCTION no() RETURNS trigger AS $$BEGIN {body} END$$"
        db.execute(text(f"{function} LANGUAGE plpgsql"))
        rest = "BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION no()"
        db.execute(text(f"CREATE TRIGGER no {rest}"))


def allow(site: Site) -> None:
    with site.center.database.writing() as db:
        own = "" if db.dialect.name == "sqlite" else " ON record"
        db.execute(text(f"DROP TRIGGER no{own}"))


def test_of_a_batch_only_what_the_database_refuses_is_put_aside_and_may_come_back(
    behind: Site, bus: JetStream
) -> None:
    refuse(behind, 7)
    assert ["new"] * 20 == statuses(behind.machine().batch(run_of(1, 20)))

    write_all(bus, behind)

    assert [*range(1, 7), *range(8, 21)] == [row["seq"] for row in behind.stored()]
    [letter] = bus.buried()
    assert DEVICE == letter.device
    assert "does not take this content" in letter.reason
    assert {DEAD} == {*behind.alarms()}
    allow(behind)
    bus.revive(letter.place)
    write_all(bus, behind)
    assert [*range(1, 21)] == [row["seq"] for row in behind.stored()]
    assert {"whole"} == {row["chain"] for row in behind.stored()}
    assert [] == bus.buried()
    with pytest.raises(BusError, match="no dead letter"):
        bus.revive(letter.place)


def test_put_aside_twice_it_lies_there_once(bus: JetStream) -> None:
    for _ in range(2):
        bus.bury(b"x", DEVICE, "no")

    assert 1 == len(bus.buried())


def test_a_writer_waits_for_a_database_that_is_down(behind: Site, bus: JetStream) -> None:
    behind.machine().batch(run_of(1, 3))
    rename(behind, "progress", "elsewhere")
    with writing(bus, behind):
        threading.Event().wait(1)
        assert (1, []) == (bus.waiting(), bus.buried())
        rename(behind, "elsewhere", "progress")
        until("it is written", lambda: bus.waiting() == 0)

    assert [1, 2, 3] == [row["seq"] for row in behind.stored()]


def rename(site: Site, old: str, new: str) -> None:
    with site.center.database.writing() as db:
        db.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_a_message_that_kills_its_writers_is_put_aside_in_the_end(
    behind: Site, bus: JetStream
) -> None:
    behind.machine().batch(run_of(1, 3))
    for _ in range(25):
        [delivery] = fetched(bus)
        bus.do(delivery.message.nak())  # type: ignore[attr-defined]  # as a lost writer, sooner

    write_all(bus, behind)

    [letter] = bus.buried()
    assert "handed out 25 times in vain" == letter.reason
    bus.revive(letter.place)
    write_all(bus, behind)
    assert [1, 2, 3] == [row["seq"] for row in behind.stored()]


def fetched(bus: JetStream) -> list[Delivery]:
    found: list[Delivery] = []
    until("something is handed out", lambda: found.extend(bus.fetch(1, 1)) or found)
    return found


def test_what_is_not_said_to_be_done_is_handed_out_again(behind: Site, bus: JetStream) -> None:
    behind.machine().batch(run_of(1, 3))
    [delivery] = fetched(bus)
    write(behind, delivery.data)
    bus.do(delivery.message.nak())  # type: ignore[attr-defined]  # as a lost writer, sooner

    write_all(bus, behind)

    assert [1, 2, 3] == [row["seq"] for row in behind.stored()]


def write(site: Site, data: bytes) -> None:
    parcel = opened(data, LIMITS)
    site.center.records.take(parcel.caller, parcel.batch, parcel.incoming, parcel.now_ms)


def test_an_older_batch_that_comes_later_does_not_turn_the_clock_back(
    behind: Site, bus: JetStream
) -> None:
    machine = behind.machine()
    for first in (1, 3):
        machine.batch(run_of(first, first + 1), boot_id=f"boot-{first}")
    older, newer = (delivery.data for delivery in bus.fetch(2, 5))

    for data in (older, newer, older):
        write(behind, data)

    assert ["boot-3"] == [row["boot_id"] for row in progress_of(behind)]
    assert [opened(newer, LIMITS).now_ms] == [row["seen_ms"] for row in progress_of(behind)]


def test_what_no_server_would_take_is_refused_as_too_large(bus: JetStream) -> None:
    with pytest.raises(CenterError, match="too large for the bus"):
        bus.publish("x", bytes(8 * 1024**2 + 1))


def test_a_server_that_takes_too_little_is_told_at_the_start() -> None:
    with nats(max_payload=1024**2) as small, pytest.raises(BusError, match="max_payload"):
        JetStream(read_address(small.url))


def test_three_copies_that_cannot_be_had_are_not_made_fewer(server: Nats) -> None:
    with pytest.raises(BusError, match="keeps no batches: replicas > 1 not supported"):
        JetStream(read_address(f"{server.url}?replicas=3"), start_s=3)


def test_nobody_there_is_told_at_the_start() -> None:
    with pytest.raises(BusError, match="cannot be reached"):
        JetStream(read_address("nats://127.0.0.1:1"), start_s=2)


def test_a_stream_of_somebody_else_is_not_used(server: Nats, bus: JetStream) -> None:
    bus.do(bus._context.delete_stream(STREAM))
    bus.do(bus._context.add_stream(name=STREAM, subjects=["other"], storage=StorageType.MEMORY))

    with pytest.raises(BusError, match="not as this program made it"):
        JetStream(read_address(server.url))


def test_what_was_put_aside_is_listed_and_handed_out_again_by_its_operator(
    behind: Site, server: Nats, bus: JetStream, capsys: pytest.CaptureFixture[str]
) -> None:
    bus.bury(b"x", DEVICE, "the reason")
    command = ["center", "dead", "--data", str(behind.folder), "--bus", server.url]

    assert 0 == main(command)
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("#1 ")
    assert first.endswith(f"{DEVICE} 1 B: the reason")
    assert last.endswith("not written: 1")
    assert 0 == main([*command, "--retry"])
    assert capsys.readouterr().out.endswith("handed out again: 1\n")
    assert ([], 1) == (bus.buried(), bus.waiting())


def test_over_tls_and_with_a_password_only_who_may_is_let_in(tmp_path: Path) -> None:
    make_authority(tmp_path, ["localhost", "127.0.0.1"])
    with nats(certificate=tmp_path, password="pw") as guarded:  # noqa: S106  # of this bed
        hosts, ca = guarded.url.removeprefix("nats://"), tmp_path / "ca.pem"
        JetStream(read_address(f"tls://center:pw@{hosts}?ca={ca}")).close()

        for wrong in (f"tls://center:no@{hosts}?ca={ca}", f"tls://center:pw@{hosts}"):
            with pytest.raises(BusError, match="cannot be reached") as told:
                JetStream(read_address(wrong), start_s=2)
            assert "pw" not in str(told.value)


def test_a_bus_that_hangs_is_given_up_in_time(server: Nats, bus: JetStream) -> None:
    [child] = server.servers.values()
    child.pause()
    try:
        with pytest.raises(StoreDownError):
            bus.publish("x", b"x")
    finally:
        child.resume()
