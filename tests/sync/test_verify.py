"""One changed byte, one missing record, a cut end: found, and its place told."""

from __future__ import annotations

import random
import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from sync_bed import SIGNER, check, filled, result, tampering

from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.sync.api import FIELDS, Query, StoreError
from yibao_face.sync.chain import SM3, head_statement
from yibao_face.sync.outbox import Outbox
from yibao_face.sync.store.schema import INTEGERS
from yibao_face.sync.store.verify import Finding, Report, verify

COUNT = 8
_ONE = 0x01


def told(path: Path) -> list[tuple[int, str]]:
    return [(found.seq, found.what) for found in verify(path, check).findings]


@pytest.mark.parametrize("algorithm", ["sha256", SM3])
def test_a_file_as_written_is_whole(path: Path, algorithm: str) -> None:
    with Outbox(path, sign=SIGNER.sign, algorithm=algorithm) as outbox:
        for n in range(70):
            outbox.put(result(f"{n:04d}", demo=n % 2 == 0, sealed_request=bytes(n)))
        while_open = verify(path, check)

    assert Report(records=70, last=70, signed=70) == while_open == verify(path, check)


def test_an_empty_file_is_whole(path: Path) -> None:
    Outbox(path).close()

    assert Report() == verify(path, check)


def test_a_file_keeps_the_hash_it_was_made_with(path: Path) -> None:
    with Outbox(path, sign=SIGNER.sign, algorithm=SM3) as outbox:
        outbox.put(result("0001"))
    with Outbox(path, sign=SIGNER.sign) as outbox:
        outbox.put(result("0002"))

    assert verify(path, check).ok


def changed(value: object, chance: random.Random, bits: range = range(8)) -> object:
    """The value with one bit of it changed, one of ``bits`` of a byte."""
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(40)
    data = bytearray(value.encode() if isinstance(value, str) else bytes(value))  # type: ignore[call-overload]  # text or blob
    if not data:
        return b"x" if isinstance(value, bytes) else "x"
    data[chance.randrange(len(data))] ^= 1 << chance.choice(bits)
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("column", [*FIELDS, "hash", "seq"])
def test_one_changed_byte_of_any_column_of_any_record_is_found(
    path: Path, column: str, seed: int
) -> None:
    chance = random.Random(f"{column}{seed}")  # noqa: S311  # repeatable, guards nothing
    filled(path, COUNT)
    seq = chance.randrange(1, COUNT + 1)
    with tampering(path) as db:
        select = f"SELECT {column} FROM record WHERE seq = ?"  # noqa: S608  # own names
        [old] = db.execute(select, (seq,)).fetchone()
        # No id may become another's: SQLite itself refuses that.
        new = changed(old, chance, range(4, 8) if column == "id" else range(8))
        # Any bytes can lie in a text of SQLite, also such as are no text.
        blob = isinstance(old, bytes) or column in INTEGERS or column == "seq"
        value = "?" if blob else "CAST(? AS TEXT)"
        update = f"UPDATE record SET {column} = {value} WHERE seq = ?"  # noqa: S608  # own names
        db.execute(update, (new, seq))
        db.commit()

    found = told(path)
    assert found, "not found"
    assert seq == min(place for place, _ in found)


@pytest.mark.parametrize("seed", range(40))
def test_one_changed_byte_in_the_file_where_records_lie_is_found(path: Path, seed: int) -> None:
    filled(path, COUNT)
    chance = random.Random(seed)  # noqa: S311  # repeatable, guards nothing
    data = bytearray(path.read_bytes())
    needle = f"{chance.randrange(1, COUNT + 1):04d}settlement".encode()
    start = data.index(needle)
    # From the types of the columns, before the first of them, to the end of the hash.
    data[start + chance.randrange(-26, 400)] ^= 1 << chance.randrange(8)
    path.write_bytes(data)

    assert told(path)


def test_a_record_taken_out_is_found_by_its_number(path: Path) -> None:
    filled(path, COUNT)
    with tampering(path) as db:
        db.execute("DELETE FROM record WHERE seq = 3")
        db.execute("DELETE FROM delivery WHERE seq = 3")
        db.commit()

    assert [(3, "missing")] == told(path)


