"""What is inside a sealed frame is a call of our library, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lan_bed import NONCE, request

from yibao_face.daemon.lan.exchange import LanError
from yibao_face.daemon.lan.message import REPLY_BYTES, Call, read_call, write_reply

WHOLE = request(b'{"id":"1"}')


def test_a_call_is_taken_apart() -> None:
    assert Call("/stdcashFaceAuth", NONCE, None, b'{"id":"1"}') == read_call(WHOLE)
    paged = WHOLE.replace(b"X-HCF: 1", b"X-HCF: 1\r\nX-HCF-ACP: 936")
    assert "936" == read_call(paged).code_page


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"POST ", b"post "),
        (b"HTTP/1.0", b"HTTP/1.1"),
        (b" /std", b" std"),
        (b" /std", b" /s td"),
        (b"X-HCF-Nonce: ", b"X-HCF-Nonce: 0"),
        (b"X-HCF-Nonce", b"X-HCF-Other"),
        (b"X-HCF: 1", b"X-HCF 1"),
        (b"X-HCF: 1", b"X-HCF: 1\r\nx-hcf: 1"),
        (b"X-HCF: 1", b"X-HCF: \xff"),
        (b"X-HCF: 1", b"X-HCF: 1\n folded"),
        (b"X-HCF: 1", b"X-HCF: " + b"1" * 400),
        (b"Content-Length: 10", b"Content-Length: 11"),
        (b"Content-Length: 10", b"Content-Length: +10"),
        (b"Content-Length: 10\r\n", b""),
        (b"\r\n\r\n", b"\n\n"),
    ],
)
def test_what_our_library_does_not_write_is_none(old: bytes, new: bytes) -> None:
    assert old in WHOLE
    with pytest.raises(LanError, match="message"):
        read_call(WHOLE.replace(old, new))


@given(st.binary(max_size=400))
def test_any_bytes_are_a_call_or_refused(text: bytes) -> None:
    try:
        read_call(text)
    except LanError:
        return


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_changed_byte_leaves_a_call_or_none(at: int, value: int) -> None:
    try:
        call = read_call(WHOLE[:at] + bytes([value]) + WHOLE[at + 1 :])
    except LanError:
        return
    assert 32 == len(call.nonce)


@given(st.binary(max_size=1023))
def test_an_answer_is_filled_up(body: bytes) -> None:
    text = write_reply({"Content-Type": "application/json"}, body)

    assert 2048 == len(text) + 16
    head, _, rest = text.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert rest.startswith(body)
    assert b"" == rest[len(body) :].strip()


def test_an_answer_the_library_could_not_take_is_none() -> None:
    with pytest.raises(LanError, match="reply"):
        write_reply({}, bytes(REPLY_BYTES - 16))
