"""A result that was put is on disk, whatever happens next."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from yibao_face.sync.api import Result, StoreError
from yibao_face.sync.outbox import Outbox

# Puts results 0, 1, 2 … of the template in argv, and prints each id once put() returned.
WRITER = """
import ast, sys
from dataclasses import replace
from itertools import count
from pathlib import Path
from yibao_face.sync.api import Result
from yibao_face.sync.outbox import Outbox
path, run, template = Path(sys.argv[1]), sys.argv[2], Result(*ast.literal_eval(sys.argv[3]))
outbox = Outbox(path)
for n in count():
    result = replace(template, id=f"{run}-{n:04d}")
    outbox.put(result)
    print(result.id, flush=True)
"""


def result(id_: str = "0001", **changed: str | bool) -> Result:
    made = Result(
        id=id_,
        at_unix_ms=1_795_305_600_123,
        request_sha256="0" * 64,
        institution="001000200030",
        deal_no="00100020003020261122000001",
        person="f" * 64,
        code=1,
        who=2,
        cause="matched-agent",
        certificate_no="0" * 26,
        scores='{"similarity": 0.61}',
        models="{}",
        thresholds="{}",
        evidence_sha256="e" * 64,
        camera="replay/演示/1",
        consent="2023-106-1",
        findings="[]",
        sealed_request=b"\x00Y1\xff",
        demo=False,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in a folder that is not there yet."""
    return tmp_path / "site" / "results.db"


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
        outbox._db.execute("UPDATE result SET sent_at = 1 WHERE id = '0001'")

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

        assert ("wal",) == outbox._db.execute("PRAGMA journal_mode").fetchone()
        assert (2,) == outbox._db.execute("PRAGMA synchronous").fetchone()
        assert not outbox._db.in_transaction


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
            seen = other.execute("SELECT id FROM result").fetchall()

    assert [("0001",)] == seen


def test_a_store_of_a_newer_program_is_refused_unchanged(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result())
        outbox._db.execute("PRAGMA user_version = 2")
    before = path.read_bytes()

    with pytest.raises(StoreError, match="schema 2"):
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
        [pages] = outbox._db.execute("PRAGMA page_count").fetchone()
        outbox._db.execute(f"PRAGMA max_page_count = {pages}")
        large = "x" * 100_000

        for _ in range(3):
            with pytest.raises(StoreError, match="0001"):
                outbox.put(result("0001", scores=large))
        assert [result("0000")] == outbox.waiting()

        outbox._db.execute("PRAGMA max_page_count = 1000000")
        outbox.put(result("0001", scores=large))
        outbox.put(result("0002"))

    with Outbox(path) as outbox:
        assert ["0000", "0001", "0002"] == [r.id for r in outbox.waiting()]
        assert result("0001", scores=large) == outbox.get("0001")


def test_threads_may_put_and_read_at_once(path: Path) -> None:
    with Outbox(path) as outbox, ThreadPoolExecutor(8) as pool:

        def put(n: int) -> Result | None:
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


def test_a_killed_process_loses_nothing_it_put(path: Path) -> None:
    told: list[str] = []
    for run in range(10):
        told += told_until_killed(path, f"{run:02d}", after=run * 3 + 1)

        with Outbox(path) as outbox:
            kept = [r.id for r in outbox.waiting(10_000)]

        assert [] == sorted(set(told) - set(kept))
        # It may have put one more than it came to tell, in each run.
        assert len(told) <= len(kept) <= len(told) + run + 1


def told_until_killed(path: Path, run: str, after: int) -> list[str]:
    """Ids a writing process printed; it is killed right after the ``after``-th."""
    template = repr(astuple(result()))
    command = [sys.executable, "-c", WRITER, str(path), run, template]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(after)]
        child.kill()
        told += child.stdout.readlines()
    assert 0 != child.returncode
    assert all(line.endswith("\n") for line in told), "the writer ended by itself"
    return [line.strip() for line in told]
