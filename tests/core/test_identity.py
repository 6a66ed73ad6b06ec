"""Ids that sort by time, certificate numbers a clerk can read out, numbers nobody can."""

from __future__ import annotations

from uuid import RFC_4122, UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.core.identity import certificate_no, check_mark, masked, uuid7

PROPERTY = settings(max_examples=300, deadline=None)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MOMENTS = st.integers(0, (1 << 48) - 1)
RANDOM = st.binary(min_size=10, max_size=10)
IDS = st.builds(uuid7, MOMENTS, RANDOM)


@PROPERTY
@given(MOMENTS, RANDOM)
def test_an_id_is_a_uuid_of_version_7(unix_ms: int, random: bytes) -> None:
    text = uuid7(unix_ms, random)

    parsed = UUID(text)
    assert str(parsed) == text
    assert (7, RFC_4122) == (parsed.version, parsed.variant)
    assert unix_ms == parsed.int >> 80


@PROPERTY
@given(MOMENTS, RANDOM)
def test_an_id_keeps_all_random_bits_but_version_and_variant(unix_ms: int, random: bytes) -> None:
    fixed = 0xF << 76 | 0x3 << 62

    value = UUID(uuid7(unix_ms, random)).int & (1 << 80) - 1

    assert int.from_bytes(random, "big") & ~fixed == value & ~fixed


@PROPERTY
@given(st.sets(MOMENTS, min_size=2, max_size=5), RANDOM, RANDOM)
def test_ids_sort_by_time(moments: set[int], one: bytes, other: bytes) -> None:
    in_time = sorted(moments)

    ids = [uuid7(at, (one, other)[i % 2]) for i, at in enumerate(in_time)]

    assert sorted(ids) == ids


@pytest.mark.parametrize(
    ("unix_ms", "random"),
    [(0, bytes(9)), (0, bytes(11)), (0, b""), (-1, bytes(10)), (1 << 48, bytes(10))],
)
def test_an_id_of_no_moment_is_not_made(unix_ms: int, random: bytes) -> None:
    with pytest.raises(ValueError, match="uuid7"):
        uuid7(unix_ms, random)


@PROPERTY
@given(IDS)
def test_a_certificate_number_says_which_result_it_certifies(result_id: str) -> None:
    number = certificate_no(result_id)

    value = 0
    for digit in number:
        value = value * 32 + CROCKFORD.index(digit)
    assert 26 == len(number)
    assert UUID(result_id) == UUID(int=value)


@PROPERTY
@given(IDS, IDS)
def test_certificate_numbers_sort_and_differ_as_their_results_do(one: str, other: str) -> None:
    numbers = certificate_no(one), certificate_no(other)

    assert (one < other, one == other) == (numbers[0] < numbers[1], numbers[0] == numbers[1])


@pytest.mark.parametrize(
    ("digest", "mark"),
    [
        (bytes(32), "0000"),
        (b"\xff" * 32, "ZZZZ"),
        (b"\x00\x00\x0f" + b"\xff" * 29, "0000"),
        (b"\x00\x00\x10" + bytes(29), "0001"),
        (b"\x08\x00\x00" + bytes(29), "1000"),
    ],
)
def test_a_check_mark_is_the_first_20_bits_of_a_digest(digest: bytes, mark: str) -> None:
    assert mark == check_mark(digest)


@PROPERTY
@given(st.binary(min_size=3, max_size=32))
def test_a_check_mark_has_four_characters_a_clerk_can_read_out(digest: bytes) -> None:
    mark = check_mark(digest)

    value = 0
    for digit in mark:
        value = value * 32 + CROCKFORD.index(digit)
    assert 4 == len(mark)
    assert int.from_bytes(digest[:3], "big") >> 4 == value


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("320101194202156744", "32**************44"),
        ("1234567", "12***67"),
        ("123456", "******"),
        ("12", "**"),
        ("", ""),
    ],
)
def test_a_number_is_shown_by_its_ends_only(number: str, shown: str) -> None:
    assert shown == masked(number)


@PROPERTY
@given(st.text(alphabet="0123456789X", max_size=50))
def test_masking_keeps_the_length_and_at_most_four_characters(number: str) -> None:
    shown = masked(number)

    assert len(number) == len(shown)
    assert sum(ch != "*" for ch in shown) <= 4
