"""What is signed of a reply: exactly 180 bytes, none of which another call shares by chance."""

from __future__ import annotations

import hashlib
from itertools import combinations

import pytest

from yibao_face.daemon.trust.reply import nonce_of, statement

NONCE = bytes(range(32))


def test_the_statement_is_as_the_library_builds_it() -> None:
    stated = statement(NONCE, "/stdcashFaceAuth", b"{}", b"answer")

    assert 180 == len(stated)
    assert b"yibao-face reply v1\n" == stated[:20]
    assert NONCE == stated[20:52]
    assert hashlib.sha512(b"/stdcashFaceAuth\n{}").digest() == stated[52:116]
    assert hashlib.sha512(b"answer").digest() == stated[116:]


def test_each_part_changes_the_statement() -> None:
    stated = [
        statement(NONCE, "/a", b"x", b"y"),
        statement(bytes(32), "/a", b"x", b"y"),
        statement(NONCE, "/b", b"x", b"y"),
        statement(NONCE, "/a", b"", b"y"),
        statement(NONCE, "/a", b"x", b""),
        statement(NONCE, "/a", b"y", b"x"),
    ]

    assert all(one != other for one, other in combinations(stated, 2))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_nonce_of_another_length_is_not_signed(length: int) -> None:
    with pytest.raises(ValueError, match="a nonce has 32 bytes"):
        statement(bytes(length), "/a", b"", b"")


@pytest.mark.parametrize("path", ["/接口", "/a\nb"])
def test_a_path_that_is_not_one_line_of_ascii_is_not_signed(path: str) -> None:
    with pytest.raises(ValueError, match="not one line of ASCII"):
        statement(NONCE, path, b"", b"")


def test_a_nonce_is_64_lower_case_digits() -> None:
    assert NONCE == nonce_of(NONCE.hex())


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n", " " + "0" * 63),
        *("٠" * 64, "00 " * 21 + "0", "0x" + "0" * 62),
    ],
)
def test_anything_else_is_no_nonce(header: str | None) -> None:
    assert nonce_of(header) is None
