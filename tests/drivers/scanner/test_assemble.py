"""Bytes become codes: ended by a line end, bounded, what the scanner adds taken off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.drivers.scanner.assemble import CANCEL, MAX_BYTES, Assembler


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\t"])
def test_a_line_end_or_tab_ends_a_code(end: bytes) -> None:
    assert ["12345", "678"] == Assembler().feed(b"12345" + end + b"678" + end)


def test_a_code_may_come_in_pieces() -> None:
    assembler = Assembler()

    assert [] == assembler.feed(b"12")
    assert assembler.is_amid
    assert ["1234"] == assembler.feed(b"34\n")
    assert not assembler.is_amid


@pytest.mark.parametrize(
    ("heard", "codes"),
    [(b"<42>\n", ["42"]), (b"42>\n", []), (b"<42\n", []), (b"<\n", []), (b"<>\n", [])],
)
def test_prefix_and_suffix_are_demanded_and_taken_off(heard: bytes, codes: list[str]) -> None:
    assert codes == Assembler("<", ">").feed(heard)


def test_a_code_beyond_the_limit_is_left_out_and_the_next_one_read() -> None:
    longest = b"1" * MAX_BYTES

    assert [longest.decode()] == Assembler().feed(longest + b"\n")
    assert ["2"] == Assembler().feed(longest + b"1\n2\n")


def test_a_code_with_lost_keystrokes_is_left_out() -> None:
    assert ["2"] == Assembler().feed(b"12" + CANCEL + b"34\n2\n")


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_chinese_comes_in_either_charset(charset: str) -> None:
    assert ["张三"] == Assembler().feed("张三".encode(charset) + b"\n")


@pytest.mark.parametrize("damaged", [b"\xff\xff", b"1\x002", b"a\x1bb"])
def test_what_is_no_text_is_left_out(damaged: bytes) -> None:
    assert [] == Assembler().feed(damaged + b"\n")


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_no_bytes_do_anything_but_give_printable_codes_within_the_limit(
    pieces: list[bytes],
) -> None:
    assembler = Assembler()
    codes = [code for piece in pieces for code in assembler.feed(piece)]

    assert all(code.isprintable() and 0 < len(code) <= MAX_BYTES for code in codes)
