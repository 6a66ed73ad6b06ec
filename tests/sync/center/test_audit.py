"""Whoever changes what the centre has stored is found out, and the record is named."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from center_bed import DEVICE, SIGNER, Site, chained, head, record, run_of, running, statuses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.sync.api import FIELDS
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.tables import GAP, PROGRESS, RECORD, RELINK
from yibao_face.sync.center.upkeep.audit import Report, audit
from yibao_face.sync.chain import body_of, canonical, next_hash

COUNT = 9
OTHER = Ed25519Signer(b"o" * 32)


@pytest.fixture
def filled(site: Site) -> Site:
    """Nine records of one machine, whose head is signed."""
    sent = run_of(1, COUNT)
    machine = site.signing()
    assert ["new"] * COUNT == statuses(machine.batch(sent, head=head(sent[-1], SIGNER)))
    return site


def change(site: Site, seq: int, **values: Any) -> None:
    """As somebody with a SQL shell does."""
    with site.center.database.writing() as db:
        db.execute(update(RECORD).where(RECORD.c.seq == seq).values(**values))


def findings(site: Site) -> list[tuple[int, str]]:
    return [(one.seq, one.what) for one in audit(site.center).findings]


def test_what_nobody_touched_is_whole(filled: Site) -> None:
    report = audit(filled.center)

    assert (True, 1, COUNT, 1) == (report.ok, report.devices, report.records, report.signed)
    assert (0, 0, []) == (report.known, report.missing, report.findings)


@pytest.mark.parametrize(
    "values",
    [
        {"code": 0},
        {"person": "4" * 64},
        {"scores": '{"match":0.72}'},
        {"sealed_request": b"Sealed"},
        {"demo": True},
        {"at_unix_ms": 1},
        {"prev": b"\1" * 32},
        {"hash": b"\1" * 32},
    ],
    ids=str,
)
def test_a_changed_row_is_named(filled: Site, values: dict[str, Any]) -> None:
    [victim] = [row for row in filled.stored() if row["seq"] == 5]
    change(filled, 5, **values)

    [first, *others] = audit(filled.center).findings

    assert (DEVICE, 5, victim["id"], "changed") == (first.device, first.seq, first.id, first.what)
    # A changed hash is one that the next does not continue, too.
    assert {5, 4} >= {one.seq for one in others}


def test_a_row_changed_together_with_its_hash_is_named_by_the_one_after_it(filled: Site) -> None:
    [row] = [row for row in filled.stored() if row["seq"] == 5]
    forged = record(5, code=0)
    change(filled, 5, code=0, hash=next_hash(row["prev"], canonical(body_of(forged, 5))))

    assert [(5, "unlinked")] == findings(filled)


def test_a_chain_written_anew_to_its_end_does_not_lead_to_the_signed_head(filled: Site) -> None:
    stored = filled.stored()
    prev = stored[4]["prev"]
    for row in stored[4:]:
        one = record(row["seq"], code=0)
        hash_ = next_hash(prev, canonical(body_of(one, row["seq"])))
        change(filled, row["seq"], code=0, prev=prev, hash=hash_)
        prev = hash_
    with filled.center.database.writing() as db:
        db.execute(update(PROGRESS).values(tip_hash=prev))

    assert [(COUNT, "head")] == findings(filled)


def test_a_row_taken_out_is_missed(filled: Site) -> None:
    with filled.center.database.writing() as db:
        db.execute(delete(RECORD).where(RECORD.c.seq.in_([4, COUNT])))

    assert [(4, "missing"), (COUNT, "missing")] == findings(filled)


def test_a_hole_nobody_has_sent_yet_is_no_finding(site: Site) -> None:
    sent = run_of(1, 5)
    site.machine().batch([sent[0], sent[4]])

    report = audit(site.center)

    assert (True, 3) == (report.ok, report.missing)


def test_a_row_taken_out_and_told_as_a_hole_is_found_by_its_count_only(filled: Site) -> None:
    with filled.center.database.writing() as db:
        db.execute(delete(RECORD).where(RECORD.c.seq == 4))
        db.execute(insert(GAP).values(device=DEVICE, first=4, last=4))

    # The next batch asks the device for it again: nothing is lost by it.
    report = audit(filled.center)
    assert (True, 1) == (report.ok, report.missing)


def test_a_head_that_was_exchanged_is_found(filled: Site) -> None:
    other = head({"seq": COUNT, "hash": "a" * 64}, OTHER)
    with filled.center.database.writing() as db:
        values = {"head_hash": b"\xaa" * 32, "head_signature": other["signature"]}
        db.execute(update(PROGRESS).values(**values))

    assert [(COUNT, "head")] == findings(filled)


def test_what_did_not_fit_when_it_came_is_known_and_no_finding(filled: Site) -> None:
    machine = filled.signing()
    broken = chained([record(COUNT + 1)], COUNT + 1, b"\1" * 32)
    fork = chained([record(77)], 3, bytes.fromhex(run_of(1, 2)[1]["hash"]))
    sent = [*broken, *fork]
    assert ["new", "new"] == statuses(machine.batch(sent, head=head(broken[0], SIGNER)))

    report = audit(filled.center)

    assert (True, 2) == (report.ok, report.known)


def test_marking_a_changed_row_as_one_that_came_so_helps_nobody(filled: Site) -> None:
    [row] = [row for row in filled.stored() if row["seq"] == 5]
    forged = record(5, code=0)
    hash_ = next_hash(row["prev"], canonical(body_of(forged, 5)))
    change(filled, 5, code=0, hash=hash_, chain="broken")

    assert [(6, "state")] == findings(filled)


def test_renewed_links_are_checked_as_the_first_ones(filled: Site) -> None:
    again = chained([record(5)], 5, b"\7" * 32)
    assert ["dup"] == statuses(filled.signing().batch(again, head=head(run_of(9, 9)[0], SIGNER)))
    assert audit(filled.center).ok
    with filled.center.database.writing() as db:
        db.execute(update(RELINK).values(prev=b"\6" * 32))

    assert [(5, "changed")] == findings(filled)


def test_one_device_alone_is_looked_at_when_asked(filled: Site) -> None:
    filled.machine("counter-2").batch(
        chained([record(n) for n in range(101, 104)]), device="counter-2"
    )
    change(filled, 5, code=0)

    assert audit(filled.center, "counter-2").records == 3
    assert {5, 4} >= {one.seq for one in audit(filled.center).findings}
    assert 2 == audit(filled.center).devices


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site, None, None]:
    with running(tmp_path_factory.mktemp("audit")) as site:
        sent = run_of(1, COUNT)
        site.signing().batch(sent, head=head(sent[-1], SIGNER))
        yield site


def _mutated(value: Any, at: int, bit: int) -> Any:
    """One bit of a text or of bytes turned over; a number moved by a power of two."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ (1 << bit)
    data = bytearray(value.encode() if isinstance(value, str) else value) or bytearray(b" ")
    data[at % len(data)] ^= 1 << bit
    return bytes(data) if isinstance(value, bytes) else data.decode("latin-1")


@given(
    st.integers(1, COUNT),
    st.sampled_from([*FIELDS, "prev", "hash"]),
    st.integers(0, 400),
    st.integers(0, 6),
)
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_changed_bit_of_any_record_is_found_and_named(
    shelf: Site, seq: int, name: str, at: int, bit: int
) -> None:
    with shelf.center.database.writing() as db:
        [row] = rows(db, select(RECORD).where(RECORD.c.seq == seq))
        changed = {name: _mutated(row[name], at, bit)}
        own = RECORD.c.device == DEVICE, RECORD.c.seq == seq
        db.execute(update(RECORD).where(*own).values(**changed))
    try:
        report: Report = audit(shelf.center)
        assert not report.ok
        assert (seq, "changed") in [(one.seq, one.what) for one in report.findings]
    finally:
        with shelf.center.database.writing() as db:
            db.execute(update(RECORD).where(*own).values(**{name: row[name]}))
