"""What reads is saved, what does not is told; the broken file stays as it was."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from sync_bed import AT_MS, KEY, SIGNER, check, filled, result, tampering

from yibao_face.sync.api import Query, StoreError
from yibao_face.sync.outbox import Outbox
from yibao_face.sync.store.migrate import repaired_path
from yibao_face.sync.store.repair import repair
from yibao_face.sync.store.verify import verify
from yibao_face.sync.wire import from_wire, to_wire

COUNT = 200


def zeroed(path: Path, first: int, pages: int = 4) -> None:
    """Pages of zeros, as a disk gives back a bad sector."""
    data = bytearray(path.read_bytes())
    at = first * 4096
    data[at : at + pages * 4096] = bytes(pages * 4096)
    path.write_bytes(data)


def ids(path: Path) -> list[str]:
    with Outbox(path) as outbox:
        return [row.id for row in outbox.briefs(Query())]


def remove(path: Path, *seqs: int) -> None:
    with tampering(path) as db:
        for seq in seqs:
            db.execute("DELETE FROM record WHERE seq = ?", (seq,))
        db.commit()


def test_a_whole_file_is_repaired_into_itself(path: Path) -> None:
    filled(path, 10)
    with Outbox(path) as outbox:
        before = outbox.file.rows("SELECT seq, hash FROM record")
        outbox.delivery.acknowledge(["0002"], 5)
        outbox.delivery.bury("0003", "no")
        states = outbox.file.rows("SELECT * FROM delivery")
    done = repair(path, KEY, AT_MS)

    assert (10, (), 0) == (done.records, done.lost, done.resent)
    with Outbox(path) as outbox:
        assert before == outbox.file.rows("SELECT seq, hash FROM record")
        assert states == outbox.file.rows("SELECT * FROM delivery")


def test_a_lost_run_is_told_signed_and_the_rest_saved(path: Path) -> None:
    filled(path, 10)
    remove(path, 4, 5, 8)
    done = repair(path, KEY, AT_MS)
    report = verify(path, check)

    assert ((4, 5), (8, 8)) == done.lost
    assert ["0001", "0002", "0003", "0006", "0007", "0009", "0010"] == ids(path)
    assert report.ok
    assert [(4, 5, "unreadable"), (8, 8, "unreadable")] == [
        (gap.first, gap.last, gap.reason) for gap in report.gaps
    ]


def test_after_a_lost_end_numbers_go_on_behind_it(path: Path) -> None:
    filled(path, 10)
    remove(path, 9, 10)
    repair(path, KEY, AT_MS)
    with Outbox(path, sign=SIGNER.sign) as outbox:
        outbox.put(result("after"))
        [*_, last] = outbox.delivery.claim(100, AT_MS)

    assert ("after", 11) == (last.record.id, last.link.seq)
    assert verify(path, check).ok


def test_what_follows_a_gap_passes_the_checks_of_the_wire(path: Path) -> None:
    filled(path, 10)
    remove(path, 4)
    repair(path, KEY, AT_MS)
    with Outbox(path) as outbox:
        for one in outbox.delivery.claim(100, AT_MS):
            assert one.record == from_wire(to_wire(one.record, one.link))


def test_a_changed_record_is_not_passed_on(path: Path) -> None:
    filled(path, 10)
    with tampering(path) as db:
        db.execute("UPDATE record SET code = 0 WHERE seq = 6")
        db.commit()
    done = repair(path, KEY, AT_MS)

    assert ((6, 6),) == done.lost
    assert "0006" not in ids(path)


def test_a_second_repair_tells_only_of_what_is_new(path: Path) -> None:
    filled(path, 10)
    remove(path, 4)
    repair(path, KEY, AT_MS)
    remove(path, 3, 7)
    done = repair(path, KEY, AT_MS + 1)

    assert ((3, 3), (7, 7)) == done.lost
    assert [(3, AT_MS + 1), (4, AT_MS), (7, AT_MS + 1)] == [
        (gap.first, gap.at_ms) for gap in verify(path, check).gaps
    ]


def test_a_lost_delivery_state_sends_the_record_once_more(path: Path) -> None:
    filled(path, 3)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM delivery WHERE seq = 2")
        db.commit()

    assert 1 == repair(path, KEY, AT_MS).resent
    with Outbox(path) as outbox:
        assert 3 == outbox.delivery.counts().waiting


@pytest.mark.parametrize("seed", range(12))
def test_damage_anywhere_is_repaired_and_the_broken_file_kept(path: Path, seed: int) -> None:
    filled(path, COUNT)
    pages = path.stat().st_size // 4096
    # Not the first page: without it nobody knows where anything is.
    first = random.Random(seed).randrange(1, pages - 4)  # noqa: S311  # repeatable, guards nothing
    zeroed(path, first)
    broken = path.read_bytes()
    done = repair(path, KEY, AT_MS, known_last=COUNT)
    kept = ids(path)
    lost = [n for first, last in done.lost for n in range(first, last + 1)]

    assert broken == done.kept.read_bytes()
    assert verify(path, check).ok
    assert sorted([*(int(id_) for id_ in kept), *lost]) == [*range(1, COUNT + 1)]
    assert [0o600, 0o600] == [file.stat().st_mode & 0o777 for file in (path, done.kept)]


def test_a_file_that_tells_nothing_is_left_alone(path: Path) -> None:
    filled(path, 3)
    path.write_bytes(bytes(path.stat().st_size))
    broken = path.read_bytes()

    with pytest.raises(StoreError, match="nothing of"):
        repair(path, KEY, AT_MS)
    assert broken == path.read_bytes()


def test_with_the_number_the_centre_knows_a_dead_file_is_begun_anew(path: Path) -> None:
    filled(path, 3)
    path.write_bytes(b"\xff" * path.stat().st_size)
    done = repair(path, KEY, AT_MS, known_last=3)
    with Outbox(path, sign=SIGNER.sign) as outbox:
        outbox.put(result("after"))
        [claimed] = outbox.delivery.claim(9, AT_MS)

    assert ((1, 3),) == done.lost
    assert 4 == claimed.link.seq
    assert verify(path, check).ok


def test_a_file_in_use_is_not_repaired(path: Path) -> None:
    filled(path, 3)
    before = path.read_bytes()
    with Outbox(path) as outbox:
        outbox.count()
        with pytest.raises(StoreError, match="in use"):
            repair(path, KEY, AT_MS)
    assert before == path.read_bytes()


def test_a_missing_file_is_not_made(path: Path) -> None:
    with pytest.raises(StoreError, match="not there"):
        repair(path, KEY, AT_MS)
    assert not path.parent.exists() or [] == list(path.parent.iterdir())


def test_a_repair_cut_off_before_the_exchange_is_finished_by_the_next_start(path: Path) -> None:
    filled(path, 5)
    ready = filled(path.with_name("other.db"), 4)
    with closing(sqlite3.connect(path)) as db:
        # A log of the broken file is still there, and must not be replayed onto the new one.
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("INSERT INTO store VALUES ('x', 'y')")
        db.commit()
        log = path.with_name("results.db-wal").read_bytes()
    path.with_name("results.db-wal").write_bytes(log)
    ready.replace(repaired_path(path))

    assert ["0001", "0002", "0003", "0004"] == ids(path)
    assert verify(path, check).ok
    assert not repaired_path(path).exists()


REPAIR = """
import sys
from pathlib import Path
from sync_bed import KEY
from yibao_face.sync.store.repair import repair
print(flush=True)
repair(Path(sys.argv[1]), KEY, 1)
"""


def test_a_repair_killed_at_any_moment_can_be_done_again(path: Path) -> None:
    filled(path, 1500)
    remove(path, 700)
    original = path.read_bytes()
    rest = [f"{n:04d}" for n in range(1, 1501) if n != 700]
    chance = random.Random(3)  # noqa: S311  # repeatable, guards nothing
    for _ in range(6):
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(original)
        command = [sys.executable, "-c", REPAIR, str(path)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(chance.random() * 0.3)
            child.kill()

        assert rest == ids(path)
        repair(path, KEY, AT_MS)
        assert rest == ids(path)
        assert verify(path, check).ok
        assert {"results.db"} == {
            f.name for f in path.parent.iterdir() if ".broken-" not in f.name
        }


def test_evidence_and_the_last_receipt_are_taken_over(path: Path) -> None:
    filled(path, 3)
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO store VALUES ('receipt', '7')")
        db.execute("INSERT INTO evidence VALUES ('a', 5, 'photo', 'waiting', '0001', 1)")
        db.commit()
    repair(path, KEY, AT_MS)

    with Outbox(path) as outbox:
        assert "7" == outbox.file.setting("receipt")
        assert [("a", 5)] == outbox.file.rows("SELECT name, size_bytes FROM evidence")
