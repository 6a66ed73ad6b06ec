"""Messages between daemon and windows: whatever comes, it is a message, an end or a refusal."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yibao_face.daemon.ui.model import screen_of, settings_of, shown, signed_of, status_of
from yibao_face.daemon.ui.protocol import (
    MAX_BODY_BYTES,
    MAX_PICTURE_BYTES,
    Message,
    ProtocolError,
    encode,
    receive,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    (
        *("phase", "encounter", "purpose", "who", "needed", "usable", "left_s", "face", "hint"),
        *("task", "prompt", "result", "light", "reason", "waiting", "version", "ui", "signs"),
        *("name", "person", "address", "voice", "text", "cause"),
    )
)
TREE = st.dictionaries(FIELDS, VALUES | st.dictionaries(FIELDS, VALUES), max_size=12)


class Trickle(io.BytesIO):
    """As a pipe: a few bytes at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(3, size) if size and size > 0 else size)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(TREE.filter(lambda body: body == body), st.binary(max_size=200))  # noqa: PLR0124  # no NaN
def test_what_is_sent_is_received(body: dict[str, object], picture: bytes) -> None:
    stream = Trickle(encode(body, len(picture)) + picture + encode({"t": "next"}))

    found = receive(stream)
    assert found is not None
    assert picture == found.picture
    assert set(body) == set(found.body)
    assert Message({"t": "next"}) == receive(stream)
    assert receive(stream) is None


@given(st.binary(max_size=300))
def test_bytes_of_no_sense_are_a_message_an_end_or_a_refusal(data: bytes) -> None:
    try:
        found = receive(io.BytesIO(data))
    except ProtocolError:
        return
    assert found is None or isinstance(found.body, dict)


@pytest.mark.parametrize("cut", [1, 7, 9, 15])
def test_a_message_cut_off_is_no_message(cut: int) -> None:
    whole = encode({"t": "next"}, 4) + b"1234"

    with pytest.raises(ProtocolError):
        receive(io.BytesIO(whole[:-cut]))


def test_nobody_is_made_to_wait_for_gigabytes() -> None:
    for lengths in ((MAX_BODY_BYTES + 1, 0), (2, MAX_PICTURE_BYTES + 1)):
        head = b"".join(length.to_bytes(4, "big") for length in lengths)
        with pytest.raises(ProtocolError):
            receive(io.BytesIO(head))
    with pytest.raises(ProtocolError):
        encode({"t": "x" * MAX_BODY_BYTES})


@given(TREE)
def test_whatever_is_sent_can_be_read_as_a_screen(body: dict[str, object]) -> None:
    screen = screen_of(body)

    assert 0.0 <= screen.share <= 1.0
    assert all(text.isprintable() for text in (screen.phase, screen.who, screen.hint))
    assert 0 <= settings_of(body).volume <= 100
    assert status_of(body).light
    assert all(len(pair) == 2 for pair in signed_of(body).signs)


def test_signs_that_would_turn_or_break_a_line_are_left_out() -> None:
    assert "<b>ab</b>" == shown("<b>a\u202e\n\u0000\u2028b</b>")
    assert 400 == len(shown("长" * 10_000))
    assert "" == shown(None)