def test_a_record_taken_out_with_the_later_ones_moved_up_is_found(path: Path) -> None:
    filled(path, COUNT)
    with tampering(path) as db:
        db.execute("DELETE FROM record WHERE seq = 3")
        for seq in range(4, COUNT + 1):
            db.execute("UPDATE record SET seq = ? WHERE seq = ?", (seq - 1, seq))
        db.commit()

    assert (3, "changed") == told(path)[0]


def test_a_cut_end_is_found_by_the_signed_head(path: Path) -> None:
    filled(path, COUNT)
    with tampering(path) as db:
        db.execute("DELETE FROM record WHERE seq > 6")
        db.execute("DELETE FROM delivery WHERE seq > 6")
        db.commit()

    assert [Finding(7, "cut", "records 7 to 8 were cut off")] == verify(path, check).findings


def rehashed(path: Path, until: int) -> None:
    """Record 2 changed and the chain computed anew, as somebody without the key can."""
    with Outbox(path) as source:
        rows = source.find(Query())
    with tampering(path) as db:
        heads = db.execute("SELECT * FROM head").fetchall()
        db.execute("DELETE FROM record")
        db.execute("DELETE FROM delivery")
        db.commit()
    with Outbox(path) as anew:
        for row in rows[:until]:
            anew.put(result(row.id, code=0 if row.id == "0002" else row.code))
    with closing(sqlite3.connect(path)) as db:
        db.executemany("INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?)", heads)
        db.commit()


def test_a_chain_computed_anew_does_not_fit_the_signed_head(path: Path) -> None:
    filled(path, COUNT)
    rehashed(path, COUNT)

    assert [(COUNT, "head")] == told(path)


@pytest.mark.parametrize("what", ["signature", "key", "time"])
def test_a_head_somebody_else_signed_is_found(path: Path, what: str) -> None:
    filled(path, COUNT)
    with closing(sqlite3.connect(path)) as db:
        seq, hash_, at_ms, signature = db.execute("SELECT * FROM head").fetchone()
        other = Ed25519Signer(bytes(32)).sign(head_statement(seq, hash_, at_ms, "sha256"))
        new = {
            "signature": (at_ms, bytes([signature[0] ^ _ONE]) + signature[1:]),
            "key": (at_ms, other),
            "time": (at_ms + 1, signature),
        }[what]
        db.execute("UPDATE head SET at_ms = ?, signature = ?", new)
        db.commit()

    assert [(COUNT, "head")] == told(path)


def test_heads_stay_every_64_records_and_at_the_end(path: Path) -> None:
    filled(path, 150)

    with closing(sqlite3.connect(path)) as db:
        assert [(64,), (128,), (150,)] == db.execute("SELECT seq FROM head").fetchall()


def test_without_a_signature_the_chain_is_still_checked(path: Path) -> None:
    with Outbox(path) as outbox:
        outbox.put(result("0001"))
        outbox.put(result("0002"))

    assert Report(records=2, last=2, signed=0) == verify(path, check)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM delivery WHERE seq = 4",
        "INSERT INTO delivery VALUES (99, 0, 'sent', 0, 0, '', 1)",
    ],
)
def test_a_record_without_state_and_a_state_without_record_are_found(
    path: Path, statement: str
) -> None:
    filled(path, COUNT)
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()

    assert ["state"] == [what for _, what in told(path)]


def test_a_loss_nobody_signed_is_found(path: Path) -> None:
    filled(path, 3)
    with tampering(path) as db:
        db.execute("DELETE FROM record WHERE seq = 3")
        db.execute("DELETE FROM delivery WHERE seq = 3")
        db.execute("DELETE FROM head")
        db.execute("INSERT INTO gap VALUES (3, 3, 1, 'unreadable', ?, ?)", (bytes(32), b""))
        db.commit()

    assert [(3, "gap")] == told(path)


def test_damaged_pages_are_told_and_not_raised(path: Path) -> None:
    filled(path, 200)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))

    assert "file" in {what for _, what in told(path)}


def test_no_database_is_told_and_not_raised(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database " * 1000)

    assert [(1, "file")] == told(path)


def test_a_missing_file_is_an_error_and_none_is_made(path: Path) -> None:
    with pytest.raises(StoreError, match="not there"):
        verify(path, check)
    assert not path.exists()


def test_memory_does_not_grow_with_the_file(path: Path) -> None:
    filled(path, 100, scores='{"x": "' + "x" * 100_000 + '"}')
    tracemalloc.start()
    try:
        verify(path, check)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 3_000_000 < path.stat().st_size
