"""What a broken child may send: read as what it says, or ``MessageError``; nothing else."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from misbehaving import rich

from yibao_face.drivers.api import CameraInfo, Capability, DeviceLostError
from yibao_face.drivers.host.message import (
    Message,
    MessageError,
    Note,
    read_error,
    read_frame,
    read_info,
    receive,
    send,
    told_frame,
    told_info,
)
from yibao_face.drivers.host.ring import Place

PLACE = Place(1, 0, 4096, {"bgr": (12, 16, 3), "ir": (6, 8)})
INFO = CameraInfo("a", "a:b", "c", "d", Capability.RGB | Capability.PAIRED, path="e")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


class Stream(io.BytesIO):
    """A pipe that gives a byte at a time, as a pipe may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 1))


def through_pipe(message: Message) -> Message | None:
    stream: Any = Stream()
    send(stream, message)
    stream.seek(0)
    return receive(stream)


def test_a_camera_and_a_frame_arrive_as_they_were() -> None:
    frame = rich(2)
    info = through_pipe(told_info(INFO))
    told = through_pipe(told_frame(frame, PLACE))
    assert told is not None
    note = read_frame(told)

    assert INFO == read_info(info)
    assert PLACE == note.place
    for name, value in note.facts.items():
        assert getattr(frame, name) == value


@given(JSON)
def test_any_json_is_no_camera(message: Any) -> None:
    with pytest.raises(MessageError):
        read_info(message)


@settings(max_examples=300)
@given(st.sampled_from([*told_frame(rich(2), PLACE)]), JSON)
def test_a_frame_with_another_value_is_read_or_refused(name: str, value: Any) -> None:
    message = {**json.loads(json.dumps(told_frame(rich(2), PLACE))), name: value}
    try:
        note = read_frame(message)
    except MessageError:
        return

    assert isinstance(note, Note)
    assert "bgr" in note.place.shapes


@given(st.dictionaries(st.sampled_from(["error", "message", "holder"]), JSON))
def test_any_error_is_one_of_ours(message: Message) -> None:
    told = read_error(message)

    assert DeviceLostError is type(told)
    assert str(told) == str(told).encode().decode()


@given(st.binary(max_size=40))
def test_any_bytes_are_a_message_the_end_or_refused(raw: bytes) -> None:
    stream: Any = Stream(raw)
    try:
        message = receive(stream)
    except MessageError:
        return

    assert message is None or isinstance(message, dict)


@pytest.mark.parametrize(
    "body", [b"[1]", b"nonsense", b"\xff\xfe", b"[" * 100_000], ids=["list", "text", "raw", "deep"]
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    stream: Any = io.BytesIO(struct.pack("<I", len(body)) + body)
    with pytest.raises(MessageError):
        receive(stream)


def test_a_message_too_long_is_refused_before_it_is_read() -> None:
    stream: Any = io.BytesIO(struct.pack("<I", 1 << 31))
    with pytest.raises(MessageError, match="2147483648 bytes"):
        receive(stream)
