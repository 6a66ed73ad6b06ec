"""A result that was put is on disk, whatever happens next."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sync_bed import SIGNER, result

from yibao_face.sync.api import Query, Record, StoreError
from yibao_face.sync.outbox import Outbox
from yibao_face.sync.store.query import clause_of


@pytest.mark.parametrize("demo", [True, False])
def test_a_result_comes_back_as_it_was_put(path: Path, demo: bool) -> None:
    with Outbox(path) as outbox:
        outbox.put(result(demo=demo))
        found = outbox.get("0001")

    assert result(demo=demo) == found
    assert found is not None
    assert demo is found.demo


def test_an_unknown_id_gives_nothing(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result())

        assert outbox.get("0002") is None
        assert outbox.get("") is None
        assert outbox.get("' OR 1=1 --") is None


def test_waiting_results_come_oldest_first_up_to_the_limit(path: Path) -> None:
    with Outbox(path) as outbox:
        for id_ in ("0003", "0001", "0005", "0002", "0004"):
            outbox.put(result(id_))

        assert ["0001", "0002", "0003"] == [r.id for r in outbox.waiting(3)]
        assert ["0001", "0002", "0003", "0004", "0005"] == [r.id for r in outbox.waiting()]


def test_a_result_the_centre_took_waits_no_longer_but_stays(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result("0001"))
        outbox.put(result("0002"))
        outbox.delivery.acknowledge(["0001"], 1)

        assert ["0002"] == [r.id for r in outbox.waiting()]
        assert result("0001") == outbox.get("0001")
        assert 2 == outbox.count()


def test_the_same_id_is_refused_and_the_first_row_kept(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result(cause="other-person"))

        with pytest.raises(StoreError, match="0001"):
            outbox.put(result(cause="matched-self"))
        assert [result(cause="other-person")] == outbox.waiting()


def test_every_commit_is_flushed_to_disk(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result())

        assert ("wal",) == outbox.file._db.execute("PRAGMA journal_mode").fetchone()
        assert (2,) == outbox.file._db.execute("PRAGMA synchronous").fetchone()
        assert not outbox.file._db.in_transaction


def test_results_survive_reopening(path: Path) -> None:
    for n in range(3):
        with Outbox(path) as outbox:
            outbox.put(result(f"{n:04d}"))

    with Outbox(path) as outbox:
        assert ["0000", "0001", "0002"] == [r.id for r in outbox.waiting()]


def test_a_result_is_seen_by_another_process_while_open(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result())
        with closing(sqlite3.connect(path)) as other:
            seen = other.execute("SELECT id FROM record").fetchall()

    assert [("0001",)] == seen


def test_a_store_of_a_newer_program_is_refused_unchanged(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result())
        outbox.file._db.execute("PRAGMA user_version = 4")
    before = path.read_bytes()

    with pytest.raises(StoreError, match="schema 4"):
        Outbox(path)
    assert before == path.read_bytes()


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StoreError, match=r"results\.db"):
        Outbox(tmp_path / "file" / "results.db")


def test_a_folder_in_place_of_the_file_is_a_store_error(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(StoreError, match=r"results\.db"):
        Outbox(path)


def test_a_file_that_is_no_database_is_a_store_error_and_kept(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database " * 1000)

    with pytest.raises(StoreError, match=r"results\.db"):
        Outbox(path)
    assert b"not a database " * 1000 == path.read_bytes()


def test_a_damaged_database_is_a_store_error(path: Path) -> None:
    with Outbox(path) as outbox:
        for n in range(200):
            outbox.put(result(f"{n:04d}"))
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))

    with Outbox(path) as outbox:
        with pytest.raises(StoreError, match=r"results\.db"):
            outbox.waiting()
        with pytest.raises(StoreError, match=r"results\.db"):
            outbox.get("0001")
        with pytest.raises(StoreError, match=r"results\.db"):
            outbox.put(result("9999"))


def test_counting_in_a_damaged_database_is_a_store_error(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result())
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))

    with Outbox(path) as outbox, pytest.raises(StoreError, match=r"results\.db"):
        outbox.count()


def test_a_closed_store_refuses_and_may_be_closed_again(path: Path) -> None:
    outbox = Outbox(path)
    outbox.close()
    outbox.close()

    with pytest.raises(StoreError):
        outbox.put(result())
    with pytest.raises(StoreError):
        outbox.get("0001")


def test_a_full_disk_refuses_the_result_and_later_ones_are_kept(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result("0000"))
        [pages] = outbox.file._db.execute("PRAGMA page_count").fetchone()
        outbox.file._db.execute(f"PRAGMA max_page_count = {pages}")
        large = "x" * 100_000

        for _ in range(3):
            with pytest.raises(StoreError, match="0001"):
                outbox.put(result("0001", scores=large))
        assert [result("0000")] == outbox.waiting()

        outbox.file._db.execute("PRAGMA max_page_count = 1000000")
        outbox.put(result("0001", scores=large))
        outbox.put(result("0002"))

    with Outbox(path) as outbox:
        assert ["0000", "0001", "0002"] == [r.id for r in outbox.waiting()]
        assert result("0001", scores=large) == outbox.get("0001")


def test_threads_may_put_and_read_at_once(path: Path) -> None:
    with Outbox(path) as outbox, ThreadPoolExecutor(8) as pool:

        def put(n: int) -> Record | None:
            outbox.put(result(f"{n:04d}"))
            return outbox.get(f"{n:04d}")

        got = list(pool.map(put, range(200)))

        assert [result(f"{n:04d}") for n in range(200)] == got
        assert got == outbox.waiting(1000)


def test_of_threads_putting_the_same_id_one_wins(path: Path) -> None:
    with Outbox(path) as outbox, ThreadPoolExecutor(8) as pool:

        def put(n: int) -> str | None:
            try:
                outbox.put(result(cause=f"cause {n}"))
            except StoreError:
                return None
            return f"cause {n}"

        won = [cause for cause in pool.map(put, range(8)) if cause]

        assert won == [r.cause for r in outbox.waiting()]
        assert 1 == len(won)


NOON_MS = 1_795_320_000_000


@pytest.fixture
def filled(path: Path) -> Generator[Outbox, None, None]:
    """Five records of two institutions, three persons and three days, out of time order."""
    rows: list[tuple[str, dict[str, str | int]]] = [
        ("0001", {"day": "2026-11-20", "person": "a", "deal_no": "D1"}),
        ("0002", {"day": "2026-11-22", "person": "b", "deal_no": "D2", "institution": "H2"}),
        ("0003", {"day": "2026-11-21", "person": "a", "kind": "round", "at_unix_ms": NOON_MS}),
        ("0004", {"day": "2026-11-22", "person": "c", "deal_no": "D1", "certificate_no": "C4"}),
        ("0005", {"day": "2026-11-22", "person": "a", "kind": "treatment-in"}),
    ]
    passed = {"cause": "matched-self"}
    refused: dict[str, str | int] = {"cause": "other-person", "code": 0}
    with Outbox(path) as outbox:
        for id_, changed in rows:
            outcome = passed if id_ in ("0002", "0004") else refused
            outbox.put(result(id_, **outcome, **changed))
        yield outbox


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (Query(institution="I", deal_no="D", limit=1), "record_deal"),
        (Query(institution="I", deal_no="D", let_go=True), "record_let_go"),
        (Query(person="a", kinds=("round",), causes=("spoof-flat",)), "record_person"),
        (Query(kinds=("round",), first_day="2026-11-21"), "record_kind"),
        (Query(certificate_no="C"), "record_certificate"),
    ],
    ids=str,
)
def test_what_every_call_asks_is_found_by_an_index(path: Path, query: Query, index: str) -> None:
    clause, bound = clause_of(query)
    with Outbox(path) as outbox:
        explain = f"EXPLAIN QUERY PLAN SELECT * FROM record {clause}"  # noqa: S608  # own words
        plan = outbox.file._db.execute(explain, bound)
        used = " ".join(str(row[3]) for row in plan)

    assert re.search(rf"USING INDEX {index}\b", used), used


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), ["0001", "0002", "0003", "0004", "0005"]),
        (Query(newest=True, limit=1), ["0005"]),
        (Query(newest=True), ["0005", "0004", "0003", "0002", "0001"]),
        (Query(limit=2), ["0001", "0002"]),
        (Query(causes=("matched-self",)), ["0002", "0004"]),
        (Query(but_cause="matched-self"), ["0001", "0003", "0005"]),
        (Query(let_go=True), ["0002", "0004"]),
        (Query(deal_no="D1", institution="001000200030", let_go=True), ["0004"]),
        (Query(kinds=("round",)), ["0003"]),
        (Query(kinds=("round", "treatment-in")), ["0003", "0005"]),
        (Query(kinds=("settlement",), newest=True, limit=1), ["0004"]),
        (Query(kinds=("round", "settlement"), causes=("other-person",)), ["0001", "0003"]),
        (Query(institution="H2"), ["0002"]),
        (Query(deal_no="D1"), ["0001", "0004"]),
        (Query(deal_no="D1", institution="H2"), []),
        (Query(person="a", first_day="2026-11-21"), ["0003", "0005"]),
        (Query(first_day="2026-11-20", last_day="2026-11-21"), ["0001", "0003"]),
        (Query(since_ms=NOON_MS), ["0003"]),
        (Query(certificate_no="C4"), ["0004"]),
        (Query(person="' OR 1=1 --"), []),
    ],
    ids=str,
)
def test_a_query_finds_what_agrees_in_the_order_written(
    filled: Outbox, query: Query, expected: list[str]
) -> None:
    assert expected == [r.id for r in filled.find(query)]


def test_the_high_water_is_the_latest_time_not_the_last_written(filled: Outbox) -> None:
    assert NOON_MS == filled.high_water_ms("clock")


def test_an_accepted_clock_sets_the_high_water_anew(filled: Outbox) -> None:
    filled.put(result("0006", kind="clock", at_unix_ms=5000))
    filled.put(result("0007", at_unix_ms=7000))

    assert 7000 == filled.high_water_ms("clock")


def test_an_empty_store_has_no_high_water(path: Path) -> None:
    with Outbox(path) as outbox:
        assert 0 == outbox.high_water_ms("clock")


def numbers(outbox: Outbox) -> list[int]:
    return [row[0] for row in outbox.file.rows("SELECT seq FROM record ORDER BY seq")]


def test_numbers_have_no_holes_whoever_writes(path: Path) -> None:
    with (
        Outbox(path) as one,
        Outbox(path, sign=SIGNER.sign) as other,
        ThreadPoolExecutor(8) as pool,
    ):

        def put(n: int) -> None:
            (one, other)[n % 2].put(result(f"{n:04d}"))

        list(pool.map(put, range(100)))

        assert [*range(1, 101)] == numbers(one)


def test_a_refused_record_takes_no_number(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result("0001"))
        for wrong in (result("0001"), result("0002", detail="\ud800")):
            with pytest.raises(StoreError):
                outbox.put(wrong)
        outbox.put(result("0003"))

        assert [1, 2] == numbers(outbox)


@pytest.mark.parametrize("statement", ["UPDATE record SET code = 1", "DELETE FROM record"])
def test_a_record_is_neither_changed_nor_removed_by_a_slip(path: Path, statement: str) -> None:
    with Outbox(path) as outbox:
        outbox.put(result())

        with pytest.raises(sqlite3.IntegrityError, match="never"):
            outbox.file._db.execute(statement)
        assert [result()] == outbox.waiting()


def test_a_chain_of_an_unknown_hash_is_refused(path: Path) -> None:
    with Outbox(path, algorithm="md5") as outbox, pytest.raises(StoreError, match="md5"):
        outbox.put(result())
