"""A record waits until the centre has it; nothing makes it wait for ever."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sync_bed import AT_MS, SIGNER, filled, result

from yibao_face.sync.api import StoreError
from yibao_face.sync.chain import GENESIS, SHA256, head_statement
from yibao_face.sync.delivery import (
    LEASE_MS,
    MOST_WAIT_MS,
    Claimed,
    Counts,
    Delivery,
    Head,
    Receipt,
    Taken,
    harmless,
)
from yibao_face.sync.outbox import LATER, Outbox
from yibao_face.sync.wire import linked_from_wire, to_wire

NOW = 1_000_000


@pytest.fixture
def outbox(path: Path) -> Generator[Outbox, None, None]:
    """Five records, all waiting."""
    with Outbox(filled(path, 5)) as outbox:
        yield outbox


@pytest.fixture
def delivery(outbox: Outbox) -> Delivery:
    return outbox.delivery


def ids(claimed: list[Claimed]) -> list[str]:
    return [one.record.id for one in claimed]


def test_records_are_claimed_in_the_order_of_their_numbers_up_to_the_limit(
    delivery: Delivery,
) -> None:
    assert ["0001", "0002"] == ids(delivery.claim(2, NOW))
    assert ["0003", "0004", "0005"] == ids(delivery.claim(200, NOW))
    assert [] == delivery.claim(200, NOW)


def test_results_go_before_what_may_come_later(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result("0001"), LATER)
        outbox.put(result("0002"))
        outbox.put(result("0003"), LATER)
        outbox.put(result("0004"))

        assert ["0002", "0004", "0001", "0003"] == ids(outbox.delivery.claim(9, NOW))


def test_a_claimed_record_passes_the_checks_of_the_wire(delivery: Delivery) -> None:
    claimed = delivery.claim(5, NOW)

    assert [1, 2, 3, 4, 5] == [one.link.seq for one in claimed]
    assert [GENESIS, *(one.link.hash for one in claimed[:-1])] == [o.link.prev for o in claimed]
    for one in claimed:
        assert (one.record, one.link) == linked_from_wire(to_wire(one.record, one.link))


def test_who_died_with_records_in_hand_gives_them_back(delivery: Delivery) -> None:
    delivery.claim(5, NOW)

    assert [] == delivery.claim(5, NOW + LEASE_MS - 1)
    again = delivery.claim(5, NOW + LEASE_MS)
    assert [("0001", 2), ("0002", 2)] == [(one.record.id, one.attempts) for one in again[:2]]


@pytest.mark.parametrize("wrong_ms", [86_400_000, MOST_WAIT_MS + 1])
def test_a_clock_that_was_set_back_does_not_hold_records(
    delivery: Delivery, wrong_ms: int
) -> None:
    delivery.claim(5, NOW + wrong_ms, lease_ms=0)

    assert 5 == len(delivery.claim(5, NOW))


def test_what_was_acknowledged_is_never_claimed_again(delivery: Delivery) -> None:
    assert 2 == delivery.acknowledge(["0001", "0003"], NOW)
    assert 0 == delivery.acknowledge(["0001", "nobody"], NOW + 1)

    assert ["0002", "0004", "0005"] == ids(delivery.claim(9, NOW))
    assert Counts(3, 2, 0, AT_MS) == delivery.counts()


def test_a_postponed_record_waits_for_its_time_and_keeps_the_reason(
    outbox: Outbox, delivery: Delivery
) -> None:
    delivery.claim(1, NOW)
    delivery.postpone(["0001"], NOW + 500, "503 busy")

    assert "0001" not in ids(delivery.claim(9, NOW + 499, lease_ms=0))
    assert "0001" in ids(delivery.claim(9, NOW + 500))
    assert [("503 busy",)] == outbox.file.rows("SELECT error FROM delivery WHERE seq = 1")


def test_a_dead_record_is_told_of_and_revived_on_demand(delivery: Delivery) -> None:
    delivery.claim(1, NOW)
    delivery.bury("0001", "reject: schema 2")
    [dead] = delivery.dead()

    assert (1, "0001", "settlement", 1, "reject: schema 2") == (
        *(dead.seq, dead.id, dead.kind, dead.attempts, dead.error),
    )
    assert Counts(4, 0, 1, AT_MS) == delivery.counts()
    assert 0 == delivery.revive(["0002"])
    assert 1 == delivery.revive(["0001", "0001"])
    assert [("0001", 1)] == [(o.record.id, o.attempts) for o in delivery.claim(1, NOW)]


def test_all_dead_are_revived_at_once(delivery: Delivery) -> None:
    for id_ in ("0001", "0004"):
        delivery.bury(id_, "no")

    assert 2 == delivery.revive()
    assert 5 == delivery.counts().waiting


def test_a_late_acknowledgement_outweighs_death(delivery: Delivery) -> None:
    delivery.bury("0001", "no")
    delivery.acknowledge(["0001"], NOW)

    assert (4, 1, 0) == (delivery.counts().waiting, delivery.counts().sent, delivery.counts().dead)


def test_what_was_sent_is_neither_postponed_nor_buried(delivery: Delivery) -> None:
    delivery.acknowledge(["0001"], NOW)

    assert (0, 0) == (delivery.postpone(["0001"], NOW, "x"), delivery.bury("0001", "x"))
    assert 1 == delivery.counts().sent


def test_an_empty_queue_says_so(path: Path) -> None:
    with Outbox(path) as outbox:
        assert Counts(0, 0, 0, 0) == outbox.delivery.counts()
        assert [] == outbox.delivery.claim(9, NOW)
        assert 0 == outbox.delivery.acknowledge([], NOW)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("number 11010519491231002X is wrong", "number … is wrong"),
        ("two\nlines\x1b[31m", "two lines [31m"),
        ("x" * 500, "x" * 200),
        ("503 after 5000 ms", "503 after 5000 ms"),
    ],
)
def test_a_reason_is_one_short_line_without_long_numbers(said: str, kept: str) -> None:
    assert kept == harmless(said)


def test_the_due_are_found_by_an_index_however_many_were_sent(outbox: Outbox) -> None:
    query = (
        "EXPLAIN QUERY PLAN SELECT * FROM record JOIN delivery USING (seq)"
        " WHERE state = 'waiting' ORDER BY priority, delivery.seq LIMIT 200"
    )
    plan = " ".join(str(row[3]) for row in outbox.file.rows(query))

    assert "USING INDEX delivery_waiting" in plan
    assert "TEMP B-TREE" not in plan


def test_two_that_claim_at_once_never_get_the_same(path: Path) -> None:
    filled(path, 300)
    with Outbox(path) as one, Outbox(path) as other, ThreadPoolExecutor(8) as pool:

        def claim(n: int) -> list[str]:
            return ids((one, other)[n % 2].delivery.claim(20, NOW))

        got = [id_ for batch in pool.map(claim, range(60)) for id_ in batch]

        got += ids(one.delivery.claim(300, NOW))
    assert sorted(got) == [f"{n:04d}" for n in range(1, 301)]


def last_hash(outbox: Outbox, seq: int) -> bytes:
    return bytes(outbox.file.rows("SELECT hash FROM record WHERE seq = ?", (seq,))[0][0])


def test_a_receipt_marks_what_the_centre_has_and_what_it_refuses(
    outbox: Outbox, delivery: Delivery
) -> None:
    receipt = Receipt(1, (Taken(1, 3, last_hash(outbox, 3)),), (("0005", "rejected"),))

    assert 3 == delivery.receive(receipt, NOW)
    assert Counts(1, 3, 1, AT_MS) == delivery.counts()
    assert ["0005"] == [dead.id for dead in delivery.dead()]


def test_an_old_receipt_is_refused(outbox: Outbox, delivery: Delivery) -> None:
    delivery.receive(Receipt(2, ()), NOW)

    for version in (1, 2):
        with pytest.raises(StoreError, match=f"receipt {version} is not newer than 2"):
            delivery.receive(Receipt(version, (Taken(1, 1, last_hash(outbox, 1)),)), NOW)
    assert 0 == delivery.counts().sent


@pytest.mark.parametrize("wrong", ["hash", "number", "order"])
def test_a_receipt_of_another_chain_changes_nothing(
    outbox: Outbox, delivery: Delivery, wrong: str
) -> None:
    good = Taken(1, 2, last_hash(outbox, 2))
    bad = {
        "hash": Taken(3, 4, bytes(32)),
        "number": Taken(3, 9, bytes(32)),
        "order": Taken(5, 4, last_hash(outbox, 4)),
    }[wrong]

    with pytest.raises(StoreError, match="not that of this device"):
        delivery.receive(Receipt(1, (good, bad)), NOW)
    assert 0 == delivery.counts().sent
    assert 2 == delivery.receive(Receipt(1, (good,)), NOW)


def test_the_head_is_the_last_record_and_its_signature(outbox: Outbox, delivery: Delivery) -> None:
    head = delivery.head()

    assert (5, last_hash(outbox, 5), AT_MS) == (head.seq, head.hash, head.at_ms)
    statement = head_statement(head.seq, head.hash, head.at_ms, SHA256)
    assert SIGNER.sign(statement) == head.signature


def test_a_file_that_is_not_signed_has_an_unsigned_head(path: Path) -> None:
    with Outbox(path) as outbox:
        assert Head(0, GENESIS, 0, b"") == outbox.delivery.head()
        outbox.put(result())
        assert Head(1, last_hash(outbox, 1), 0, b"") == outbox.delivery.head()


def test_the_first_that_is_not_acknowledged(delivery: Delivery) -> None:
    assert 1 == delivery.first_unsent()
    delivery.acknowledge(["0001", "0003"], AT_MS)
    assert 2 == delivery.first_unsent()
    delivery.bury("0002", "conflict")
    assert 2 == delivery.first_unsent()
    delivery.acknowledge(["0002", "0004", "0005"], AT_MS)
    assert 0 == delivery.first_unsent()


def test_the_backlog_is_told_without_what_was_sent(delivery: Delivery) -> None:
    delivery.acknowledge(["0001"], AT_MS)
    delivery.bury("0003", "conflict")

    counts = delivery.backlog()

    assert (3, 0, 1, AT_MS) == (
        counts.waiting,
        counts.sent,
        counts.dead,
        counts.oldest_waiting_ms,
    )


def test_what_the_centre_lost_waits_again_and_nothing_else(delivery: Delivery) -> None:
    delivery.acknowledge(["0001", "0002"], AT_MS)
    delivery.bury("0003", "conflict")

    assert 1 == delivery.reopen(2, 3, 100)

    assert ["0002", "0004", "0005"] == ids(delivery.claim(10, AT_MS))
    assert 1 == delivery.backlog().dead
    assert 0 == delivery.reopen(1, 1, 0)


def test_who_listens_hears_of_each_record_once_it_is_on_disk(path: Path) -> None:
    heard: list[int] = []
    with Outbox(path) as outbox:
        outbox.subscribe(lambda: heard.append(outbox.count()))
        outbox.put(result("0001"))
        with pytest.raises(StoreError):
            outbox.put(result("0001"))
        outbox.put(result("0002"))

    assert [1, 2] == heard


def test_a_closed_file_is_a_store_error(path: Path) -> None:
    with Outbox(path, sign=SIGNER.sign) as outbox:
        delivery = outbox.delivery

    with pytest.raises(StoreError, match="closed"):
        delivery.claim(1, NOW)
