"""The readers of what devices send: they refuse or take, and never do anything else."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from center_bed import INSTITUTION, envelope, run_of
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.sync.api import Link
from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.ingest.batch import read_batch
from yibao_face.sync.center.ingest.body import strict_json, unpacked
from yibao_face.sync.center.ingest.continuity import Chain, judge
from yibao_face.sync.center.ingest.gaps import Received
from yibao_face.sync.center.ingest.record import Incoming, UnsoundError, day_part, read_record

[SOUND] = run_of(1, 1)
ENVELOPE = envelope([SOUND], sent_ms=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "identity", "br"]))
def test_any_bytes_are_unpacked_or_refused(data: bytes, encoding: str) -> None:
    try:
        assert len(unpacked(data, encoding, 200)) <= 200
    except RefusedError as exc:
        assert exc.status in {400, 413, 415}


@given(st.binary(max_size=2000), st.integers(0, 3000))
def test_what_was_packed_is_unpacked_up_to_the_limit_exactly(data: bytes, limit: int) -> None:
    packed = gzip.compress(data)
    if len(data) <= limit:
        assert data == unpacked(packed, "gzip", limit)
    else:
        with pytest.raises(RefusedError, match="unpacks to more"):
            unpacked(packed, "gzip", limit)


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    try:
        strict_json(data)
    except RefusedError as exc:
        assert (400, "json") == (exc.status, exc.code)


@given(JSON)
def test_any_json_is_no_batch(body: Any) -> None:
    with pytest.raises(RefusedError):
        read_batch(body, 200)


@given(st.sampled_from(sorted(ENVELOPE)), JSON)
def test_a_batch_with_any_one_value_changed_is_read_or_refused(name: str, value: Any) -> None:
    try:
        batch = read_batch({**ENVELOPE, name: value}, 200)
    except RefusedError as exc:
        assert exc.status in {413, 422}
    else:
        assert isinstance(batch.records, list)


@given(JSON)
def test_any_json_is_no_record(body: Any) -> None:
    with pytest.raises(UnsoundError):
        read_record(body, 3, INSTITUTION)


@given(st.sampled_from(sorted(SOUND)), JSON)
def test_a_record_with_any_one_value_changed_is_unsound(name: str, value: Any) -> None:
    if value == SOUND[name] and type(value) is type(SOUND[name]):
        return
    with pytest.raises(UnsoundError):
        read_record({**SOUND, name: value}, 3, INSTITUTION)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_unknown_fields_are_kept_or_are_too_many(more: dict[str, Any]) -> None:
    unknown = {key: value for key, value in more.items() if key not in SOUND}

    taken = read_record({**unknown, **SOUND}, 3, INSTITUTION)

    assert isinstance(taken, Incoming)
    assert unknown.keys() == json.loads(taken.ext).keys()
    assert taken.ext.isascii()


def test_too_many_unknown_fields_are_refused() -> None:
    with pytest.raises(UnsoundError, match="too many unknown fields"):
        read_record({**SOUND, **{f"x{n}": 0 for n in range(17)}}, 3, INSTITUTION)
    with pytest.raises(UnsoundError, match="too many unknown fields"):
        read_record({**SOUND, "x": "x" * 20_000}, 3, INSTITUTION)


@pytest.mark.parametrize(
    ("id_", "day"),
    [
        ("00000000-0000-7000-8000-000000000000", 0),
        ("00000000-0000-7fff-bfff-ffffffffffff", 0),
        # 16:00 UTC on 1 January 1970 is midnight in China.
        (f"{57_600_000 >> 16:08x}-{57_600_000 & 0xFFFF:04x}-7000-8000-000000000000", 1),
    ],
)
def test_the_day_is_that_of_the_id_in_china(id_: str, day: int) -> None:
    assert day == day_part(id_)


@given(st.lists(st.sets(st.integers(1, 40), max_size=10), max_size=8))
def test_holes_are_what_was_not_received(batches: list[set[int]]) -> None:
    received, seen = Received(), set[int]()
    for batch in batches:
        received, seen = received.plus(batch), seen | batch

    missing = {seq for first, last in received.gaps for seq in range(first, last + 1)}
    assert max(seen, default=0) == received.top
    assert {*range(1, received.top + 1)} - seen == missing
    assert seen == {seq for seq in range(50) if received.holds(seq)}
    assert sorted(received.gaps) == [*received.gaps]


LINKS = [Link(n, bytes([n - 1]) * 32, bytes([n]) * 32) for n in range(1, 30)]


@given(st.sets(st.integers(1, 29)), st.sets(st.integers(1, 29)))
def test_links_of_one_chain_are_never_broken(held: set[int], came: set[int]) -> None:
    received = Received().plus(held)
    links = [LINKS[seq - 1] for seq in sorted(came)]

    verdicts = judge(links, received, {s: (LINKS[s - 1],) for s in held}.__getitem__)

    for link, verdict in zip(links, verdicts, strict=True):
        known = link.seq == 1 or link.seq - 1 in held | came
        expected = Chain.FORK if link.seq in held else Chain.WHOLE if known else Chain.OPEN
        assert expected is verdict


@given(st.integers(1, 28), st.sets(st.integers(1, 29)))
def test_a_link_with_other_content_is_found_by_a_neighbour(at: int, held: set[int]) -> None:
    forged = Link(at, b"\xee" * 32, b"\xff" * 32)
    received = Received().plus(held - {at})
    links = sorted([forged, *(LINKS[s - 1] for s in {at + 1} - held)], key=lambda link: link.seq)

    verdicts = judge(links, received, {s: (LINKS[s - 1],) for s in held - {at}}.__getitem__)

    assert Chain.BROKEN in verdicts
