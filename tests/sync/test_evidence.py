"""Evidence makes room by policy; records never do."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_bed import result

from yibao_face.sync.api import StoreError
from yibao_face.sync.evidence import DROPPED, SENT, WAITING, EvidenceLane, Piece, Quota, to_drop
from yibao_face.sync.outbox import Outbox

WORTH = {"attack": 2, "photo": 1}
PIECES = st.builds(
    Piece,
    name=st.uuids().map(lambda made: made.hex * 2),
    size_bytes=st.integers(1, 100),
    lane=st.sampled_from(["attack", "photo", "sample"]),
    state=st.sampled_from([WAITING, SENT, DROPPED]),
    record_id=st.just("0001"),
    at_ms=st.integers(0, 10),
)


@given(st.lists(PIECES, max_size=20), st.integers(0, 1000))
def test_what_is_left_fits_and_no_more_goes_than_must(pieces: list[Piece], most: int) -> None:
    going = to_drop(pieces, Quota(most, WORTH))
    left = sum(p.size_bytes for p in pieces if p.state != DROPPED and p not in going)

    assert left <= most
    assert not going or left + going[-1].size_bytes > most
    assert all(piece.state != DROPPED for piece in going)


@given(st.lists(PIECES, max_size=20), st.integers(0, 1000))
def test_nothing_the_centre_lacks_goes_while_something_it_has_stays(
    pieces: list[Piece], most: int
) -> None:
    going = to_drop(pieces, Quota(most, WORTH))

    if any(piece.state == WAITING for piece in going):
        assert [] == [p for p in pieces if p.state == SENT and p not in going]


def piece(name: str, lane: str, state: str, at_ms: int) -> Piece:
    return Piece(name, 10, lane, state, "0001", at_ms)


def test_the_order_is_sent_then_worthless_then_old() -> None:
    pieces = [
        piece("a", "attack", WAITING, 1),
        piece("b", "photo", WAITING, 2),
        piece("c", "photo", WAITING, 1),
        piece("d", "sample", WAITING, 9),
        piece("e", "attack", SENT, 9),
    ]

    assert ["e", "d", "c", "b", "a"] == [p.name for p in to_drop(pieces, Quota(0, WORTH))]


@pytest.fixture
def outbox(path: Path) -> Generator[Outbox, None, None]:
    with Outbox(path) as outbox:
        outbox.put(result())
        yield outbox


@pytest.fixture
def lane(outbox: Outbox, tmp_path: Path) -> EvidenceLane:
    (tmp_path / "evidence").mkdir()
    return EvidenceLane(outbox.file, tmp_path / "evidence")


def kept(lane: EvidenceLane, tmp_path: Path, letter: str, kind: str, at_ms: int) -> Path:
    name = letter * 64
    (tmp_path / "evidence" / name).write_bytes(b"x" * 10)
    lane.add(name, 10, kind, "0001", at_ms)
    return tmp_path / "evidence" / name


def test_dropping_removes_the_file_and_never_a_record(
    outbox: Outbox, lane: EvidenceLane, tmp_path: Path
) -> None:
    photo = kept(lane, tmp_path, "a", "photo", 1)
    attack = kept(lane, tmp_path, "b", "attack", 0)
    dropped = lane.enforce(Quota(15, WORTH))

    assert ["a" * 64] == [p.name for p in dropped]
    assert (False, True, 10) == (photo.exists(), attack.exists(), lane.bytes_there())
    lane.enforce(Quota(0, WORTH))
    assert (0, 1, 1) == (lane.bytes_there(), outbox.count(), outbox.delivery.counts().waiting)


def test_a_file_left_by_a_death_between_goes_next_time(lane: EvidenceLane, tmp_path: Path) -> None:
    photo = kept(lane, tmp_path, "a", "photo", 1)
    lane.enforce(Quota(0, WORTH))
    photo.write_bytes(b"still there")

    assert [] == lane.enforce(Quota(1000, WORTH))
    assert not photo.exists()


def test_the_worthiest_waiting_goes_first_and_the_sent_not_again(
    lane: EvidenceLane, tmp_path: Path
) -> None:
    for letter, kind, at_ms in (("a", "photo", 1), ("b", "attack", 5), ("c", "attack", 4)):
        kept(lane, tmp_path, letter, kind, at_ms)

    assert ["c", "b", "a"] == [p.name[0] for p in lane.due(Quota(0, WORTH))]
    assert 1 == lane.sent(["c" * 64, "d" * 64])
    assert ["b"] == [p.name[0] for p in lane.due(Quota(0, WORTH), limit=1)]


def test_listing_again_changes_nothing_but_brings_a_dropped_one_back(
    lane: EvidenceLane, tmp_path: Path
) -> None:
    kept(lane, tmp_path, "a", "photo", 1)
    lane.sent(["a" * 64])
    kept(lane, tmp_path, "a", "photo", 2)
    assert [] == lane.due(Quota(0, WORTH))

    lane.enforce(Quota(0, WORTH))
    kept(lane, tmp_path, "a", "photo", 3)
    assert [1] == [p.at_ms for p in lane.due(Quota(0, WORTH))]


@pytest.mark.parametrize(
    ("name", "size_bytes", "kind"),
    [
        ("../x", 1, "photo"),
        ("a" * 64, 0, "photo"),
        ("a" * 64, 1, "Ph oto"),
        ("A" * 64, 1, "photo"),
    ],
)
def test_what_is_no_piece_is_refused(
    lane: EvidenceLane, name: str, size_bytes: int, kind: str
) -> None:
    with pytest.raises(StoreError, match="name, lane or size"):
        lane.add(name, size_bytes, kind, "0001", 1)


def test_a_file_that_is_gone_is_dropped_not_sent(lane: EvidenceLane, tmp_path: Path) -> None:
    kept(lane, tmp_path, "a", "photo", 1)
    kept(lane, tmp_path, "b", "photo", 2)
    lane.sent(["b" * 64])

    assert 1 == lane.drop(["a" * 64, "b" * 64])

    assert [] == lane.due(Quota(10**9, {}))
    assert {"dropped": 1, "sent": 1} == lane.counts()
    assert {"b" * 64} == lane.there()
